#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
import os
import sys

compare = os.path.join(os.path.dirname(os.path.abspath(__file__)), "compare.py")
os.execv(sys.executable, [sys.executable, compare, "host", *sys.argv[1:]])

#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
libs=${RUMPKIT_BUILDDIR:-.}/.libs
LD_LIBRARY_PATH=$libs exec "${RUMPKIT_BUILDDIR:-.}/tests/kernel/upcalls" "$libs/librump.so.0"

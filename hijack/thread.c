/* SPDX-License-Identifier: BSD-2-Clause */
#include "hijack/thread.h"

__thread struct hijack_thread hijack_thread;
struct hijack_process hijack_main_process;

/* SPDX-License-Identifier: BSD-2-Clause */
/* The parts of librump that rump_init() sets up, in this order. */
#ifndef KERNEL_BASE_BOOT_H
#define KERNEL_BASE_BOOT_H

void rumpk_log_init(void);
void rumpk_cred_init(void);
void rumpk_lwp_init(void);
void rumpk_sleep_init(void);
void rumpk_file_init(void);
void rumpk_syscall_init(void);
void rumpk_callout_init(void);
void rumpk_proc_init(void);
void rumpk_cons_init(void);
void rumpk_kqueue_init(void);
void rumpk_poll_init(void);
void rumpk_pollcalls_init(void);
void rumpk_select_init(void);
void rumpk_rw_init(void);
void rumpk_fdcalls_init(void);
void rumpk_ioctl_init(void);
void rumpk_pipe_init(void);
void rumpk_nap_init(void);
void rumpk_ptimer_init(void);
void rumpk_ids_init(void);
void rumpk_session_init(void);
void rumpk_limits_calls_init(void);
void rumpk_sysctl_init(void);
void rumpk_halt_init(void);

#endif

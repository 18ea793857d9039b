/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Theory of operation
 *
 * A filter that the program installs applies to the calls it makes, which reach the host at hijack_raw or in
 * place. The library's own bookkeeping goes through hijack_own, at an address that a filter can see. So each
 * filter gets a prologue that allows, from that address alone, the few calls without which the process could
 * not go on (masks, handlers, arming dispatch in a child, memory), those by which it talks to the rump kernel
 * on the connection that it has, so that descriptors it had before the filter go on working, and the return
 * from signal handlers; everything else falls through to the program's filter. Reading the program's memory
 * through the kernel is not among them: copy.c makes do without when it is refused or, once a filter is in,
 * does not try.
 *
 * Strict mode has no room for a prologue, and dispatch cannot be nested: both are refused.
 */
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "hijack/active.h"
#include "hijack/arm.h"
#include "hijack/copy.h"
#include "hijack/dispatch.h"
#include "hijack/mem.h"

#ifndef PR_SET_SYSCALL_USER_DISPATCH
#define PR_SET_SYSCALL_USER_DISPATCH 59
#endif

static const uint32_t own_calls[] = {SYS_rt_sigprocmask, SYS_rt_sigpending, SYS_rt_sigaction, SYS_mmap,
    SYS_rt_tgsigqueueinfo, SYS_rt_sigtimedwait, SYS_munmap, SYS_tgkill, SYS_gettid, SYS_getpid, SYS_sendto,
    SYS_recvfrom, SYS_sendmsg, SYS_recvmmsg, SYS_ppoll, SYS_signalfd4, SYS_sched_yield, SYS_futex,
    SYS_eventfd2, SYS_epoll_create1, SYS_epoll_ctl, SYS_fcntl, SYS_close, SYS_getrlimit};
#define OWN_CALLS (sizeof(own_calls) / sizeof(own_calls[0]))

/* arch 2, rt_sigreturn 2, address 4, calls 1 + n, prctl 2 + 1, allow 1, clear the accumulator 1 */
#define PROLOGUE (14 + OWN_CALLS)
#define ALLOW (PROLOGUE - 2)
#define PROGRAM (PROLOGUE - 1)

static void
load(struct sock_filter *code, size_t *n, uint32_t offset)
{
	code[(*n)++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offset);
}

/* Goes to the instruction numbered yes or no; either may be the next one. */
static void
compare(struct sock_filter *code, size_t *n, uint32_t value, size_t yes, size_t no)
{
	code[*n] = (struct sock_filter)BPF_JUMP(
	    BPF_JMP | BPF_JEQ | BPF_K, value, (uint8_t)(yes - *n - 1), (uint8_t)(no - *n - 1));
	(*n)++;
}

static void
write_prologue(struct sock_filter *code)
{
	uint64_t address = (uint64_t)(uintptr_t)hijack_own_return;
	size_t n = 0;

	load(code, &n, offsetof(struct seccomp_data, arch));
	compare(code, &n, AUDIT_ARCH_X86_64, n + 1, PROGRAM);
	load(code, &n, offsetof(struct seccomp_data, nr));
	compare(code, &n, SYS_rt_sigreturn, ALLOW, n + 1);
	load(code, &n, offsetof(struct seccomp_data, instruction_pointer));
	compare(code, &n, (uint32_t)address, n + 1, PROGRAM);
	load(code, &n, offsetof(struct seccomp_data, instruction_pointer) + 4);
	compare(code, &n, (uint32_t)(address >> 32), n + 1, PROGRAM);
	load(code, &n, offsetof(struct seccomp_data, nr));
	for (size_t i = 0; i < OWN_CALLS; i++)
		compare(code, &n, own_calls[i], ALLOW, n + 1);
	compare(code, &n, SYS_prctl, n + 1, PROGRAM);
	load(code, &n, offsetof(struct seccomp_data, args));
	compare(code, &n, PR_SET_SYSCALL_USER_DISPATCH, ALLOW, PROGRAM);
	code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	code[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_IMM, 0);
}

/* Makes the call with its filter, argument n, fitted with the prologue. */
static long
with_filter(const struct hijack_call *call, int n)
{
	struct hijack_call changed = *call;
	struct sock_fprog program;
	struct sock_filter *code;
	size_t size;
	long result, map;

	if (hijack_copyin(&program, (uint64_t)call->arg[n], sizeof(program)) != 0)
		return -EFAULT;
	if (program.len == 0 || program.len > BPF_MAXINSNS - PROLOGUE)
		return -EINVAL;
	size = (PROLOGUE + program.len) * sizeof(*code);
	map = hijack_own(SYS_mmap, 0, (long)size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (map < 0 && map > -4096)
		return map;
	/* Later the filter may forbid what it takes. */
	hijack_arm("the program filters its calls");
	code = (struct sock_filter *)map;
	write_prologue(code);
	result =
	    hijack_copyin(code + PROLOGUE, (uint64_t)(uintptr_t)program.filter, program.len * sizeof(*code));
	if (result == 0) {
		program.filter = code;
		program.len = (unsigned short)(PROLOGUE + program.len);
		changed.arg[n] = (long)&program;
		result = hijack_pass(&changed);
		if (result == 0)
			hijack_process()->sandboxed = true;
	}
	(void)hijack_own(SYS_munmap, map, (long)size, 0, 0, 0, 0);
	return result;
}

long
hijack_seccomp(const struct hijack_call *call)
{
	if (call->arg[0] == SECCOMP_SET_MODE_STRICT)
		return -EINVAL;
	if (call->arg[0] != SECCOMP_SET_MODE_FILTER)
		return hijack_pass(call);
	return with_filter(call, 2);
}

long
hijack_prctl(const struct hijack_call *call)
{
	switch (call->arg[0]) {
	case HIJACK_ACTIVE_QUESTION:
		return HIJACK_ACTIVE_ANSWER;
	case PR_SET_SYSCALL_USER_DISPATCH:
		return -EINVAL;
	case PR_SET_SECCOMP:
		if (call->arg[1] == SECCOMP_MODE_STRICT)
			return -EINVAL;
		if (call->arg[1] == SECCOMP_MODE_FILTER)
			return with_filter(call, 2);
		break;
	default:
		break;
	}
	return hijack_pass(call);
}

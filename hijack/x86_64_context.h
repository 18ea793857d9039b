/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef HIJACK_X86_64_CONTEXT_H
#define HIJACK_X86_64_CONTEXT_H

#include <asm/prctl.h>
#include <linux/audit.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <ucontext.h>

#include "hijack/x86_64_gate.h"

/* Makes a trapped call arrive in the gate once the handler returns. The instruction pointer is behind the
 * call already. */
static inline void
hijack_context_redirect(ucontext_t *context, const siginfo_t *info)
{
	greg_t *reg = context->uc_mcontext.gregs;

	if (info->si_arch == AUDIT_ARCH_X86_64) {
		reg[REG_RCX] = reg[REG_RIP];
		reg[REG_RIP] = (greg_t)(uintptr_t)hijack_trapped;
		return;
	}
	/* A 32-bit call from 64-bit code changes no register: its return address goes below the red zone. */
	reg[REG_RSP] -= 128 + 8;
	*(greg_t *)reg[REG_RSP] = reg[REG_RIP];
	reg[REG_RIP] = (greg_t)(uintptr_t)hijack_trapped_int80;
}

/* Whether a trapped call gives the thread other thread-local storage than the C library's. */
static inline bool
hijack_context_sets_storage(const ucontext_t *context, const siginfo_t *info)
{
	return info->si_arch == AUDIT_ARCH_X86_64 && info->si_syscall == SYS_arch_prctl &&
	       context->uc_mcontext.gregs[REG_RDI] == ARCH_SET_FS;
}

/* Makes a trapped call once more when the handler returns, by the site that made it. */
static inline void
hijack_context_repeat(ucontext_t *context)
{
	context->uc_mcontext.gregs[REG_RIP] -= 2;
}

#endif

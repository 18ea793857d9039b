/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Theory of operation
 *
 * A rewritten call site jumps to its trampoline, which runs the instructions that were moved, loads rcx with the address of its
 * record and jumps to hijack_entry:
 *
 *	record:	.quad	the address after the site's syscall instruction
 *	+8	syscall; lea after(%rip), %rcx; jmp hijack_cloned	(the call run in place)
 *	+22	after: moved instructions; jmp back
 *
 * A call that Syscall User Dispatch trapped arrives at hijack_trapped, with rcx its own return address (the signal handler put
 * it there). Both build the same frame on the program's stack, below the red zone, and share the rest:
 *
 *	rsp+0	the address after the site's syscall: what an unwinder takes for the return address
 *	rsp+8	where to go on
 *	rsp+16	128 bytes of red zone
 *
 * So a backtrace, and the unwinding that thread cancellation does, steps from here straight to the program's function, whose
 * unwind information holds for exactly that address. Only rcx, r11 and the flags are free: the kernel's ABI gives no more. No
 * vector register is touched on the way to hijack_syscall; what lies beyond saves them if it needs them.
 *
 * What lies beyond also needs more stack than there may be: code with system calls of its own may run on stacks of its own, too
 * (Go's goroutines start with 2 KiB). So a call that was trapped goes on, from below the frame, on the stack that the library
 * keeps for the thread (stack.c).
 *
 * A call that returns twice cannot run below a frame, because the child's stack has none: it runs in place, in the trampoline or
 * in one of the clone slots, and both returns pass through hijack_cloned. vfork's child shares the stack with its parent; so
 * nothing may be kept on it across the call, which is why hijack_cloned gets its way back from the instruction that follows.
 */
#include "hijack/x86_64_gate.h"

#define FRAME 144
#define STACK_TAKEN -64 /* (rbp): whether the call runs on the thread's other stack */

/* STACK_TAKEN is 0 so far, and the last that was pushed: goes over to the thread's other stack, if it has one that is free. */
	.macro take_stack
	mov	hijack_thread@gottpoff(%rip), %rcx
	add	%fs:0, %rcx
	cmpb	$0, HIJACK_THREAD_STACK_USED(%rcx)
	jne	.Lstay\@
	cmpq	$0, HIJACK_THREAD_STACK(%rcx)
	je	.Lstay\@
	movb	$1, HIJACK_THREAD_STACK_USED(%rcx)
	movb	$1, STACK_TAKEN(%rbp)
	mov	HIJACK_THREAD_STACK(%rcx), %rsp
.Lstay\@:
	.endm

/* Back to the program's stack, and only then is the other one free. */
	.macro leave_stack
	lea	STACK_TAKEN(%rbp), %rsp
	cmpb	$0, STACK_TAKEN(%rbp)
	je	.Lleft\@
	mov	hijack_thread@gottpoff(%rip), %rcx
	movb	$0, %fs:HIJACK_THREAD_STACK_USED(%rcx)
.Lleft\@:
	.endm

	.section .hijack_gate, "ax", @progbits
	.balign 4096
	.globl hijack_gate_start
	.hidden hijack_gate_start
hijack_gate_start:

	.globl hijack_entry
	.hidden hijack_entry
	.type hijack_entry, @function
hijack_entry:
	.cfi_startproc
	.cfi_def_cfa %rsp, 0
	lea	HIJACK_RECORD_AFTER(%rcx), %r11
	mov	(%rcx), %rcx
	.cfi_register %rip, %rcx
	jmp	.Lcommon
	.cfi_endproc
	.size hijack_entry, . - hijack_entry

	.balign 16
	.globl hijack_trapped
	.hidden hijack_trapped
	.type hijack_trapped, @function
hijack_trapped:
	.cfi_startproc
	.cfi_def_cfa %rsp, 0
	.cfi_register %rip, %rcx
	mov	%rcx, %r11
.Lcommon:
	lea	-128(%rsp), %rsp
	.cfi_def_cfa_offset 128
	push	%r11
	.cfi_def_cfa_offset 136
	push	%rcx
	.cfi_def_cfa_offset FRAME
	.cfi_offset %rip, -FRAME
	cmp	$HIJACK_CALLS, %rax
	jae	.Lplain
	lea	hijack_route(%rip), %r11
	movzbl	(%r11, %rax), %r11d
	test	%r11d, %r11d
	jnz	.Lrouted
.Lplain:
	syscall
.Lout:
	lea	8(%rsp), %rsp
	.cfi_def_cfa_offset 136
	pop	%rcx
	.cfi_def_cfa_offset 128
	lea	128(%rsp), %rsp
	.cfi_def_cfa_offset 0
	.cfi_register %rip, %rcx
	jmp	*%rcx

.Lrouted:
	.cfi_def_cfa_offset FRAME
	.cfi_offset %rip, -FRAME
	cmp	$HIJACK_ROUTE_SIGRETURN, %r11d
	je	.Lsigreturn
	cmp	$HIJACK_ROUTE_FD, %r11d
	jne	.Ldispatch
	/* hijack_fd(rdi): most calls are not for the rump kernel, and are let go from here. */
	mov	hijack_thread@gottpoff(%rip), %rcx
	mov	%fs:HIJACK_THREAD_PROCESS(%rcx), %rcx
	test	%rcx, %rcx
	jnz	1f
	lea	hijack_main_process(%rip), %rcx
1:	mov	HIJACK_PROCESS_FDS(%rcx), %rcx
	test	%rcx, %rcx
	jz	.Lplain
	mov	%edi, %r11d
	cmp	$HIJACK_FDS, %r11d
	jae	.Lplain
	cmpl	$0, HIJACK_FDS_ENTRY(%rcx, %r11, 4)
	je	.Lplain
	mov	$HIJACK_ROUTE_DISPATCH, %r11d
.Ldispatch:
	push	%rbp
	.cfi_def_cfa_offset FRAME + 8
	.cfi_offset %rbp, -(FRAME + 8)
	mov	%rsp, %rbp
	.cfi_def_cfa_register %rbp
	push	%rdi
	push	%rsi
	push	%rdx
	push	%r10
	push	%r8
	push	%r9
	push	%rax
	push	$0
	mov	8(%rbp), %rcx
	cmp	%rcx, 16(%rbp)
	jne	.Lstacked
	take_stack
.Lstacked:
	and	$-16, %rsp
	cmp	$HIJACK_ROUTE_CLONE, %r11d
	je	.Lclone
	sub	$8, %rsp
	push	%r9
	mov	%r8, %r9
	mov	%r10, %r8
	mov	%rdx, %rcx
	mov	%rsi, %rdx
	mov	%rdi, %rsi
	mov	%rax, %rdi
	call	hijack_syscall
.Lanswer:
	leave_stack
	mov	-48(%rbp), %r9
	mov	-40(%rbp), %r8
	mov	-32(%rbp), %r10
	mov	-24(%rbp), %rdx
	mov	-16(%rbp), %rsi
	mov	-8(%rbp), %rdi
	mov	%rbp, %rsp
	.cfi_remember_state
	pop	%rbp
	.cfi_def_cfa %rsp, FRAME
	.cfi_restore %rbp
	jmp	.Lout

.Lclone:
	.cfi_restore_state
	mov	%rsi, %rdx
	mov	%rdi, %rsi
	mov	%rax, %rdi
	mov	16(%rbp), %rcx
	mov	8(%rbp), %r8
	movzbl	STACK_TAKEN(%rbp), %r9d
	call	hijack_before_clone
	cmp	$-4096, %rax
	ja	.Lanswer
	mov	%rax, %r11
	leave_stack
	mov	-56(%rbp), %rax
	mov	-48(%rbp), %r9
	mov	-40(%rbp), %r8
	mov	-32(%rbp), %r10
	mov	-24(%rbp), %rdx
	mov	-16(%rbp), %rsi
	mov	-8(%rbp), %rdi
	mov	8(%rbp), %rcx
	mov	%rbp, %rsp
	pop	%rbp
	.cfi_def_cfa %rsp, FRAME
	.cfi_restore %rbp
	lea	FRAME(%rsp), %rsp
	.cfi_def_cfa_offset 0
	.cfi_register %rip, %rcx
	jmp	*%r11

.Lsigreturn:
	.cfi_def_cfa_offset FRAME
	.cfi_offset %rip, -FRAME
	lea	FRAME(%rsp), %rsp
	.cfi_def_cfa_offset 0
	syscall
	.cfi_endproc
	.size hijack_trapped, . - hijack_trapped

/* After a call run in place, in the parent and in the child: rcx is where to go on, rax the call's result. */
	.balign 16
	.globl hijack_cloned
	.hidden hijack_cloned
	.type hijack_cloned, @function
hijack_cloned:
	.cfi_startproc
	.cfi_def_cfa %rsp, 0
	.cfi_register %rip, %rcx
	lea	-128(%rsp), %rsp
	.cfi_def_cfa_offset 128
	push	%rcx
	.cfi_def_cfa_offset 136
	.cfi_offset %rip, -136
	push	%rbp
	.cfi_def_cfa_offset FRAME
	.cfi_offset %rbp, -FRAME
	mov	%rsp, %rbp
	.cfi_def_cfa_register %rbp
	push	%rax
	push	%rdi
	push	%rsi
	push	%rdx
	push	%r10
	push	%r8
	push	%r9
	push	$0
	and	$-16, %rsp
	mov	%rax, %rdi
	call	hijack_clone_trapped
	test	%al, %al
	jz	.Lclone_stacked
	take_stack
.Lclone_stacked:
	and	$-16, %rsp
	mov	-8(%rbp), %rdi
	call	hijack_after_clone
	leave_stack
	mov	-56(%rbp), %r9
	mov	-48(%rbp), %r8
	mov	-40(%rbp), %r10
	mov	-32(%rbp), %rdx
	mov	-24(%rbp), %rsi
	mov	-16(%rbp), %rdi
	mov	-8(%rbp), %rax
	mov	%rbp, %rsp
	pop	%rbp
	.cfi_def_cfa %rsp, 136
	.cfi_restore %rbp
	pop	%rcx
	.cfi_def_cfa_offset 128
	.cfi_register %rip, %rcx
	lea	128(%rsp), %rsp
	.cfi_def_cfa_offset 0
	jmp	*%rcx
	.cfi_endproc
	.size hijack_cloned, . - hijack_cloned

	.macro raw name
	.balign 16
	.globl \name
	.hidden \name
	.type \name, @function
\name:
	.cfi_startproc
	mov	%rdi, %rax
	mov	%rsi, %rdi
	mov	%rdx, %rsi
	mov	%rcx, %rdx
	mov	%r8, %r10
	mov	%r9, %r8
	mov	8(%rsp), %r9
	syscall
	.globl \name\()_return
	.hidden \name\()_return
\name\()_return:
	ret
	.cfi_endproc
	.size \name, . - \name
	.endm

	raw	hijack_raw
	raw	hijack_own

/*
 * How signal handlers return. Unwinders and debuggers know a signal frame by these very bytes at the return address; there is
 * no unwind information here, so that they look.
 */
	.balign 16
	nop
	.globl hijack_restorer
	.hidden hijack_restorer
	.type hijack_restorer, @function
hijack_restorer:
	.byte	0x48, 0xc7, 0xc0, 0x0f, 0x00, 0x00, 0x00	/* mov $15, %rax */
	syscall
	.size hijack_restorer, . - hijack_restorer

/* A trapped 32-bit call: its return address was pushed below the red zone. */
	.balign 16
	.globl hijack_trapped_int80
	.hidden hijack_trapped_int80
	.type hijack_trapped_int80, @function
hijack_trapped_int80:
	.cfi_startproc
	.cfi_def_cfa %rsp, 136
	.cfi_offset %rip, -136
	int	$0x80
	ret	$128
	.cfi_endproc
	.size hijack_trapped_int80, . - hijack_trapped_int80

	.balign 16
	.globl hijack_clone_slots
	.hidden hijack_clone_slots
hijack_clone_slots:
	.set	slot, 0
	.rept	HIJACK_CLONE_SLOTS
	.balign HIJACK_CLONE_SLOT_SIZE
	syscall
	mov	hijack_clone_target + 8 * slot(%rip), %rcx
	jmp	hijack_cloned
	.set	slot, slot + 1
	.endr

	.balign 4096, 0xcc
	.globl hijack_trampolines
	.hidden hijack_trampolines
hijack_trampolines:
	.fill	HIJACK_TRAMPOLINE_SPACE, 1, 0xcc
	.globl hijack_gate_end
	.hidden hijack_gate_end
hijack_gate_end:

	.section .note.GNU-stack, "", @progbits

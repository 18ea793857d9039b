/* SPDX-License-Identifier: BSD-2-Clause */
#include <sys/syscall.h>

	.macro entry name
	.balign 16
\name:
	.endm

	.section .snippets, "ax", @progbits
	.balign 4096
	.globl snippets_start
snippets_start:

/* A comparison follows, as in most of libc. */
	entry follow
	mov	$SYS_getpid, %eax
follow_call:
	syscall
	cmp	$-4095, %rax
follow_end:
	jae	1f
	ret
1:	mov	$-1, %rax
	ret

/* What follows reads memory relative to the instruction pointer. */
	entry relative
	mov	$SYS_getppid, %eax
relative_call:
	syscall
	mov	value(%rip), %rdx
relative_end:
	test	%rax, %rax
	ret

/* Something jumps to what follows: the window grows backward. */
	entry target
	test	%rdi, %rdi
	je	1f
target_window:
	mov	$SYS_getuid, %eax
target_call:
	syscall
1:	test	%rax, %rax
	mov	%rax, %rdx
	ret

/* Something jumps to the call, and nothing may be moved behind it. */
	entry hemmed
	mov	$SYS_getuid, %eax
	test	%rdi, %rdi
	jne	hemmed_call
	mov	$SYS_getpid, %eax
hemmed_call:
	syscall
	ret

/* Data in the red zone, and a value on the stack, live across the call. */
	entry redzone
	mov	%rdi, -8(%rsp)
	mov	%rsi, -128(%rsp)
	mov	$SYS_getgid, %eax
redzone_call:
	syscall
	mov	-8(%rsp), %rdx
redzone_end:
	mov	-128(%rsp), %r10
	test	%r10, %r10
	ret

/* The call's number goes through the dispatcher, with bad arguments. */
	entry dispatched
	push	%rbx
	mov	$-1, %rdi
	mov	$SYS_prctl, %eax
dispatched_call:
	syscall
	cmp	$-22, %rax
dispatched_end:
	pop	%rbx
	ret

/* An unconditional jump follows: nothing behind it may be moved. */
	entry jump
	xor	%r9d, %r9d
jump_window:
	mov	$SYS_getegid, %eax
jump_call:
	syscall
	jmp	1f
	int3
1:	test	%rax, %rax
	mov	%rax, %r9
	ret

/* A jump table leads behind the call. */
	entry table
	lea	jump_table(%rip), %rdx
	movslq	(%rdx), %r10
	add	%rdx, %r10
	xor	%edx, %edx
	test	%rsp, %rsp
	je	2f
	mov	$SYS_geteuid, %eax
table_call:
	syscall
table_entry:
	mov	$7, %r10d
	test	%r10, %r10
	ret
2:	jmp	*%r10

/* A number that no table knows. */
	entry unknown
	mov	$100000, %eax
unknown_call:
	syscall
	neg	%rax
unknown_end:
	ret

	.balign 16
	.globl snippets_end
snippets_end:

	.section .rodata
	.balign 8
	.globl snippets_table_start
	.globl snippets_table_end
snippets_table_start:
jump_table:
	.long	table_entry - jump_table
	.long	0x7fffffff
value:	.quad	0x123456789abcdef
snippets_table_end:

	.section .data.rel.ro, "aw"
	.balign 8
	.globl snippet_table
snippet_table:
	.quad	follow, follow_call, follow_call, follow_end - follow_call
	.quad	relative, relative_call, relative_call, relative_end - relative_call
	.quad	target, target_call, target_window, 7
	.quad	hemmed, hemmed_call, 0, 0
	.quad	redzone, redzone_call, redzone_call, redzone_end - redzone_call
	.quad	dispatched, dispatched_call, dispatched_call, dispatched_end - dispatched_call
	.quad	jump, jump_call, jump_window, 7
	.quad	table, table_call, table_call - 5, 7
	.quad	unknown, unknown_call, unknown_call, unknown_end - unknown_call

	.text
	.globl run_snippet
	.type run_snippet, @function
run_snippet:
	push	%rbx
	push	%rbp
	push	%r12
	push	%r13
	push	%rsi
	mov	%rdi, %r11
	mov	%rsi, %rbp
	.irp	n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
	movups	88 + 16 * \n(%rbp), %xmm\n
	.endr
	mov	0(%rbp), %rax
	mov	8(%rbp), %rdx
	mov	16(%rbp), %rbx
	mov	24(%rbp), %rsi
	mov	32(%rbp), %rdi
	mov	40(%rbp), %r8
	mov	48(%rbp), %r9
	mov	56(%rbp), %r10
	mov	64(%rbp), %r12
	mov	72(%rbp), %r13
	call	*%r11
	pushfq
	pop	%r11
	and	$0x8d5, %r11
	mov	(%rsp), %rbp
	mov	%rax, 0(%rbp)
	mov	%rdx, 8(%rbp)
	mov	%rbx, 16(%rbp)
	mov	%rsi, 24(%rbp)
	mov	%rdi, 32(%rbp)
	mov	%r8, 40(%rbp)
	mov	%r9, 48(%rbp)
	mov	%r10, 56(%rbp)
	mov	%r12, 64(%rbp)
	mov	%r13, 72(%rbp)
	mov	%r11, 80(%rbp)
	.irp	n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
	movups	%xmm\n, 88 + 16 * \n(%rbp)
	.endr
	pop	%rsi
	pop	%r13
	pop	%r12
	pop	%rbp
	pop	%rbx
	ret
	.size run_snippet, . - run_snippet

	.section .note.GNU-stack, "", @progbits

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where the host delivers a signal that the program has a handler for: on to that, or back. The way leaves nothing on the
 * stack, so that the handler returns to the restorer, by which unwinders and debuggers know a signal's frame.
 */
	.text
	.balign 16
	.globl hijack_handler
	.hidden hijack_handler
	.type hijack_handler, @function
hijack_handler:
	.cfi_startproc
	push	%rdi
	.cfi_adjust_cfa_offset 8
	push	%rsi
	.cfi_adjust_cfa_offset 8
	push	%rdx
	.cfi_adjust_cfa_offset 8
	call	hijack_handlers_arrived
	pop	%rdx
	.cfi_adjust_cfa_offset -8
	pop	%rsi
	.cfi_adjust_cfa_offset -8
	pop	%rdi
	.cfi_adjust_cfa_offset -8
	test	%rax, %rax
	jz	1f
	jmp	*%rax
1:	ret
	.cfi_endproc
	.size hijack_handler, . - hijack_handler
	.section .note.GNU-stack,"",@progbits

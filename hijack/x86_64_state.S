/* SPDX-License-Identifier: BSD-2-Clause */
/* hijack_beyond_asm(call, entry): entry(call), with the extended state kept on the stack meanwhile. */
	.text
	.balign 16
	.globl hijack_beyond_asm
	.hidden hijack_beyond_asm
	.type hijack_beyond_asm, @function
hijack_beyond_asm:
	.cfi_startproc
	push	%rbp
	.cfi_def_cfa_offset 16
	.cfi_offset %rbp, -16
	mov	%rsp, %rbp
	.cfi_def_cfa_register %rbp
	push	%rbx
	.cfi_offset %rbx, -24
	mov	hijack_state_size(%rip), %eax
	sub	%rax, %rsp
	and	$-64, %rsp
	mov	hijack_state_components(%rip), %eax
	test	%eax, %eax
	jz	1f
	/* What xsave leaves as it was in its header has to be zero for xrstor. */
	xor	%edx, %edx
	mov	%rdx, 512(%rsp)
	mov	%rdx, 520(%rsp)
	mov	%rdx, 528(%rsp)
	mov	%rdx, 536(%rsp)
	mov	%rdx, 544(%rsp)
	mov	%rdx, 552(%rsp)
	mov	%rdx, 560(%rsp)
	mov	%rdx, 568(%rsp)
	xsave64	(%rsp)
	call	*%rsi
	mov	%rax, %rbx
	mov	hijack_state_components(%rip), %eax
	xor	%edx, %edx
	xrstor64 (%rsp)
	jmp	2f
1:	fxsave64 (%rsp)
	call	*%rsi
	mov	%rax, %rbx
	fxrstor64 (%rsp)
2:	mov	%rbx, %rax
	mov	-8(%rbp), %rbx
	leave
	.cfi_def_cfa %rsp, 8
	ret
	.cfi_endproc
	.size hijack_beyond_asm, . - hijack_beyond_asm

	.section .note.GNU-stack, "", @progbits

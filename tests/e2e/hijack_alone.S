/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A program that has a loader, but no C library: it brings thread-local storage of its own, as a
 * position-independent one of Go's does, and makes its calls itself. Its status is 0 if its storage is there
 * and a byte could be written to standard output.
 */
#include <asm/prctl.h>
#include <asm/unistd.h>

	.text
	.globl	_start
_start:
	mov	$__NR_arch_prctl, %eax
	mov	$ARCH_SET_FS, %edi
	lea	storage(%rip), %rsi
	syscall
	test	%rax, %rax
	jnz	exit
	lea	storage(%rip), %rsi
	cmp	%rsi, %fs:0
	mov	$2, %eax
	jne	exit
	mov	$__NR_write, %eax
	mov	$1, %edi
	lea	text(%rip), %rsi
	mov	$1, %edx
	syscall
	dec	%eax
exit:
	mov	%eax, %edi
	mov	$__NR_exit_group, %eax
	syscall

	.data
storage:
	.quad	storage
text:
	.ascii	"!"
	.section .note.GNU-stack, "", @progbits

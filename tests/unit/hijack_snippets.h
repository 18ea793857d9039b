/* SPDX-License-Identifier: BSD-2-Clause */
/* Pieces of code with a system call each, in the shapes that compilers and people give them. */
#ifndef TESTS_UNIT_HIJACK_SNIPPETS_H
#define TESTS_UNIT_HIJACK_SNIPPETS_H

#include <stdint.h>

#define SNIPPETS 9

struct snippet {
	uint8_t *code;
	const uint8_t *call;   /* the syscall instruction */
	const uint8_t *window; /* where the window starts; NULL: there is no safe one */
	uint64_t length;       /* of the window */
};

struct state {
	uint64_t general[11]; /* rax rdx rbx rsi rdi r8 r9 r10 r12 r13 and the flags that comparing sets */
	uint64_t vector[32];  /* xmm0 to xmm15 */
};

extern uint8_t snippets_start[], snippets_end[];
extern const uint8_t snippets_table_start[], snippets_table_end[];
extern const struct snippet snippet_table[SNIPPETS];

/* Calls code with the state's registers and puts what it leaves there into the state. */
void run_snippet(const uint8_t *code, struct state *state);

#endif

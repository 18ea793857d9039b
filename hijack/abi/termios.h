/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Settings of terminals.
 *
 * What both systems have is translated bit by bit and character by character. The rest is chosen so that a
 * program finds what it has set, and changes nothing else:
 *
 * - Flags that only Linux has (IUTF8, IUCLC, OLCUC, OFILL, OFDEL, the delays, XCASE, CMSPAR) and the
 *   character VSWTC are kept where NetBSD has nothing. Its kernel stores them with the rest, without effect.
 * - Flags and characters that only NetBSD has (ONOEOT, ALTWERASE, VDSUSP, VSTATUS and others) stay as they
 *   are.
 * - OXTABS is TAB3 (XTABS).
 * - PENDIN, a state of NetBSD's that its kernel alone sets and ends, is not shown and not set. Linux's, which
 *   does nothing, is kept.
 * - A character that is 0 on Linux and 0xff on NetBSD is none. NetBSD's 0, a NUL that acts, is shown as none
 *   and stays as it is unless the program wants another; Linux's 0xff becomes none.
 * - NetBSD's speeds are numbers. Those that Linux has no code for are BOTHER with a number, and a program
 *   that gives no number with BOTHER leaves the speed as it is.
 * - The only line discipline is N_TTY.
 */
#ifndef HIJACK_ABI_TERMIOS_H
#define HIJACK_ABI_TERMIOS_H

#include <asm/termbits.h>

#include <rump/rumpdefs.h>

/* struct termios2 is what TCGETS2 gives; its beginning is the struct termios of TCGETS. */
void hijack_abi_termios(struct termios2 *to, const struct rump_termios *from);

/* Changes settings to what a program wants. to: as they are. */
void hijack_abi_termios_back(struct rump_termios *to, const struct termios2 *from);

#endif

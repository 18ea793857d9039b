/* SPDX-License-Identifier: BSD-2-Clause */
/* An object that defines nothing for others. With NEEDS it has undefined symbols, else none at all. */
#ifdef NEEDS
extern int puts(const char *text);
static int (*volatile needed)(const char *text) __attribute__((used)) = puts;
#else
static int nothing __attribute__((used));
#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is wrong, in words for the user. Parts of the server that can fail in many ways fill one in and
 * return -1; only the program prints it.
 */
#ifndef RUMP_SERVER_COMPLAINT_H
#define RUMP_SERVER_COMPLAINT_H

struct complaint {
	char text[1024];
};

/* Sets the text, cut at the size of the buffer. Returns -1, so that a caller can return it in turn. */
int complain(struct complaint *c, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif

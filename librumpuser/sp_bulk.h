/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The data of reads and writes of local clients, in larger pieces than the kernel copies: what a read writes
 * is gathered, what a write reads is fetched ahead.
 */
#ifndef LIBRUMPUSER_SP_BULK_H
#define LIBRUMPUSER_SP_BULK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sp/wire.h"

struct client_call;
struct sp_client;

/* A worker's. All zeros is empty. */
struct sp_bulk {
	uint8_t *buffer;
	sp_addr_t addr; /* where in the client's memory it belongs */
	size_t len;
	bool dirty; /* it is to be written there */
};

void bulk_free(struct sp_bulk *bulk);

/*
 * Serves a copy of the kernel's for the call that the calling worker runs. True when it did; when not,
 * nothing is left that the copy could miss, or *error is what it is to fail with. These wait, for the client
 * too: not with the kernel's CPU.
 */
bool bulk_read(struct sp_client *c, sp_addr_t addr, void *dst, size_t len, int *error);
bool bulk_write(struct sp_client *c, sp_addr_t addr, const void *src, size_t len, int *error);

/* Before any other copy of the call's. Returns 0 or -errno. */
int bulk_settle(struct sp_client *c);

/* At the end of a call, outside of the kernel. Returns 0 or -errno. */
int bulk_end(struct client_call *call);

#endif

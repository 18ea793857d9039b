/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What each system call's arguments point at, generated from abi/syscalls.tsv by abi/generate.py.
 *
 * What a signature cannot say is SP_ARG_OPAQUE, and moves by round trips when it has to: the message of
 * sendmmsg and recvmmsg, quotactl, modctl, aio, nfssvc. SP_ARG_IOVEC, SP_ARG_MSGHDR, SP_ARG_IOCTL and
 * SP_ARG_FCNTL name memory that only their contents, or another argument, describe; a client that wants it
 * sent along looks.
 */
#ifndef SP_SIGNATURE_H
#define SP_SIGNATURE_H

#include <stdbool.h>
#include <stdint.h>

#include "sp/limits.h"

enum sp_arg_kind {
	SP_ARG_VALUE,  /* no pointer, or padding */
	SP_ARG_STRING, /* read up to its NUL */
	SP_ARG_IN,     /* read by the kernel */
	SP_ARG_OUT,    /* written by it */
	SP_ARG_INOUT,
	SP_ARG_IOVEC_IN,  /* an array of struct rump_iovec, as many as length_slot says, whose ranges are read
			   */
	SP_ARG_IOVEC_OUT, /* the same, written */
	SP_ARG_MSGHDR_IN, /* a struct rump_msghdr, for sendmsg */
	SP_ARG_MSGHDR_OUT,
	SP_ARG_IOCTL, /* direction and size are in the request, in slot length_slot */
	SP_ARG_FCNTL, /* a struct rump_flock for the lock commands, a number for others */
	SP_ARG_OPAQUE,
};

enum sp_arg_length {
	SP_LEN_FIXED,  /* `size` bytes */
	SP_LEN_SLOT,   /* the value in slot length_slot, times `size` */
	SP_LEN_SLOT32, /* the same; the value is a 32-bit one, its upper half is not looked at */
	SP_LEN_AT32,   /* the 32-bit number that slot length_slot points at */
	SP_LEN_AT64,   /* the 64-bit number there */
	SP_LEN_FDSET,  /* an fd_set for as many descriptors as slot length_slot says */
};

struct sp_arg {
	uint8_t kind;
	uint8_t length; /* how long it is */
	uint8_t length_slot;
	uint16_t size;
};

enum sp_bulk_kind {
	SP_BULK_NONE,
	SP_BULK_IN,  /* moves data of the client's, which the kernel may have read ahead */
	SP_BULK_OUT, /* moves data to it, which may arrive with the answer */
};

struct sp_signature {
	char name[28]; /* empty: no call has this number; in place, so that the table needs no relocation */
	uint8_t slots;
	bool offered;     /* by a rump kernel of the table's release */
	bool credentials; /* changes those of the process */
	uint8_t bulk;     /* an sp_bulk_kind */
	struct sp_arg arg[SP_SLOTS_MAX];
};

/* The signature of a call, NULL for a number that the table does not have. */
const struct sp_signature *sp_signature(uint32_t number);

/*
 * The rule for calls that arrive with `slots` argument slots. Returns 0 with *need set to how many slots the
 * kernel may read, more than arrived being filled with zeros; -EINVAL when there are fewer than the table
 * says; -ENOSYS for numbers that no release can have.
 */
int sp_call_check(uint32_t number, uint32_t slots, uint32_t *need);

#endif

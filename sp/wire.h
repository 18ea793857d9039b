/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What goes over a connection, byte for byte. rump_sp(7) is the specification.
 * Integers are little endian; both ends have the same ABI. Addresses are the
 * client's: numbers, never pointers of ours.
 */
#ifndef SP_WIRE_H
#define SP_WIRE_H

#include <assert.h>
#include <stddef.h>
#include <stdint.h>

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the wire's integers are little endian");

/* An address in the client's memory. */
typedef uint64_t sp_addr_t;

enum sp_class {
	SP_REQUEST = 0,
	SP_RESPONSE = 1,
	SP_ERROR = 2,
};

enum sp_type {
	SP_HANDSHAKE = 0,
	SP_SYSCALL = 1,
	SP_COPYIN = 2,
	SP_COPYINSTR = 3,
	SP_COPYOUT = 4,
	SP_COPYOUTSTR = 5,
	SP_ANONMMAP = 6,
	SP_PREFORK = 7,
	SP_RAISE = 8,
	/* Ours, used only where negotiated. */
	SP_CALL = 64,      /* SP_CAP_SENDALONG: a system call with the memory it reads */
	SP_INTERRUPT = 65, /* SP_CAP_INTERRUPT: end one call */
	SP_CONNECT = 66,   /* SP_CAP_CONNECT: one more connection, as a descriptor with the answer */
};

/* Field u of a HANDSHAKE request. */
enum sp_handshake {
	SP_GUEST = 0,
	SP_AUTH = 1,
	SP_FORK = 2,
	SP_EXEC = 3,
};

/* Field u of a frame of class SP_ERROR. */
enum sp_error {
	SP_ERR_TRYAGAIN = 1,
	SP_ERR_AUTH = 2,
	SP_ERR_PREFORK = 3,
	SP_ERR_RFORK = 4,
	SP_ERR_INEXEC = 5,
	SP_ERR_NOMEM = 6,
	SP_ERR_MALFORMED = 7,
	SP_ERR_FAULT = 8, /* SP_CAP_FAULT: the client cannot read or write the range */
};

/* What both ends have to announce before one of them uses it. */
enum sp_capability {
	SP_CAP_FAULT = 1u << 0,     /* copies may fail; COPYOUT and COPYOUTSTR are answered */
	SP_CAP_LOCALCOPY = 1u << 1, /* the server may reach into the client's memory by itself */
	SP_CAP_SENDALONG = 1u << 2, /* CALL */
	SP_CAP_INTERRUPT = 1u << 3, /* INTERRUPT */
	SP_CAP_CANCEL = 1u << 4,    /* a FORK with cancel set, on the connection that got the ticket */
	SP_CAP_CONNECT = 1u << 5,   /* CONNECT, over unix sockets */
};

struct sp_header {
	uint64_t len;   /* of the whole frame, this header included */
	uint64_t reqno; /* a response has its request's */
	uint16_t class;
	uint16_t type;
	uint32_t u;
};
static_assert(sizeof(struct sp_header) == 24, "sp_header");
static_assert(offsetof(struct sp_header, reqno) == 8, "sp_header.reqno");
static_assert(offsetof(struct sp_header, class) == 16, "sp_header.class");
static_assert(offsetof(struct sp_header, type) == 18, "sp_header.type");
static_assert(offsetof(struct sp_header, u) == 20, "sp_header.u");

/* Response to HANDSHAKE. */
struct sp_handshake_response {
	int32_t error;
};
static_assert(sizeof(struct sp_handshake_response) == 4, "sp_handshake_response");

/* Response to SYSCALL, and the beginning of the response to CALL. */
struct sp_syscall_response {
	int32_t error; /* NetBSD's */
	uint32_t zero;
	int64_t retval[2];
};
static_assert(sizeof(struct sp_syscall_response) == 24, "sp_syscall_response");
static_assert(offsetof(struct sp_syscall_response, retval) == 8, "sp_syscall_response.retval");

/* COPYIN, COPYINSTR, and the beginning of COPYOUT and COPYOUTSTR. */
struct sp_copy {
	uint64_t len;
	sp_addr_t addr;
};
static_assert(sizeof(struct sp_copy) == 16, "sp_copy");

struct sp_anonmmap {
	uint64_t len;
};
static_assert(sizeof(struct sp_anonmmap) == 8, "sp_anonmmap");

struct sp_anonmmap_response {
	sp_addr_t addr; /* 0: failed */
};
static_assert(sizeof(struct sp_anonmmap_response) == 8, "sp_anonmmap_response");

struct sp_ticket {
	uint32_t word[4];
};
static_assert(sizeof(struct sp_ticket) == 16, "sp_ticket");

struct sp_fork {
	struct sp_ticket ticket;
	int32_t cancel;
};
static_assert(sizeof(struct sp_fork) == 20, "sp_fork");

/*
 * CALL: this, the argument slots of 8 bytes each, then `attachments` times an
 * sp_attachment, the bytes of an SP_ATTACH_DATA padded with zeros to a multiple of 8.
 */
struct sp_call {
	uint32_t slots;
	uint32_t attachments;
};
static_assert(sizeof(struct sp_call) == 8, "sp_call");

enum sp_attachment_flags {
	SP_ATTACH_DATA = 1u << 0,   /* len bytes of the client's memory at addr follow */
	SP_ATTACH_RESULT = 1u << 1, /* what is written to the range comes back with the answer */
};

struct sp_attachment {
	sp_addr_t addr;
	uint64_t len;
	uint32_t flags;
	uint32_t zero;
};
static_assert(sizeof(struct sp_attachment) == 24, "sp_attachment");

/*
 * Response to CALL: an sp_syscall_response, then any number of these to the end of the
 * frame, each with its bytes padded with zeros to a multiple of 8. Later ones win.
 */
struct sp_result {
	sp_addr_t addr;
	uint64_t len;
};
static_assert(sizeof(struct sp_result) == 16, "sp_result");

struct sp_interrupt {
	uint64_t reqno; /* of the SYSCALL or CALL to end */
};
static_assert(sizeof(struct sp_interrupt) == 8, "sp_interrupt");

/* What follows the name's NUL in GUEST and EXEC, and nobody of version 0.4 looks at. */
struct sp_capability_block {
	uint8_t magic[4];
	uint32_t capabilities;
};
static_assert(sizeof(struct sp_capability_block) == 8, "sp_capability_block");
#define SP_CAPABILITY_MAGIC "+cap"

#endif

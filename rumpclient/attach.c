/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The memory that a call's arguments name, for servers that are a round trip away: what the kernel will
 * read goes along with the request, and for what it will write the results come back with the answer.
 * What does not fit, or is not there, is left out: the server asks for it, and learns what is wrong.
 */
#include "config.h"

#include "rumpclient/client.h"

#include <string.h>
#include <sys/mman.h>

#include <rump/rumpdefs.h>

#include "sp/frame.h"
#include "sp/signature.h"
#include "sp/vm.h"

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

/* A NetBSD ioctl request: what is copied which way, and how much of it. */
#define IOCTL_OUT 0x40000000u
#define IOCTL_IN 0x80000000u
#define IOCTL_LENGTH(request) (((request) >> 16) & 0x1fff)

struct ranges {
	const uint64_t *slots;
	uint32_t nslots;
	uint32_t count;
	uint64_t bytes;
	struct sp_attachment at[SP_ATTACHMENTS_MAX];
};

/* Whether the range can be written, as far as the host can tell without writing. */
static bool
writable(sp_addr_t addr, uint64_t len)
{
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
	uint64_t first = addr & ~(page - 1);
	uint64_t end = (addr + len + page - 1) & ~(page - 1);

	return madvise((void *)(uintptr_t)first, end - first, MADV_POPULATE_WRITE) == 0 || errno == EINVAL;
}

static void
add(struct ranges *r, sp_addr_t addr, uint64_t len, uint32_t flags)
{
	if (addr == 0 || len == 0 || len > SP_ATTACH_BYTES_MAX - r->bytes || r->count == SP_ATTACHMENTS_MAX)
		return;
	if ((flags & SP_ATTACH_RESULT) != 0 && !writable(addr, len))
		return;
	r->at[r->count++] = (struct sp_attachment){.addr = addr, .len = len, .flags = flags};
	r->bytes += len;
}

static void
add_string(struct ranges *r, sp_addr_t addr)
{
	char text[SP_STRING_MAX];
	size_t len = sizeof(text);

	if (addr != 0 && sp_vm_read_string(getpid(), addr, text, &len) == 0)
		add(r, addr, len, SP_ATTACH_DATA);
}

static void
add_iovec(struct ranges *r, sp_addr_t addr, uint64_t count, uint32_t flags)
{
	struct rump_iovec iov[SP_ATTACHMENTS_MAX];

	if (count == 0 || count > SP_ATTACHMENTS_MAX)
		return;
	if (sp_vm_read(getpid(), addr, iov, count * sizeof(iov[0])) != 0)
		return;
	add(r, addr, count * sizeof(iov[0]), SP_ATTACH_DATA);
	for (uint64_t i = 0; i < count; i++)
		add(r, (sp_addr_t)(uintptr_t)iov[i].iov_base, iov[i].iov_len, flags);
}

static void
add_msghdr(struct ranges *r, sp_addr_t addr, bool in)
{
	uint32_t flags = in ? SP_ATTACH_DATA : SP_ATTACH_RESULT;
	struct rump_msghdr message;

	if (sp_vm_read(getpid(), addr, &message, sizeof(message)) != 0)
		return;
	add(r, addr, sizeof(message), SP_ATTACH_DATA | flags);
	add(r, (sp_addr_t)(uintptr_t)message.msg_name, message.msg_namelen, flags);
	add(r, (sp_addr_t)(uintptr_t)message.msg_control, message.msg_controllen, flags);
	add_iovec(r, (sp_addr_t)(uintptr_t)message.msg_iov, (uint64_t)(uint32_t)message.msg_iovlen, flags);
}

static void
add_ioctl(struct ranges *r, sp_addr_t addr, uint32_t request)
{
	uint32_t flags = ((request & IOCTL_IN) != 0 ? SP_ATTACH_DATA : 0) |
			 ((request & IOCTL_OUT) != 0 ? SP_ATTACH_RESULT : 0);

	if (flags != 0)
		add(r, addr, IOCTL_LENGTH(request), flags);
}

static void
add_fcntl(struct ranges *r, sp_addr_t addr, uint64_t command)
{
	if (command == RUMP_F_GETLK)
		add(r, addr, sizeof(struct rump_flock), SP_ATTACH_DATA | SP_ATTACH_RESULT);
	else if (command == RUMP_F_SETLK || command == RUMP_F_SETLKW)
		add(r, addr, sizeof(struct rump_flock), SP_ATTACH_DATA);
}

/* How long an argument's memory is; 0 when that cannot be said. */
static uint64_t
length_of(const struct ranges *r, const struct sp_arg *arg)
{
	uint64_t slot = arg->length_slot < r->nslots ? r->slots[arg->length_slot] : 0;
	uint64_t length = 0;
	uint32_t length32 = 0;

	switch (arg->length) {
	case SP_LEN_FIXED:
		return arg->size;
	case SP_LEN_SLOT:
		return __builtin_mul_overflow(slot, arg->size, &length) ? 0 : length;
	case SP_LEN_SLOT32:
		return (uint64_t)(uint32_t)slot * arg->size;
	case SP_LEN_AT32:
		return slot != 0 && sp_vm_read(getpid(), slot, &length32, sizeof(length32)) == 0 ? length32
												 : 0;
	case SP_LEN_AT64:
		return slot != 0 && sp_vm_read(getpid(), slot, &length, sizeof(length)) == 0 ? length : 0;
	case SP_LEN_FDSET:
		return ((uint64_t)(uint32_t)slot + 31) / 32 * 4;
	default:
		return 0;
	}
}

static void
add_argument(struct ranges *r, const struct sp_arg *arg, sp_addr_t addr)
{
	uint64_t other = arg->length_slot < r->nslots ? r->slots[arg->length_slot] : 0;

	switch (arg->kind) {
	case SP_ARG_STRING:
		add_string(r, addr);
		break;
	case SP_ARG_IN:
		add(r, addr, length_of(r, arg), SP_ATTACH_DATA);
		break;
	case SP_ARG_OUT:
		add(r, addr, length_of(r, arg), SP_ATTACH_RESULT);
		break;
	case SP_ARG_INOUT:
		add(r, addr, length_of(r, arg), SP_ATTACH_DATA | SP_ATTACH_RESULT);
		break;
	case SP_ARG_IOVEC_IN:
		add_iovec(r, addr, (uint32_t)other, SP_ATTACH_DATA);
		break;
	case SP_ARG_IOVEC_OUT:
		add_iovec(r, addr, (uint32_t)other, SP_ATTACH_RESULT);
		break;
	case SP_ARG_MSGHDR_IN:
	case SP_ARG_MSGHDR_OUT:
		add_msghdr(r, addr, arg->kind == SP_ARG_MSGHDR_IN);
		break;
	case SP_ARG_IOCTL:
		add_ioctl(r, addr, (uint32_t)other);
		break;
	case SP_ARG_FCNTL:
		add_fcntl(r, addr, (uint32_t)other);
		break;
	default:
		break;
	}
}

/* Writes the attachments behind what the frame has. What cannot be read after all is left out. */
static void
write_attachments(const struct ranges *r, struct sp_call *call, struct rc_attached *attached)
{
	for (uint32_t i = 0; i < r->count; i++) {
		struct sp_attachment at = r->at[i];
		uint8_t *to = attached->frame + attached->len;

		if ((at.flags & SP_ATTACH_DATA) != 0) {
			if (sp_vm_read(getpid(), at.addr, to + sizeof(at), at.len) != 0)
				continue;
			memset(to + sizeof(at) + at.len, 0, -at.len & 7);
			attached->len += at.len + (-at.len & 7);
		}
		memcpy(to, &at, sizeof(at));
		attached->len += sizeof(at);
		call->attachments++;
	}
}

int
rc_attach(const struct rc_request *request, struct rc_attached *attached)
{
	const struct sp_signature *signature = sp_signature(request->u);
	struct ranges ranges; /* most calls have none: not cleared as a whole */
	struct sp_call call = {.slots = (uint32_t)(request->body_len / 8)};
	struct sp_header header;
	size_t size;

	if (signature == NULL || request->body_len % 8 != 0)
		return 0;
	ranges.slots = request->body;
	ranges.nslots = call.slots;
	ranges.count = 0;
	ranges.bytes = 0;
	for (uint32_t i = 0; i < ranges.nslots && i < signature->slots; i++)
		add_argument(&ranges, &signature->arg[i], ranges.slots[i]);
	if (ranges.count == 0)
		return 0;
	size = sizeof(header) + sizeof(call) + request->body_len + ranges.bytes +
	       ranges.count * (sizeof(struct sp_attachment) + 8);
	attached->frame = attached->small;
	attached->size = size;
	if (size > sizeof(attached->small)) {
		attached->frame =
		    mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (attached->frame == MAP_FAILED)
			return -ENOMEM;
	}
	attached->len = sizeof(header) + sizeof(call) + request->body_len;
	memcpy(attached->frame + sizeof(header) + sizeof(call), request->body, request->body_len);
	write_attachments(&ranges, &call, attached);
	header = sp_header(SP_REQUEST, SP_CALL, request->u, 0, attached->len - sizeof(header));
	memcpy(attached->frame, &header, sizeof(header));
	memcpy(attached->frame + sizeof(header), &call, sizeof(call));
	return 1;
}

void
rc_attach_free(struct rc_attached *attached)
{
	if (attached->frame != attached->small)
		(void)munmap(attached->frame, attached->size);
}

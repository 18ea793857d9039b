/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The kernel's access to its clients' memory, in three ways: what came along with the call, directly, or by
 * asking the client. The kernel's CPU is given up for all of them, also for what needs no waiting: the
 * kernel's other threads get their turn at each.
 */
#include <errno.h>
#include <string.h>

#include <rump/rumpdefs.h>
#include <rump/rumpuser.h>

#include "librumpuser/hyp.h"
#include "librumpuser/sp_attached.h"
#include "librumpuser/sp_bulk.h"
#include "librumpuser/sp_call.h"
#include "librumpuser/sp_client.h"
#include "librumpuser/sp_local.h"
#include "librumpuser/sp_request.h"

/* At most this much by one frame. */
#define COPY_AT_ONCE (1u << 20)

static sp_addr_t
address(const void *uaddr)
{
	return (sp_addr_t)(uintptr_t)uaddr;
}

/* What came along with the call that the caller runs for the client. */
static struct sp_attached *
attached_of(const struct sp_client *c)
{
	return call_current != NULL && call_current->client == c ? call_current->attached : NULL;
}

static int
ask_copyout(struct sp_client *c, enum sp_type type, sp_addr_t addr, const void *src, size_t len)
{
	while (len != 0) {
		struct sp_copy words = {len < COPY_AT_ONCE ? len : COPY_AT_ONCE, addr};
		ssize_t rv;

		if (client_can(c, SP_CAP_FAULT))
			rv = request_make(c, type, &words, sizeof(words), src, words.len, NULL, 0);
		else
			rv = request_send(c, type, &words, sizeof(words), src, words.len);
		if (rv < 0)
			return (int)rv;
		src = (const char *)src + words.len;
		addr += words.len;
		len -= words.len;
	}
	return 0;
}

/* What the call has written and the client does not have yet goes ahead of a question about it. */
static int
send_ahead(struct sp_client *c, sp_addr_t addr, size_t len)
{
	struct sp_attached *attached = attached_of(c);
	const uint8_t *bytes;
	struct sp_result piece;
	int error = 0;

	while (error == 0 && attached_take_overlap(attached, addr, len, &piece, &bytes))
		error = ask_copyout(c, SP_COPYOUT, piece.addr, bytes, piece.len);
	return error;
}

static int
ask_copyin(struct sp_client *c, sp_addr_t addr, void *dst, size_t len)
{
	int error = send_ahead(c, addr, len);

	while (len != 0 && error == 0) {
		struct sp_copy words = {len < COPY_AT_ONCE ? len : COPY_AT_ONCE, addr};
		ssize_t n = request_make(c, SP_COPYIN, &words, sizeof(words), NULL, 0, dst, words.len);

		if (n < 0)
			return (int)n;
		dst = (char *)dst + words.len;
		addr += words.len;
		len -= words.len;
	}
	return error;
}

static int
ask_copyinstr(struct sp_client *c, sp_addr_t addr, char *dst, size_t *len)
{
	struct sp_copy words = {*len, addr};
	int error = send_ahead(c, addr, *len);
	const char *nul;
	ssize_t n;

	if (error != 0)
		return error;
	n = request_make(c, SP_COPYINSTR, &words, sizeof(words), NULL, 0, dst, *len);
	if (n < 0)
		return (int)n;
	nul = memchr(dst, '\0', (size_t)n);
	if (nul == NULL)
		return -ENAMETOOLONG;
	*len = (size_t)(nul - dst) + 1;
	return 0;
}

/* NetBSD's errno of how a copy went. */
static int
result(int error)
{
	switch (error) {
	case 0:
		return 0;
	case -ENAMETOOLONG:
		return RUMP_ENAMETOOLONG;
	default:
		return RUMP_EFAULT;
	}
}

static int
copyin(struct sp_client *c, sp_addr_t addr, void *dst, size_t len)
{
	int error;

	if (attached_read(attached_of(c), addr, dst, len) || bulk_read(c, addr, dst, len, &error))
		return 0;
	if (error == 0)
		error = bulk_settle(c);
	if (error == 0)
		error = local_read(c, addr, dst, len);
	return error == -EPERM ? ask_copyin(c, addr, dst, len) : error;
}

int
rumpuser_sp_copyin(void *arg, const void *uaddr, void *kaddr, size_t len)
{
	int locks = hyp_lend_cpu();
	int error = copyin(arg, address(uaddr), kaddr, len);

	hyp_retake_cpu(locks, NULL);
	return result(error);
}

static int
copyinstr(struct sp_client *c, sp_addr_t addr, char *dst, size_t *len)
{
	int error;

	if (*len == 0)
		return -ENAMETOOLONG;
	error = attached_read_string(attached_of(c), addr, dst, len);
	if (error != 0)
		return error == 1 ? 0 : error;
	error = bulk_settle(c);
	if (error == 0)
		error = local_read_string(c, addr, dst, len);
	return error == -EPERM ? ask_copyinstr(c, addr, dst, len) : error;
}

int
rumpuser_sp_copyinstr(void *arg, const void *uaddr, void *kaddr, size_t *len)
{
	int locks = hyp_lend_cpu();
	int error = copyinstr(arg, address(uaddr), kaddr, len);

	hyp_retake_cpu(locks, NULL);
	return result(error);
}

static int
write_or_ask(struct sp_client *c, enum sp_type type, sp_addr_t addr, const void *src, size_t len)
{
	int error = local_write(c, addr, src, len);

	return error == -EPERM ? ask_copyout(c, type, addr, src, len) : error;
}

int
local_write_or_ask(struct sp_client *c, sp_addr_t addr, const void *src, size_t len)
{
	return write_or_ask(c, SP_COPYOUT, addr, src, len);
}

static int
copyout(struct sp_client *c, enum sp_type type, const void *src, sp_addr_t addr, size_t len)
{
	int error;

	if (attached_write(attached_of(c), addr, src, len) || bulk_write(c, addr, src, len, &error))
		return 0;
	if (error == 0)
		error = bulk_settle(c);
	return error == 0 ? write_or_ask(c, type, addr, src, len) : error;
}

int
rumpuser_sp_copyout(void *arg, const void *kaddr, void *uaddr, size_t len)
{
	int locks = hyp_lend_cpu();
	int error = copyout(arg, SP_COPYOUT, kaddr, address(uaddr), len);

	hyp_retake_cpu(locks, NULL);
	return result(error);
}

int
rumpuser_sp_copyoutstr(void *arg, const void *kaddr, void *uaddr, size_t *len)
{
	int locks = hyp_lend_cpu();
	int error = copyout(arg, SP_COPYOUTSTR, kaddr, address(uaddr), *len);

	hyp_retake_cpu(locks, NULL);
	return result(error);
}

int
rumpuser_sp_anonmmap(void *arg, size_t len, void **addr)
{
	struct sp_anonmmap words = {len};
	struct sp_anonmmap_response answer = {0};
	int locks = hyp_lend_cpu();
	ssize_t n = request_make(arg, SP_ANONMMAP, &words, sizeof(words), NULL, 0, &answer, sizeof(answer));

	hyp_retake_cpu(locks, NULL);
	if (n < 0 || answer.addr == 0)
		return RUMP_ENOMEM;
	*addr = (void *)(uintptr_t)answer.addr;
	return 0;
}

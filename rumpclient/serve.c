/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The server's requests: it copies in and out of the program's memory, wants memory, raises signals.
 * All that is done with signals blocked; memory is probed by having the host's kernel copy it.
 */
#include "config.h"

#include "rumpclient/client.h"

#include <signal.h>
#include <string.h>
#include <sys/mman.h>

#include "abi/signal.h"
#include "rumpclient/annotate.h"
#include "sp/frame.h"
#include "sp/vm.h"

#define ON_STACK 8192

static int
answer(struct rumpclient *ctx, enum sp_class class, uint16_t type, uint32_t u, uint64_t reqno, void *body,
    size_t len)
{
	struct sp_header header = sp_header(class, type, u, reqno, len);
	struct iovec iov[2] = {{&header, sizeof(header)}, {body, len}};

	return rc_send_blocked(ctx, NULL, iov, len != 0 ? 2 : 1);
}

static int
answer_fault(struct rumpclient *ctx, uint64_t reqno)
{
	return answer(ctx, SP_ERROR, 0, SP_ERR_FAULT, reqno, NULL, 0);
}

/* Copies len bytes, or a string of at most so many, into buf, which is all zeros. */
static int
fetch(const struct sp_copy *copy, bool string, uint8_t *buf, size_t *len)
{
	int error;

	*len = copy->len;
	if (!string)
		return sp_vm_read(getpid(), copy->addr, buf, *len);
	error = sp_vm_read_string(getpid(), copy->addr, (char *)buf, len);
	return error == -ENAMETOOLONG ? 0 : error;
}

static int
copyin(struct rumpclient *ctx, const struct sp_header *header, struct sp_cursor body)
{
	bool string = header->type == SP_COPYINSTR;
	uint8_t small[ON_STACK];
	uint8_t *buf = small;
	struct sp_copy copy;
	size_t len;
	int error;

	if (!sp_take(&body, &copy, sizeof(copy)) || body.left != 0 || copy.len > RC_FRAME_MAX)
		return -EBADMSG;
	if (copy.len > sizeof(small)) {
		buf = mmap(NULL, copy.len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (buf == MAP_FAILED)
			return -ENOMEM;
	}
	error = fetch(&copy, string, buf, &len);
	if (error != 0 && !(ctx->capabilities & SP_CAP_FAULT)) {
		/* Nothing but bytes can be said. */
		len = string && copy.len != 0 ? 1 : copy.len;
		memset(buf, 0, len);
		error = 0;
	}
	error = error != 0 ? answer_fault(ctx, header->reqno)
			   : answer(ctx, SP_RESPONSE, SP_COPYIN, 0, header->reqno, buf, len);
	if (buf != small)
		(void)munmap(buf, copy.len);
	return error;
}

static int
copyout(struct rumpclient *ctx, const struct sp_header *header, struct sp_cursor body)
{
	struct sp_copy copy;
	int error;

	if (!sp_take(&body, &copy, sizeof(copy)) || copy.len != body.left)
		return -EBADMSG;
	error = sp_vm_write(getpid(), copy.addr, body.at, body.left);
	if (error == 0)
		rc_annotate_written(copy.addr, body.left);
	if (!(ctx->capabilities & SP_CAP_FAULT))
		return 0;
	return error != 0 ? answer_fault(ctx, header->reqno)
			  : answer(ctx, SP_RESPONSE, header->type, 0, header->reqno, NULL, 0);
}

static int
anonmmap(struct rumpclient *ctx, const struct sp_header *header, struct sp_cursor body)
{
	struct sp_anonmmap_response response = {0};
	struct sp_anonmmap request;
	void *memory;

	if (!sp_take(&body, &request, sizeof(request)) || body.left != 0)
		return -EBADMSG;
	memory = mmap(NULL, request.len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (memory != MAP_FAILED)
		response.addr = (sp_addr_t)(uintptr_t)memory;
	return answer(ctx, SP_RESPONSE, SP_ANONMMAP, 0, header->reqno, &response, sizeof(response));
}

/* The signal arrives when signals are unblocked again, which is before the thread receives anything else. */
static int
raise_signal(uint32_t netbsd)
{
	int number = abi_signal_to_host((int)netbsd);
	struct sigaction action;

	if (number == 0)
		return 0;
	if (sigaction(number, NULL, &action) == 0 && !(action.sa_flags & SA_RESTART) &&
	    action.sa_handler != SIG_IGN && action.sa_handler != SIG_DFL)
		rc_raised = true;
	(void)kill(getpid(), number);
	return 0;
}

int
rc_serve(struct rumpclient *ctx, const struct sp_header *header, struct sp_cursor body)
{
	switch (header->type) {
	case SP_COPYIN:
	case SP_COPYINSTR:
		return copyin(ctx, header, body);
	case SP_COPYOUT:
	case SP_COPYOUTSTR:
		return copyout(ctx, header, body);
	case SP_ANONMMAP:
		return anonmmap(ctx, header, body);
	case SP_RAISE:
		return raise_signal(header->u);
	default:
		return answer(ctx, SP_ERROR, 0, SP_ERR_MALFORMED, header->reqno, NULL, 0);
	}
}

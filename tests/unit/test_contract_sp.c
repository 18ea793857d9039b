/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The scheduling contract of the hypercalls by which a kernel reaches its client's memory. They are made
 * where a kernel makes them: by the thread of the server's that runs a system call. The client is the test
 * itself, at the other end of the socket.
 */
#include "config.h"

#include "tests/unit/unit.h"

#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <rump/rumpdefs.h>

#include "sp/capability.h"
#include "sp/wire.h"
#include "tests/unit/recording_kernel.h"

/* librumpuser has some until the process ends. */
const int unit_keeps_descriptors = 1;

#define GETPID 20
#define TEXT "what the client has"

static char client_memory[32];
static char kernel_memory[32];
static void *client;
static int connection = -1;
static char directory[] = "/tmp/contract.XXXXXX";

/* What the hypercall under test did in the thread that ran the system call. */
static int (*hypercall)(void);
static int result;
static size_t made;
static struct recorded_upcall upcalls[2];
static sem_t chosen; /* hypercall is there to be called */
static sem_t looked; /* all of those are there to be seen */

/* How many upcalls rumpuser_sp_init() made. */
static size_t init_made;

static int
copyin(void)
{
	return rumpuser_sp_copyin(client, client_memory, kernel_memory, sizeof(TEXT));
}

static int
copyinstr(void)
{
	size_t len = sizeof(kernel_memory);
	int error = rumpuser_sp_copyinstr(client, client_memory, kernel_memory, &len);

	return error != 0 ? error : len == sizeof(TEXT) ? 0 : -1;
}

static int
copyout(void)
{
	return rumpuser_sp_copyout(client, TEXT, client_memory, sizeof(TEXT));
}

static int
copyoutstr(void)
{
	size_t len = sizeof(TEXT);

	return rumpuser_sp_copyoutstr(client, TEXT, client_memory, &len);
}

static int
anonmmap(void)
{
	void *address = NULL;
	int error = rumpuser_sp_anonmmap(client, 4096, &address);

	return error != 0 ? error : address == client_memory ? 0 : -1;
}

static int
raise_signal(void)
{
	return rumpuser_sp_raise(client, RUMP_SIGUSR1);
}

/* The client whose call ends the server gets its answer all the same. */
static int
fini(void)
{
	rumpuser_sp_fini(client);
	return 0;
}

static void
await(sem_t *semaphore)
{
	while (sem_wait(semaphore) != 0)
		continue;
}

static int
in_system_call(int number, void *args)
{
	(void)number;
	(void)args;
	await(&chosen);
	recording_clear();
	result = hypercall();
	made = recording_get(upcalls, 2, true);
	sem_post(&looked);
	return 0;
}

static void
find_client(void)
{
	struct recorded_upcall all[64];
	size_t count = recording_get(all, 64, false);

	assert_in_range(count, 1, 64);
	for (size_t i = 0; i < count; i++) {
		if (all[i].upcall == UPCALL_LWPROC_RFORK)
			client = all[i].argument;
	}
	assert_non_null(client);
}

static void
receive(void *buffer, size_t size)
{
	assert_int_equal(recv(connection, buffer, size, MSG_WAITALL), size);
}

static void
transmit(const struct sp_header *header, const void *body)
{
	assert_int_equal(send(connection, header, sizeof(*header), MSG_NOSIGNAL), sizeof(*header));
	if (header->len > sizeof(*header))
		assert_int_equal(send(connection, body, header->len - sizeof(*header), MSG_NOSIGNAL),
		    header->len - sizeof(*header));
}

static void
answer(const struct sp_header *request, const void *body, size_t size)
{
	struct sp_header header = *request;

	header.len = sizeof(header) + size;
	header.class = SP_RESPONSE;
	transmit(&header, body);
}

/* What a client does about one frame of the server's. */
static void
serve(const struct sp_header *header, const char *body)
{
	struct sp_copy copy;
	uint64_t address = (uintptr_t)client_memory;

	memcpy(&copy, body, sizeof(copy));
	switch (header->type) {
	case SP_COPYIN:
		answer(header, (void *)(uintptr_t)copy.addr, copy.len);
		break;
	case SP_COPYINSTR:
		answer(header, (void *)(uintptr_t)copy.addr, strlen(client_memory) + 1);
		break;
	case SP_COPYOUT:
	case SP_COPYOUTSTR:
		memcpy((void *)(uintptr_t)copy.addr, body + sizeof(copy), copy.len);
		break;
	case SP_ANONMMAP:
		answer(header, &address, sizeof(address));
		break;
	case SP_RAISE:
		assert_int_equal(header->u, RUMP_SIGUSR1);
		break;
	default:
		fail();
	}
}

/* How often the server asked for something. */
static unsigned frames;

/* Sends a request and serves the server until the response is there. */
static void
request(uint16_t type, uint32_t u, const void *body, size_t size)
{
	static uint64_t reqno;
	struct sp_header header = {
	    .len = sizeof(header) + size, .reqno = reqno++, .class = SP_REQUEST, .type = type, .u = u};
	uint64_t own = header.reqno;
	char data[256] = {0};

	transmit(&header, body);
	do {
		receive(&header, sizeof(header));
		assert_in_range(header.len, sizeof(header), sizeof(header) + sizeof(data));
		if (header.len > sizeof(header))
			receive(data, header.len - sizeof(header));
		if (header.class == SP_REQUEST) {
			frames++;
			serve(&header, data);
		}
	} while (header.class == SP_REQUEST);
	assert_int_equal(header.class, SP_RESPONSE);
	assert_int_equal(header.reqno, own);
}

static int
join_server(void **state)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	char url[128], banner[96] = "";
	uint8_t hello[SP_HELLO_MAX];

	(void)state;
	alarm(120);
	assert_int_equal(sem_init(&chosen, 0, 0), 0);
	assert_int_equal(sem_init(&looked, 0, 0), 0);
	recording_syscall = in_system_call;
	assert_non_null(mkdtemp(directory));
	snprintf(address.sun_path, sizeof(address.sun_path), "%s/socket", directory);
	snprintf(url, sizeof(url), "unix://%s", address.sun_path);
	recording_clear();
	assert_int_equal(rumpuser_sp_init(url, "Record", "1.0", "amd64"), 0);
	init_made = recording_get(NULL, 0, true);
	connection = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(connect(connection, (struct sockaddr *)&address, sizeof(address)), 0);
	for (char *end = banner; end == banner || end[-1] != '\n'; end++)
		receive(end, 1);
	request(SP_HANDSHAKE, SP_GUEST, hello, sp_hello_format(hello, "contract", SP_CAP_SENDALONG));
	find_client();
	return 0;
}

static int
leave_server(void **state)
{
	(void)state;
	close(connection);
	rumpuser_sp_fini(NULL);
	rmdir(directory);
	alarm(0);
	return 0;
}

/* A call that brings the client's memory along, and takes home what is written to it. */
struct call_with_memory {
	struct sp_call call;
	struct sp_attachment attachment;
	char data[sizeof(client_memory)];
};
static_assert(sizeof(struct call_with_memory) == 32 + sizeof(client_memory), "call_with_memory");

/* Makes the hypercall in a system call of the client's. */
static void
make_in_system_call(void *const *row, bool with_memory)
{
	struct call_with_memory call = {
	    .call = {.attachments = 1},
	    .attachment = {(uintptr_t)client_memory, sizeof(client_memory), SP_ATTACH_DATA | SP_ATTACH_RESULT,
		0},
	};

	hypercall = *(int (**)(void)) * row;
	made = 0;
	result = -1;
	strcpy(client_memory, TEXT);
	memcpy(call.data, client_memory, sizeof(call.data));
	frames = 0;
	sem_post(&chosen);
	if (with_memory)
		request(SP_CALL, GETPID, &call, sizeof(call));
	else
		request(SP_SYSCALL, GETPID, NULL, 0);
	await(&looked);
	assert_int_equal(result, 0);
}

static void
assert_released(void)
{
	assert_int_equal(made, 2);
	assert_int_equal(upcalls[0].upcall, UPCALL_BACKEND_UNSCHEDULE);
	assert_true(upcalls[0].had_cpu);
	assert_int_equal(upcalls[0].nlocks, 0);
	assert_null(upcalls[0].argument);
	assert_int_equal(upcalls[1].upcall, UPCALL_BACKEND_SCHEDULE);
	assert_false(upcalls[1].had_cpu);
	assert_int_equal(upcalls[1].nlocks, RECORDING_NLOCKS);
	assert_null(upcalls[1].argument);
}

static void
always_releases(void **state)
{
	make_in_system_call(state, false);
	assert_released();
	assert_int_equal(frames, 1);
}

/* Also what the server has in its own memory. */
static void
releases_without_waiting(void **state)
{
	make_in_system_call(state, true);
	assert_released();
	assert_int_equal(frames, 0);
}

static void
never_releases(void **state)
{
	make_in_system_call(state, false);
	assert_int_equal(made, 0);
}

static void
begins_without_release(void **state)
{
	(void)state;
	assert_int_equal(init_made, 0);
}

#define row(hypercall_name, class, function) \
	{ \
		.name = hypercall_name, .test_func = class, .initial_state = &(int (*[])(void)) \
		{ \
			function \
		} \
	}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    {.name = "sp_init", .test_func = begins_without_release},
	    row("sp_copyin", always_releases, copyin),
	    row("sp_copyinstr", always_releases, copyinstr),
	    row("sp_copyout", always_releases, copyout),
	    row("sp_copyoutstr", always_releases, copyoutstr),
	    row("sp_copyin of what came along", releases_without_waiting, copyin),
	    row("sp_copyinstr of what came along", releases_without_waiting, copyinstr),
	    row("sp_copyout of what goes back", releases_without_waiting, copyout),
	    row("sp_copyoutstr of what goes back", releases_without_waiting, copyoutstr),
	    row("sp_anonmmap", always_releases, anonmmap),
	    row("sp_raise", always_releases, raise_signal),
	    row("sp_fini", never_releases, fini),
	};

	recording_start();
	return cmocka_run_group_tests_name("contract_sp", tests, join_server, leave_server);
}

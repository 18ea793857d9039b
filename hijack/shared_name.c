/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Theory of operation
 *
 * Anybody can make files in /dev/shm, and one that is there under the object's name stops its users. So the
 * name is made of something that only users of the rump kernel can ask for, and that all of them are told
 * alike: when it was started, to the nanosecond. Others know that to some milliseconds, and to find out more
 * from names that they have seen, each guess costs them as much as a name costs here, many rounds. They could
 * do no harm but that a mapping fails.
 */
#include "hijack/shared_name.h"

#include <stdio.h>
#include <sys/syscall.h>

#include "hijack/gate.h"
#include "hijack/rump.h"
#include "hijack/start.h"

#define ROUNDS 5000

struct key {
	uint64_t a;
	uint64_t b;
};

/* Mixes a word into the key; what multiplies has no structure. */
static struct key
mix(struct key key, uint64_t word)
{
	key.a = (key.a ^ word) * 0x9fb21c651e98df25;
	key.a ^= key.a >> 32;
	key.b = (key.b + key.a) * 0xd6e8feb86659fd93;
	key.b ^= key.b >> 29;
	key.a += key.b;
	return key;
}

static struct rump_timespec
start_of_kernel(void)
{
	const int32_t name[] = {RUMP_CTL_KERN, RUMP_KERN_BOOTTIME};
	struct rump_timespec start = {0};
	uint64_t size = sizeof(start);

	/* A kernel that does not tell has names that can be guessed. */
	if (HIJACK_RUMP(__sysctl, hijack_slot(name), sizeof(name) / sizeof(name[0]), hijack_slot(&start),
		hijack_slot(&size), 0, 0) != 0)
		start = (struct rump_timespec){0};
	return start;
}

static struct key
make_key(const struct rump_timespec *start)
{
	struct key key = {0xcbf29ce484222325, 0x84222325cbf29ce4};

	for (const char *p = hijack_start.server; *p != '\0'; p++)
		key = mix(key, (uint8_t)*p);
	for (int i = 0; i < ROUNDS; i++)
		key = mix(mix(key, (uint64_t)start->tv_sec), (uint64_t)start->tv_nsec);
	return key;
}

void
hijack_shared_name(char name[HIJACK_SHARED_NAME], uint64_t device, uint64_t inode)
{
	struct key key, again;
	struct rump_timespec start = start_of_kernel();

	key = make_key(&start);
	key = mix(mix(key, device), inode);
	again = mix(key, device ^ inode);
	snprintf(name, HIJACK_SHARED_NAME, HIJACK_SHARED_DIRECTORY "/" HIJACK_SHARED_PREFIX "%u-%016lx%016lx",
	    (unsigned int)hijack_own(SYS_geteuid, 0, 0, 0, 0, 0, 0), key.a ^ key.b, again.a ^ again.b);
}

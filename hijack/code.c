/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Theory of operation
 *
 * As long as dispatch is off, whatever becomes executable is looked at. The loader maps a library's code
 * privately from a descriptor that it cannot write through: such code is searched for the bytes of a system
 * call, before the program gets to know where it is. Any other executable memory is written later, or may be:
 * it turns dispatch on at once.
 */
#include "hijack/code.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "hijack/arm.h"
#include "hijack/gate.h"
#include "hijack/mem.h"

#define PAGE 4096UL

static void
look_at(const uint8_t *code, size_t size)
{
	if (hijack_code_suspect(code, size))
		hijack_arm("code that was loaded may make calls");
}

/* What is mapped from there is a copy. */
void
hijack_code_mapped(long where, const struct hijack_call *call)
{
	if ((call->arg[2] & (PROT_READ | PROT_WRITE)) != PROT_READ ||
	    (call->arg[3] & MAP_TYPE) != MAP_PRIVATE)
		hijack_arm("code is made at run time");
	else if (!hijack_armed)
		look_at((const uint8_t *)where, (size_t)call->arg[1]);
}

/* Whether the mapping's contents are settled when it is made. */
static bool
is_settled(const struct hijack_call *call)
{
	long mode;

	if (call->arg[3] & MAP_ANONYMOUS || (call->arg[3] & MAP_TYPE) != MAP_PRIVATE ||
	    (call->arg[2] & (PROT_READ | PROT_WRITE)) != PROT_READ)
		return false;
	mode = hijack_own(SYS_fcntl, call->arg[4], F_GETFL, 0, 0, 0, 0);
	return mode >= 0 && (mode & O_ACCMODE) == O_RDONLY;
}

/* How much of the mapping there is: behind the end of the file nothing may be touched. */
static size_t
extent(const struct hijack_call *call)
{
	uint64_t size = ((uint64_t)call->arg[1] + PAGE - 1) & -PAGE, rest;
	struct stat st;

	if (hijack_own(SYS_fstat, call->arg[4], (long)&st, 0, 0, 0, 0) != 0 || st.st_size <= call->arg[5])
		return 0;
	rest = ((uint64_t)(st.st_size - call->arg[5]) + PAGE - 1) & -PAGE;
	return size < rest ? size : rest;
}

long
hijack_code_map(const struct hijack_call *call)
{
	long result;

	if (hijack_armed || !(call->arg[2] & PROT_EXEC))
		return hijack_pass(call);
	if (!is_settled(call)) {
		hijack_arm("code is made at run time");
		return hijack_pass(call);
	}
	result = hijack_pass(call);
	if (result >= 0 || result < -4095)
		look_at((const uint8_t *)result, extent(call));
	return result;
}

/* mprotect and pkey_mprotect. */
long
hijack_code_protect(const struct hijack_call *call)
{
	if (call->arg[2] & PROT_EXEC && !hijack_armed)
		hijack_arm("memory is made executable");
	return hijack_pass(call);
}

long
hijack_code_shmat(const struct hijack_call *call)
{
	if (call->arg[2] & SHM_EXEC && !hijack_armed)
		hijack_arm("shared memory is executable");
	return hijack_pass(call);
}

long
hijack_code_personality(const struct hijack_call *call)
{
	if ((uint32_t)call->arg[0] != 0xffffffff && call->arg[0] & READ_IMPLIES_EXEC && !hijack_armed)
		hijack_arm("all that is readable is executable");
	return hijack_pass(call);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* Settings of terminals, from NetBSD's to Linux's and back. */
#include "tests/unit/unit.h"

#include <string.h>

#include "hijack/abi/termios.h"

#define ROUNDS 20000

/* As a terminal of NetBSD's is when it is first opened. */
static const struct rump_termios fresh = {
    .c_iflag = RUMP_BRKINT | RUMP_ICRNL | RUMP_IMAXBEL | RUMP_IXON | RUMP_IXANY,
    .c_oflag = RUMP_OPOST | RUMP_ONLCR | RUMP_OXTABS,
    .c_cflag = RUMP_CREAD | RUMP_CS8 | RUMP_HUPCL,
    .c_lflag = RUMP_ECHO | RUMP_ICANON | RUMP_ISIG | RUMP_IEXTEN | RUMP_ECHOE | RUMP_ECHOKE | RUMP_ECHOCTL,
    .c_cc = {4, 0xff, 0xff, 0x7f, 23, 21, 18, 0xff, 3, 28, 26, 25, 17, 19, 22, 15, 1, 0, 20, 0xff},
    .c_ispeed = 9600,
    .c_ospeed = 9600,
};

static uint64_t random_state = 88172645463325252U;

static uint32_t
any(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return (uint32_t)(random_state >> 16);
}

static void
a_fresh_terminal_is_seen(void **state)
{
	struct termios2 seen;

	(void)state;
	hijack_abi_termios(&seen, &fresh);
	assert_int_equal(seen.c_iflag, BRKINT | ICRNL | IMAXBEL | IXON | IXANY);
	assert_int_equal(seen.c_oflag, OPOST | ONLCR | TAB3);
	assert_int_equal(seen.c_cflag, CREAD | CS8 | HUPCL | B9600);
	assert_int_equal(seen.c_lflag, ECHO | ICANON | ISIG | IEXTEN | ECHOE | ECHOKE | ECHOCTL);
	assert_int_equal(seen.c_line, 0);
	assert_int_equal(seen.c_cc[VINTR], 3);
	assert_int_equal(seen.c_cc[VEOF], 4);
	assert_int_equal(seen.c_cc[VMIN], 1);
	assert_int_equal(seen.c_cc[VTIME], 0);
	assert_int_equal(seen.c_cc[VEOL], 0);
	assert_int_equal(seen.c_cc[VERASE], 0x7f);
	assert_int_equal(seen.c_ospeed, 9600);
	assert_int_equal(seen.c_ispeed, 9600);
}

/* Each flag alone, by the values of both systems' documents. */
static void
each_flag_has_its_like(void **state)
{
	static const struct {
		size_t word;
		uint32_t host, netbsd;
	} cases[] = {{0, IGNBRK, 0x1}, {0, BRKINT, 0x2}, {0, IGNPAR, 0x4}, {0, PARMRK, 0x8}, {0, INPCK, 0x10},
	    {0, ISTRIP, 0x20}, {0, INLCR, 0x40}, {0, IGNCR, 0x80}, {0, ICRNL, 0x100}, {0, IXON, 0x200},
	    {0, IXOFF, 0x400}, {0, IXANY, 0x800}, {0, IMAXBEL, 0x2000}, {1, OPOST, 0x1}, {1, ONLCR, 0x2},
	    {1, TAB3, 0x4}, {1, OCRNL, 0x10}, {1, ONOCR, 0x20}, {1, ONLRET, 0x40}, {2, CS6, 0x100},
	    {2, CS7, 0x200}, {2, CS8, 0x300}, {2, CSTOPB, 0x400}, {2, CREAD, 0x800}, {2, PARENB, 0x1000},
	    {2, PARODD, 0x2000}, {2, HUPCL, 0x4000}, {2, CLOCAL, 0x8000}, {2, CRTSCTS, 0x10000},
	    {3, ECHOKE, 0x1}, {3, ECHOE, 0x2}, {3, ECHOK, 0x4}, {3, ECHO, 0x8}, {3, ECHONL, 0x10},
	    {3, ECHOPRT, 0x20}, {3, ECHOCTL, 0x40}, {3, ISIG, 0x80}, {3, ICANON, 0x100}, {3, IEXTEN, 0x400},
	    {3, EXTPROC, 0x800}, {3, TOSTOP, 0x400000}, {3, FLUSHO, 0x800000}, {3, NOFLSH, 0x80000000}};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct rump_termios netbsd = {0}, back = {0};
		struct termios2 host;
		uint32_t *from = &netbsd.c_iflag + cases[i].word, *to = &host.c_iflag + cases[i].word;

		*from = cases[i].netbsd;
		hijack_abi_termios(&host, &netbsd);
		assert_int_equal(*to, cases[i].host);
		hijack_abi_termios_back(&back, &host);
		assert_memory_equal(&back, &netbsd, 4 * sizeof(uint32_t));
	}
}

/* What a program sets it reads again, and the rest of the settings is as it was. */
static void
what_is_set_is_read(void **state)
{
	(void)state;
	for (int i = 0; i < ROUNDS; i++) {
		struct rump_termios netbsd, before;
		struct termios2 wanted = {0}, seen;

		for (size_t byte = 0; byte < sizeof(netbsd); byte++)
			((uint8_t *)&netbsd)[byte] = (uint8_t)any();
		before = netbsd;
		wanted.c_iflag = any() & 0x7fff;
		wanted.c_oflag = any() & 0xffff;
		wanted.c_cflag =
		    any() & (CSIZE | CSTOPB | CREAD | PARENB | PARODD | HUPCL | CLOCAL | CMSPAR | CRTSCTS);
		wanted.c_cflag |= B115200;
		wanted.c_lflag = any() & 0x1dfff;
		for (int c = 0; c < VEOL2 + 1; c++)
			wanted.c_cc[c] = (uint8_t)(any() % 255);
		wanted.c_cc[VMIN] = (uint8_t)any();
		wanted.c_ospeed = wanted.c_ispeed = 115200;
		hijack_abi_termios_back(&netbsd, &wanted);
		hijack_abi_termios(&seen, &netbsd);
		assert_memory_equal(&seen, &wanted, sizeof(seen));
		assert_int_equal(netbsd.c_oflag & RUMP_ONOEOT, before.c_oflag & RUMP_ONOEOT);
		assert_int_equal(netbsd.c_cflag & RUMP_MDMBUF, before.c_cflag & RUMP_MDMBUF);
		assert_int_equal(netbsd.c_lflag & (RUMP_ALTWERASE | RUMP_NOKERNINFO),
		    before.c_lflag & (RUMP_ALTWERASE | RUMP_NOKERNINFO));
		assert_int_equal(netbsd.c_cc[RUMP_VDSUSP], before.c_cc[RUMP_VDSUSP]);
		assert_int_equal(netbsd.c_cc[RUMP_VSTATUS], before.c_cc[RUMP_VSTATUS]);
	}
}

/* A program that sets what it has read changes nothing. */
static void
what_is_read_can_be_set(void **state)
{
	(void)state;
	for (int i = 0; i < ROUNDS; i++) {
		struct rump_termios netbsd, before;
		struct termios2 seen;

		for (size_t byte = 0; byte < sizeof(netbsd); byte++)
			((uint8_t *)&netbsd)[byte] = (uint8_t)any();
		/* Half of the characters act when they are NUL. */
		for (size_t c = 0; c < sizeof(netbsd.c_cc); c++)
			netbsd.c_cc[c] = any() % 2 ? 0 : netbsd.c_cc[c];
		netbsd.c_oflag &= 0xffff;
		netbsd.c_lflag &= ~0x20000000U;
		netbsd.c_ispeed = 1 + (int32_t)(any() % 5000000);
		netbsd.c_ospeed = i % 2 ? netbsd.c_ispeed : 1 + (int32_t)(any() % 5000000);
		before = netbsd;
		hijack_abi_termios(&seen, &netbsd);
		hijack_abi_termios_back(&netbsd, &seen);
		assert_memory_equal(&netbsd, &before, sizeof(netbsd));
	}
}

static void
speeds_are_numbers_and_codes(void **state)
{
	struct rump_termios netbsd = fresh;
	struct termios2 host;

	(void)state;
	netbsd.c_ospeed = 14400;
	hijack_abi_termios(&host, &netbsd);
	assert_int_equal(host.c_cflag & CBAUD, BOTHER);
	assert_int_equal(host.c_cflag & CIBAUD, B9600 << IBSHIFT);
	assert_int_equal(host.c_ospeed, 14400);
	assert_int_equal(host.c_ispeed, 9600);
	/* Hanging up. */
	host.c_cflag &= ~(CBAUD | CIBAUD);
	hijack_abi_termios_back(&netbsd, &host);
	assert_int_equal(netbsd.c_ospeed, 0);
	assert_int_equal(netbsd.c_ispeed, 0);
	/* A code counts, whatever the numbers are; BOTHER has the number count. */
	host.c_cflag |= B4000000 | B50 << IBSHIFT;
	host.c_ospeed = host.c_ispeed = 7;
	hijack_abi_termios_back(&netbsd, &host);
	assert_int_equal(netbsd.c_ospeed, 4000000);
	assert_int_equal(netbsd.c_ispeed, 50);
	host.c_cflag = BOTHER;
	host.c_ospeed = 0xffffffff;
	hijack_abi_termios_back(&netbsd, &host);
	assert_int_equal(netbsd.c_ospeed, INT32_MAX);
}

static void
characters_that_are_none(void **state)
{
	struct rump_termios netbsd = fresh;
	struct termios2 host;

	(void)state;
	hijack_abi_termios(&host, &netbsd);
	host.c_cc[VINTR] = 0;
	host.c_cc[VQUIT] = 0xff;
	host.c_cc[VEOL] = 'x';
	host.c_cc[VMIN] = 0;
	host.c_cc[VTIME] = 0xff;
	hijack_abi_termios_back(&netbsd, &host);
	assert_int_equal(netbsd.c_cc[RUMP_VINTR], 0xff);
	assert_int_equal(netbsd.c_cc[RUMP_VQUIT], 0xff);
	assert_int_equal(netbsd.c_cc[RUMP_VEOL], 'x');
	assert_int_equal(netbsd.c_cc[RUMP_VMIN], 0);
	assert_int_equal(netbsd.c_cc[RUMP_VTIME], 0xff);
	assert_int_equal(netbsd.c_cc[RUMP_VEOF], 4);
}

/* Input that is looked at again when lines are back is the kernel's concern alone. */
static void
pending_input_is_not_said(void **state)
{
	struct rump_termios netbsd = fresh;
	struct termios2 host;

	(void)state;
	netbsd.c_lflag |= RUMP_PENDIN;
	hijack_abi_termios(&host, &netbsd);
	assert_int_equal(host.c_lflag & PENDIN, 0);
	hijack_abi_termios_back(&netbsd, &host);
	assert_int_equal(netbsd.c_lflag, fresh.c_lflag);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_fresh_terminal_is_seen),
	    cmocka_unit_test(each_flag_has_its_like),
	    cmocka_unit_test(what_is_set_is_read),
	    cmocka_unit_test(what_is_read_can_be_set),
	    cmocka_unit_test(speeds_are_numbers_and_codes),
	    cmocka_unit_test(characters_that_are_none),
	    cmocka_unit_test(pending_input_is_not_said),
	};

	return cmocka_run_group_tests_name("hijack_termios", tests, NULL, NULL);
}

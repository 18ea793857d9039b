/* SPDX-License-Identifier: BSD-2-Clause */
#include "hijack/abi/termios.h"

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Flags of Linux's that NetBSD has no bits for lie this much further up there. */
#define KEPT 16

/* One bit, or a field with all of its bits. */
struct pair {
	uint32_t host;
	uint32_t netbsd;
};

struct word {
	const struct pair *pairs;
	size_t count;
	uint32_t kept; /* Linux's own */
};

#define SAME(name) \
	{ \
		name, RUMP_##name \
	}
#define WORD(pairs, kept) \
	{ \
		pairs, sizeof(pairs) / sizeof((pairs)[0]), kept \
	}

static const struct pair input_pairs[] = {SAME(IGNBRK), SAME(BRKINT), SAME(IGNPAR), SAME(PARMRK), SAME(INPCK),
    SAME(ISTRIP), SAME(INLCR), SAME(IGNCR), SAME(ICRNL), SAME(IXON), SAME(IXOFF), SAME(IXANY), SAME(IMAXBEL)};
static const struct pair output_pairs[] = {SAME(OPOST), SAME(ONLCR), SAME(OCRNL), SAME(ONOCR), SAME(ONLRET)};
static const struct pair control_pairs[] = {SAME(CSTOPB), SAME(CREAD), SAME(PARENB), SAME(PARODD),
    SAME(HUPCL), SAME(CLOCAL), SAME(CRTSCTS), {CSIZE & CS6, RUMP_CS6}, {CSIZE & CS7, RUMP_CS7}};
static const struct pair local_pairs[] = {SAME(ECHOKE), SAME(ECHOE), SAME(ECHOK), SAME(ECHO), SAME(ECHONL),
    SAME(ECHOPRT), SAME(ECHOCTL), SAME(ISIG), SAME(ICANON), SAME(IEXTEN), SAME(EXTPROC), SAME(TOSTOP),
    SAME(FLUSHO), SAME(NOFLSH)};

/* The sizes are two bits on both. */
static_assert((CS6 | CS7) == CS8 && CS8 == CSIZE && (RUMP_CS6 | RUMP_CS7) == RUMP_CS8 &&
		  RUMP_CS8 == RUMP_CSIZE && CS5 == 0 && RUMP_CS5 == 0,
    "CSIZE");

static const struct word input = WORD(input_pairs, IUCLC | IUTF8);
static const struct word output =
    WORD(output_pairs, OLCUC | OFILL | OFDEL | NLDLY | CRDLY | TABDLY | BSDLY | VTDLY | FFDLY);
static const struct word control = WORD(control_pairs, 0);
static const struct word local = WORD(local_pairs, XCASE | PENDIN);

/* CMSPAR is too far up to be kept like the others. */
#define KEPT_CMSPAR (CMSPAR >> 1)

static const struct {
	uint8_t host, netbsd;
} characters[] = {SAME(VINTR), SAME(VQUIT), SAME(VERASE), SAME(VKILL), SAME(VEOF), SAME(VSTART), SAME(VSTOP),
    SAME(VSUSP), SAME(VEOL), SAME(VREPRINT), SAME(VDISCARD), SAME(VWERASE), SAME(VLNEXT), SAME(VEOL2),
    {VSWTC, 7 /* spare */}};

static const struct {
	uint32_t code, number;
} speeds[] = {{B0, 0}, {B50, 50}, {B75, 75}, {B110, 110}, {B134, 134}, {B150, 150}, {B200, 200}, {B300, 300},
    {B600, 600}, {B1200, 1200}, {B1800, 1800}, {B2400, 2400}, {B4800, 4800}, {B9600, 9600}, {B19200, 19200},
    {B38400, 38400}, {B57600, 57600}, {B115200, 115200}, {B230400, 230400}, {B460800, 460800},
    {B500000, 500000}, {B576000, 576000}, {B921600, 921600}, {B1000000, 1000000}, {B1152000, 1152000},
    {B1500000, 1500000}, {B2000000, 2000000}, {B2500000, 2500000}, {B3000000, 3000000}, {B3500000, 3500000},
    {B4000000, 4000000}};
#define SPEEDS (sizeof(speeds) / sizeof(speeds[0]))

/* All bits of NetBSD's word that Linux's says. */
static uint32_t
covered(const struct word *word)
{
	uint32_t bits = word->kept << KEPT;

	for (size_t i = 0; i < word->count; i++)
		bits |= word->pairs[i].netbsd;
	return bits;
}

static uint32_t
word_to_host(const struct word *word, uint32_t flags)
{
	uint32_t result = flags >> KEPT & word->kept;

	for (size_t i = 0; i < word->count; i++)
		result |= flags & word->pairs[i].netbsd ? word->pairs[i].host : 0;
	return result;
}

static uint32_t
word_to_rump(const struct word *word, uint32_t present, uint32_t flags)
{
	uint32_t result = (present & ~covered(word)) | (flags & word->kept) << KEPT;

	for (size_t i = 0; i < word->count; i++)
		result |= flags & word->pairs[i].host ? word->pairs[i].netbsd : 0;
	return result;
}

/* Tabs: TAB3 is NetBSD's OXTABS, the others are kept. */
static uint32_t
output_to_host(uint32_t flags)
{
	uint32_t result = word_to_host(&output, flags);

	return flags & RUMP_OXTABS ? result | XTABS : result;
}

static uint32_t
output_to_rump(uint32_t present, uint32_t flags)
{
	bool expand = (flags & TABDLY) == XTABS;

	return word_to_rump(&output, present & ~(uint32_t)RUMP_OXTABS, expand ? flags & ~TABDLY : flags) |
	       (expand ? RUMP_OXTABS : 0);
}

static uint8_t
character_to_host(uint8_t character)
{
	return character == RUMP__POSIX_VDISABLE ? 0 : character;
}

static uint32_t
code_of(int32_t number)
{
	for (size_t i = 0; i < SPEEDS; i++) {
		if (speeds[i].number == (uint32_t)number)
			return speeds[i].code;
	}
	return BOTHER;
}

/* A code's speed; other: what it is with BOTHER, and for a code that is none. */
static int32_t
number_of(uint32_t code, uint32_t other)
{
	for (size_t i = 0; i < SPEEDS; i++) {
		if (speeds[i].code == code)
			return (int32_t)speeds[i].number;
	}
	return other <= INT32_MAX ? (int32_t)other : INT32_MAX;
}

void
hijack_abi_termios(struct termios2 *to, const struct rump_termios *from)
{
	int32_t input_speed = from->c_ispeed != 0 ? from->c_ispeed : from->c_ospeed;

	memset(to, 0, sizeof(*to));
	to->c_iflag = word_to_host(&input, from->c_iflag);
	to->c_oflag = output_to_host(from->c_oflag);
	to->c_cflag = word_to_host(&control, from->c_cflag);
	to->c_lflag = word_to_host(&local, from->c_lflag);
	if (from->c_cflag & KEPT_CMSPAR)
		to->c_cflag |= CMSPAR;
	for (size_t i = 0; i < sizeof(characters) / sizeof(characters[0]); i++)
		to->c_cc[characters[i].host] = character_to_host(from->c_cc[characters[i].netbsd]);
	to->c_cc[VMIN] = from->c_cc[RUMP_VMIN];
	to->c_cc[VTIME] = from->c_cc[RUMP_VTIME];
	to->c_cflag |= code_of(from->c_ospeed);
	if (input_speed != from->c_ospeed)
		to->c_cflag |= code_of(input_speed) << IBSHIFT;
	to->c_ospeed = (uint32_t)from->c_ospeed;
	to->c_ispeed = (uint32_t)input_speed;
}

void
hijack_abi_termios_back(struct rump_termios *to, const struct termios2 *from)
{
	uint32_t input_code = from->c_cflag >> IBSHIFT & CBAUD;

	to->c_iflag = word_to_rump(&input, to->c_iflag, from->c_iflag);
	to->c_oflag = output_to_rump(to->c_oflag, from->c_oflag);
	to->c_cflag = word_to_rump(&control, to->c_cflag & ~(uint32_t)KEPT_CMSPAR, from->c_cflag);
	to->c_lflag = word_to_rump(&local, to->c_lflag & ~(uint32_t)RUMP_PENDIN, from->c_lflag);
	if (from->c_cflag & CMSPAR)
		to->c_cflag |= KEPT_CMSPAR;
	for (size_t i = 0; i < sizeof(characters) / sizeof(characters[0]); i++) {
		uint8_t *character = &to->c_cc[characters[i].netbsd], wanted = from->c_cc[characters[i].host];

		if (character_to_host(*character) != wanted)
			*character = wanted == 0 ? RUMP__POSIX_VDISABLE : wanted;
	}
	to->c_cc[RUMP_VMIN] = from->c_cc[VMIN];
	to->c_cc[RUMP_VTIME] = from->c_cc[VTIME];
	to->c_ospeed = number_of(from->c_cflag & CBAUD, from->c_ospeed);
	to->c_ispeed = input_code == B0 ? to->c_ospeed : number_of(input_code, from->c_ispeed);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* Names without Rock Ridge, and dates. */
#include <string.h>

#include "kernel/fs/cd9660/iso.h"

static bool
append(struct iso_entry *entry, const char *text, size_t len)
{
	if (len > (size_t)(ISO_NAME_MAX - entry->namelen))
		return false;
	memcpy(entry->name + entry->namelen, text, len);
	entry->namelen = (uint16_t)(entry->namelen + len);
	entry->name[entry->namelen] = '\0';
	return true;
}

/* One character in UTF-8. A slash or NUL would be something else to the kernel. */
static bool
append_utf8(struct iso_entry *entry, uint32_t c)
{
	char text[4];

	if (c == '/' || c == 0)
		c = '_';
	if (c < 0x80) {
		text[0] = (char)c;
		return append(entry, text, 1);
	}
	if (c < 0x800) {
		text[0] = (char)(0xc0 | c >> 6);
		text[1] = (char)(0x80 | (c & 0x3f));
		return append(entry, text, 2);
	}
	if (c < 0x10000) {
		text[0] = (char)(0xe0 | c >> 12);
		text[1] = (char)(0x80 | (c >> 6 & 0x3f));
		text[2] = (char)(0x80 | (c & 0x3f));
		return append(entry, text, 3);
	}
	text[0] = (char)(0xf0 | c >> 18);
	text[1] = (char)(0x80 | (c >> 12 & 0x3f));
	text[2] = (char)(0x80 | (c >> 6 & 0x3f));
	text[3] = (char)(0x80 | (c & 0x3f));
	return append(entry, text, 4);
}

/* Big-endian UCS-2; images of today hold UTF-16, surrogates and all. */
static void
joliet_name(const uint8_t *text, size_t len, struct iso_entry *entry)
{
	for (size_t i = 0; i + 1 < len; i += 2) {
		uint32_t c = (uint32_t)text[i] << 8 | text[i + 1];

		if (c >= 0xd800 && c < 0xdc00 && i + 3 < len) {
			uint32_t low = (uint32_t)text[i + 2] << 8 | text[i + 3];

			if (low >= 0xdc00 && low < 0xe000) {
				c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
				i += 2;
			}
		}
		if (!append_utf8(entry, c))
			return;
	}
}

static void
plain_name(const struct iso_volume *volume, const uint8_t *text, size_t len, struct iso_entry *entry)
{
	for (size_t i = 0; i < len; i++) {
		uint8_t c = text[i];
		char one;

		if ((volume->flags & ISO_KEEP_CASE) == 0 && c >= 'A' && c <= 'Z')
			c = (uint8_t)(c - 'A' + 'a');
		one = c == '/' || c == '\0' ? '_' : (char)c;
		if (!append(entry, &one, 1))
			return;
	}
}

/* Takes ";1" off, and a dot before it that separates nothing. */
static void
drop_version(struct iso_entry *entry)
{
	size_t digits = 0;
	size_t len = entry->namelen;

	while (digits < len && entry->name[len - 1 - digits] >= '0' && entry->name[len - 1 - digits] <= '9')
		digits++;
	if (digits > 0 && digits < len && entry->name[len - 1 - digits] == ';')
		len -= digits + 1;
	if (len > 1 && entry->name[len - 1] == '.')
		len--;
	entry->namelen = (uint16_t)len;
	entry->name[len] = '\0';
}

void
iso_name(const struct iso_volume *volume, const uint8_t *text, size_t len, struct iso_entry *entry)
{
	entry->namelen = 0;
	entry->name[0] = '\0';
	if (len == 1 && text[0] <= 1) {
		append(entry, "..", text[0] + 1u);
		return;
	}
	if (volume->joliet)
		joliet_name(text, len, entry);
	else
		plain_name(volume, text, len, entry);
	if ((volume->flags & ISO_KEEP_VERSIONS) == 0)
		drop_version(entry);
	/* A name that the directory itself has, or none: something that can be looked up instead. */
	if (entry->namelen == 0 || (entry->namelen <= 2 && memcmp(entry->name, "..", entry->namelen) == 0)) {
		entry->namelen = 0;
		append(entry, "_", 1);
	}
}

/* Days from 1970-01-01 in the Gregorian calendar. */
static int64_t
days(int64_t year, int64_t month, int64_t day)
{
	int64_t y = month <= 2 ? year - 1 : year;
	int64_t era = (y >= 0 ? y : y - 399) / 400;
	int64_t of_era = y - era * 400;
	int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;

	return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

static void
set_time(
    int64_t year, int64_t month, int64_t day, int64_t seconds, int8_t quarters, struct rump_timespec *time)
{
	time->tv_nsec = 0;
	time->tv_sec = 0;
	if (month < 1 || month > 12 || day < 1 || day > 31)
		return;
	/* From 12 hours west to 13 east; genisoimage writes a whole day for some dates, and means none. */
	if (quarters < -48 || quarters > 52)
		quarters = 0;
	time->tv_sec = days(year, month, day) * 86400 + seconds - (int64_t)quarters * 15 * 60;
}

void
iso_short_date(const uint8_t date[7], struct rump_timespec *time)
{
	set_time(
	    1900 + date[0], date[1], date[2], date[3] * 3600 + date[4] * 60 + date[5], (int8_t)date[6], time);
}

static int64_t
number(const uint8_t *digits, size_t n)
{
	int64_t value = 0;

	for (size_t i = 0; i < n; i++)
		value = value * 10 + (digits[i] >= '0' && digits[i] <= '9' ? digits[i] - '0' : 0);
	return value;
}

void
iso_long_date(const uint8_t date[17], struct rump_timespec *time)
{
	set_time(number(date, 4), number(date + 4, 2), number(date + 6, 2),
	    number(date + 8, 2) * 3600 + number(date + 10, 2) * 60 + number(date + 12, 2), (int8_t)date[16],
	    time);
	time->tv_nsec = number(date + 14, 2) * 10000000;
}

/* SPDX-License-Identifier: BSD-2-Clause */
#include "kernel/base/print.h"
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <rump/rumpuser.h>

struct out {
	char *buf;
	size_t size, len;
};

struct spec {
	bool left, zero;
	int width, precision, longs;
};

static void
put(struct out *out, char c)
{
	if (out->len + 1 < out->size)
		out->buf[out->len] = c;
	out->len++;
}

static void
put_padded(struct out *out, const struct spec *spec, const char *text, size_t len)
{
	size_t pad = spec->width > 0 && (size_t)spec->width > len ? (size_t)spec->width - len : 0;
	char fill = spec->zero && !spec->left ? '0' : ' ';

	if (fill == '0' && len > 0 && *text == '-') {
		put(out, '-');
		text++;
		len--;
	}
	for (size_t i = 0; !spec->left && i < pad; i++)
		put(out, fill);
	for (size_t i = 0; i < len; i++)
		put(out, text[i]);
	for (size_t i = 0; spec->left && i < pad; i++)
		put(out, ' ');
}

static void
put_number(struct out *out, const struct spec *spec, uint64_t value, unsigned base, bool negative, bool upper)
{
	const char *digits = upper ? "0123456789ABCDEF" : "0123456789abcdef";
	char text[72];
	size_t at = sizeof(text);

	do {
		text[--at] = digits[value % base];
		value /= base;
	} while (value != 0);
	while (spec->precision > 0 && sizeof(text) - at < (size_t)spec->precision && at > 1)
		text[--at] = '0';
	if (negative)
		text[--at] = '-';
	put_padded(out, spec, text + at, sizeof(text) - at);
}

static const char *
parse(const char *f, struct spec *spec, va_list *ap)
{
	memset(spec, 0, sizeof(*spec));
	spec->precision = -1;
	for (; *f == '-' || *f == '0' || *f == '#'; f++) {
		spec->left |= *f == '-';
		spec->zero |= *f == '0';
	}
	if (*f == '*') {
		spec->width = va_arg(*ap, int);
		f++;
	}
	for (; *f >= '0' && *f <= '9'; f++)
		spec->width = spec->width * 10 + (*f - '0');
	if (*f == '.') {
		spec->precision = 0;
		if (*++f == '*') {
			spec->precision = va_arg(*ap, int);
			f++;
		}
		for (; *f >= '0' && *f <= '9'; f++)
			spec->precision = spec->precision * 10 + (*f - '0');
	}
	for (; *f == 'l' || *f == 'z' || *f == 'j' || *f == 'h'; f++)
		spec->longs += *f != 'h';
	return f;
}

static int64_t
get_signed(const struct spec *spec, va_list *ap)
{
	return spec->longs > 0 ? va_arg(*ap, int64_t) : va_arg(*ap, int);
}

static uint64_t
get_unsigned(const struct spec *spec, va_list *ap)
{
	return spec->longs > 0 ? va_arg(*ap, uint64_t) : va_arg(*ap, unsigned);
}

static void
convert(struct out *out, char conversion, const struct spec *spec, va_list *ap)
{
	const char *text;
	int64_t number;
	char c;

	switch (conversion) {
	case 'd':
	case 'i':
		number = get_signed(spec, ap);
		put_number(
		    out, spec, number < 0 ? -(uint64_t)number : (uint64_t)number, 10, number < 0, false);
		break;
	case 'u':
		put_number(out, spec, get_unsigned(spec, ap), 10, false, false);
		break;
	case 'o':
		put_number(out, spec, get_unsigned(spec, ap), 8, false, false);
		break;
	case 'x':
	case 'X':
		put_number(out, spec, get_unsigned(spec, ap), 16, false, conversion == 'X');
		break;
	case 'p':
		put(out, '0');
		put(out, 'x');
		put_number(out, spec, (uint64_t)(uintptr_t)va_arg(*ap, void *), 16, false, false);
		break;
	case 'c':
		c = (char)va_arg(*ap, int);
		put_padded(out, spec, &c, 1);
		break;
	case 's':
		text = va_arg(*ap, const char *);
		if (text == NULL)
			text = "(null)";
		put_padded(out, spec, text,
		    spec->precision >= 0 ? strnlen(text, (size_t)spec->precision) : strlen(text));
		break;
	default:
		put(out, conversion);
		break;
	}
}

int
rumpk_vsnprintf(char *buf, size_t size, const char *format, va_list ap)
{
	struct out out = {.buf = buf, .size = size};
	va_list args;

	va_copy(args, ap);
	for (const char *f = format; *f != '\0'; f++) {
		struct spec spec;

		if (*f != '%') {
			put(&out, *f);
			continue;
		}
		f = parse(f + 1, &spec, &args);
		if (*f == '\0')
			break;
		convert(&out, *f, &spec, &args);
	}
	va_end(args);
	if (size > 0)
		buf[out.len < size ? out.len : size - 1] = '\0';
	return (int)out.len;
}

int
rumpk_snprintf(char *buf, size_t size, const char *format, ...)
{
	va_list ap;
	int len;

	va_start(ap, format);
	len = rumpk_vsnprintf(buf, size, format, ap);
	va_end(ap);
	return len;
}

void
rumpk_panic(const char *format, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, format);
	rumpk_vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	rumpuser_dprintf("rump kernel panic: %s\n", text);
	rumpuser_exit(RUMPUSER_PANIC);
}

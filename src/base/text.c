/* text: growing byte buffers and UTF-8. Any process. */
#include "base/text.h"
#include "base/must.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct span span_of(const char *s)
{
	return (struct span){s, s ? strlen(s) : 0};
}

bool span_is(struct span a, const char *s)
{
	return strlen(s) == a.len && (a.len == 0 || memcmp(a.at, s, a.len) == 0);
}

void text_fini(struct text *t)
{
	free(t->data);
	*t = (struct text){0};
}

void text_clear(struct text *t)
{
	t->len = 0;
	if (t->data)
		t->data[0] = '\0';
}

void text_reserve(struct text *t, size_t more)
{
	size_t cap = t->cap ? t->cap : 64;

	if (t->data && t->len + more + 1 <= t->cap)
		return;
	while (cap < t->len + more + 1)
		cap *= 2;
	t->data = must_realloc(t->data, cap);
	t->cap = cap;
	t->data[t->len] = '\0';
}

void text_add(struct text *t, const char *bytes, size_t len)
{
	text_reserve(t, len);
	if (len)
		memcpy(t->data + t->len, bytes, len);
	t->len += len;
	t->data[t->len] = '\0';
}

void text_add_span(struct text *t, struct span s)
{
	text_add(t, s.at, s.len);
}

void text_add_str(struct text *t, const char *s)
{
	text_add(t, s, strlen(s));
}

void text_add_char(struct text *t, char c)
{
	text_add(t, &c, 1);
}

void text_add_int(struct text *t, long long n)
{
	char digits[24];
	char *p = digits + sizeof digits;
	unsigned long long u = n < 0 ? 0ULL - (unsigned long long)n : (unsigned long long)n;

	do
		*--p = (char)('0' + u % 10);
	while (u /= 10);
	if (n < 0)
		*--p = '-';
	text_add(t, p, (size_t)(digits + sizeof digits - p));
}

void text_addf(struct text *t, const char *fmt, ...)
{
	va_list ap, again;
	int n;

	va_start(ap, fmt);
	va_copy(again, ap);
	n = vsnprintf(NULL, 0, fmt, ap);
	must(n >= 0);
	text_reserve(t, (size_t)n);
	vsnprintf(t->data + t->len, (size_t)n + 1, fmt, again);
	t->len += (size_t)n;
	va_end(again);
	va_end(ap);
}

void text_drop_front(struct text *t, size_t n)
{
	must(n <= t->len);
	if (n == 0)
		return;
	memmove(t->data, t->data + n, t->len - n + 1);
	t->len -= n;
}

char *text_take(struct text *t)
{
	char *data;

	text_reserve(t, 0);
	data = t->data;
	*t = (struct text){0};
	return data;
}

static bool continues(unsigned char c)
{
	return (c & 0xc0) == 0x80;
}

size_t utf8_sequence(const char *p, size_t len)
{
	const unsigned char *u = (const unsigned char *)p;

	if (len == 0)
		return 0;
	if (u[0] < 0x80)
		return 1;
	if (u[0] >= 0xc2 && u[0] <= 0xdf)
		return len >= 2 && continues(u[1]) ? 2 : 0;
	if (u[0] >= 0xe0 && u[0] <= 0xef) {
		if (len < 3 || !continues(u[1]) || !continues(u[2]))
			return 0;
		if ((u[0] == 0xe0 && u[1] < 0xa0) || (u[0] == 0xed && u[1] > 0x9f))
			return 0; /* overlong; surrogate */
		return 3;
	}
	if (u[0] >= 0xf0 && u[0] <= 0xf4) {
		if (len < 4 || !continues(u[1]) || !continues(u[2]) || !continues(u[3]))
			return 0;
		if ((u[0] == 0xf0 && u[1] < 0x90) || (u[0] == 0xf4 && u[1] > 0x8f))
			return 0; /* overlong; above U+10FFFF */
		return 4;
	}
	return 0;
}

bool utf8_valid(struct span s)
{
	size_t n;

	for (size_t i = 0; i < s.len; i += n) {
		n = utf8_sequence(s.at + i, s.len - i);
		if (n == 0)
			return false;
	}
	return true;
}

static const char REPLACEMENT[] = "\xef\xbf\xbd";

void text_add_utf8(struct text *t, struct span s)
{
	size_t from = 0, n;

	for (size_t i = 0; i < s.len; i += n) {
		n = utf8_sequence(s.at + i, s.len - i);
		if (n > 0)
			continue;
		text_add(t, s.at + from, i - from);
		text_add_str(t, REPLACEMENT);
		n = 1;
		from = i + 1;
	}
	text_add(t, s.at + from, s.len - from);
}

static void add_json_escape(struct text *t, unsigned char c)
{
	static const char short_form[] = {['\b'] = 'b',
		['\t'] = 't',
		['\n'] = 'n',
		['\f'] = 'f',
		['\r'] = 'r',
		['"'] = '"',
		['\\'] = '\\'};

	if (c < sizeof short_form && short_form[c]) {
		text_add_char(t, '\\');
		text_add_char(t, short_form[c]);
	} else {
		text_addf(t, "\\u%04x", c);
	}
}

void text_add_json(struct text *t, struct span s)
{
	size_t from = 0, n;

	text_reserve(t, s.len + 2);
	text_add_char(t, '"');
	for (size_t i = 0; i < s.len; i += n) {
		unsigned char c = (unsigned char)s.at[i];
		bool plain = c >= 0x20 && c != '"' && c != '\\';

		n = utf8_sequence(s.at + i, s.len - i);
		if (n > 0 && plain)
			continue;
		text_add(t, s.at + from, i - from);
		if (n == 0)
			text_add_str(t, REPLACEMENT);
		else
			add_json_escape(t, c);
		n = 1;
		from = i + 1;
	}
	text_add(t, s.at + from, s.len - from);
	text_add_char(t, '"');
}

void text_add_base64(struct text *t, struct span s)
{
	static const char digit[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const unsigned char *u = (const unsigned char *)s.at;

	text_reserve(t, (s.len + 2) / 3 * 4);
	for (size_t i = 0; i < s.len; i += 3) {
		uint32_t v = (uint32_t)u[i] << 16;
		size_t left = s.len - i;

		if (left > 1)
			v |= (uint32_t)u[i + 1] << 8;
		if (left > 2)
			v |= u[i + 2];
		text_add_char(t, digit[v >> 18]);
		text_add_char(t, digit[v >> 12 & 63]);
		text_add_char(t, left > 1 ? digit[v >> 6 & 63] : '=');
		text_add_char(t, left > 2 ? digit[v & 63] : '=');
	}
}

/* json_scan: see json_scan.h. Runs in droverd on what strangers wrote; pure, bounded depth. */
#include "base/json_scan.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

struct scan {
	const char *p, *end, *start;
	int depth;
	struct err *err;
	json_member_fn *member;
	void *ctx;
};

static int fault(struct scan *s, const char *what)
{
	return err_set(s->err, "%s at byte %zu", what, (size_t)(s->p - s->start));
}

static int peek(const struct scan *s)
{
	return s->p < s->end ? (unsigned char)*s->p : -1;
}

static void skip_blank(struct scan *s)
{
	while (s->p < s->end && (*s->p == ' ' || *s->p == '\t' || *s->p == '\n' || *s->p == '\r'))
		s->p++;
}

static int hex_value(int c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static int scan_escape(struct scan *s)
{
	s->p++;
	if (peek(s) < 0 || strchr("\"\\/bfnrtu", peek(s)) == NULL || peek(s) == 0)
		return fault(s, "bad escape");
	if (*s->p++ != 'u')
		return 0;
	for (int i = 0; i < 4; i++, s->p++)
		if (hex_value(peek(s)) < 0)
			return fault(s, "bad \\u escape");
	return 0;
}

static int scan_string(struct scan *s)
{
	s->p++;
	for (;;) {
		int c = peek(s);
		size_t n;

		if (c < 0)
			return fault(s, "string without end");
		if (c == '"')
			break;
		if (c < 0x20)
			return fault(s, "control character in a string");
		if (c == '\\') {
			if (scan_escape(s) < 0)
				return -1;
			continue;
		}
		n = utf8_sequence(s->p, (size_t)(s->end - s->p));
		if (n == 0)
			return fault(s, "bytes that are no UTF-8");
		s->p += n;
	}
	s->p++;
	return JSON_KIND_STRING;
}

static bool scan_digits(struct scan *s)
{
	const char *from = s->p;

	while (peek(s) >= '0' && peek(s) <= '9')
		s->p++;
	return s->p > from;
}

static int scan_number(struct scan *s)
{
	if (peek(s) == '-')
		s->p++;
	if (peek(s) == '0')
		s->p++;
	else if (!scan_digits(s))
		return fault(s, "unexpected character");
	if (peek(s) == '.') {
		s->p++;
		if (!scan_digits(s))
			return fault(s, "number without digits behind its point");
	}
	if (peek(s) == 'e' || peek(s) == 'E') {
		s->p++;
		if (peek(s) == '+' || peek(s) == '-')
			s->p++;
		if (!scan_digits(s))
			return fault(s, "number without digits in its exponent");
	}
	return JSON_KIND_NUMBER;
}

static int scan_word(struct scan *s, const char *word, enum json_kind kind)
{
	size_t n = strlen(word);

	if ((size_t)(s->end - s->p) < n || memcmp(s->p, word, n) != 0)
		return fault(s, "unexpected character");
	s->p += n;
	return kind;
}

static int scan_value(struct scan *s);

static int scan_pair(struct scan *s)
{
	bool outermost = s->depth == 1;
	struct span key, value;
	int kind;

	if (peek(s) != '"')
		return fault(s, "member name expected");
	key.at = s->p + 1;
	if (scan_string(s) < 0)
		return -1;
	key.len = (size_t)(s->p - 1 - key.at);
	skip_blank(s);
	if (peek(s) != ':')
		return fault(s, "':' expected");
	s->p++;
	skip_blank(s);
	value.at = s->p;
	kind = scan_value(s);
	if (kind < 0)
		return -1;
	value.len = (size_t)(s->p - value.at);
	if (outermost && s->member)
		s->member(s->ctx, key, (enum json_kind)kind, value);
	return 0;
}

/* An array or object from behind its opening bracket to behind its closing one. */
static int scan_nest(struct scan *s, char close, int (*element)(struct scan *))
{
	s->p++;
	if (++s->depth > JSON_DEPTH_MAX)
		return fault(s, "nested too deeply");
	skip_blank(s);
	if (peek(s) != close) {
		for (;;) {
			if (element(s) < 0)
				return -1;
			skip_blank(s);
			if (peek(s) != ',')
				break;
			s->p++;
			skip_blank(s);
		}
		if (peek(s) != close)
			return fault(
				s, close == '}' ? "',' or '}' expected" : "',' or ']' expected");
	}
	s->p++;
	s->depth--;
	return close == '}' ? JSON_KIND_OBJECT : JSON_KIND_ARRAY;
}

static int scan_value(struct scan *s)
{
	switch (peek(s)) {
	case '{':
		return scan_nest(s, '}', scan_pair);
	case '[':
		return scan_nest(s, ']', scan_value);
	case '"':
		return scan_string(s);
	case 't':
		return scan_word(s, "true", JSON_KIND_TRUE);
	case 'f':
		return scan_word(s, "false", JSON_KIND_FALSE);
	case 'n':
		return scan_word(s, "null", JSON_KIND_NULL);
	case -1:
		return fault(s, "text ends early");
	default:
		return scan_number(s);
	}
}

int json_scan(struct span text, json_member_fn *member, void *ctx, struct err *err)
{
	struct scan s = {.p = text.at,
		.end = text.at + text.len,
		.start = text.at,
		.err = err,
		.member = member,
		.ctx = ctx};
	int kind;

	skip_blank(&s);
	kind = scan_value(&s);
	if (kind < 0)
		return -1;
	skip_blank(&s);
	if (s.p != s.end)
		return fault(&s, "text behind the end");
	return kind;
}

static uint32_t read_hex4(const char *p)
{
	uint32_t v = 0;

	for (int i = 0; i < 4; i++)
		v = v << 4 | (uint32_t)hex_value((unsigned char)p[i]);
	return v;
}

static void add_code_point(struct text *out, uint32_t c)
{
	char b[4];
	size_t n;

	if (c < 0x80) {
		b[0] = (char)c;
		n = 1;
	} else if (c < 0x800) {
		b[0] = (char)(0xc0 | c >> 6);
		b[1] = (char)(0x80 | (c & 63));
		n = 2;
	} else if (c < 0x10000) {
		b[0] = (char)(0xe0 | c >> 12);
		b[1] = (char)(0x80 | (c >> 6 & 63));
		b[2] = (char)(0x80 | (c & 63));
		n = 3;
	} else {
		b[0] = (char)(0xf0 | c >> 18);
		b[1] = (char)(0x80 | (c >> 12 & 63));
		b[2] = (char)(0x80 | (c >> 6 & 63));
		b[3] = (char)(0x80 | (c & 63));
		n = 4;
	}
	text_add(out, b, n);
}

/* Behind a backslash and 'u'; returns how many bytes were used from `p` on. */
static size_t add_unicode_escape(struct text *out, const char *p, const char *end)
{
	uint32_t c = read_hex4(p);

	if (c >= 0xd800 && c <= 0xdbff && end - p >= 10 && p[4] == '\\' && p[5] == 'u') {
		uint32_t low = read_hex4(p + 6);

		if (low >= 0xdc00 && low <= 0xdfff) {
			add_code_point(out, 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00));
			return 10;
		}
	}
	add_code_point(out, c >= 0xd800 && c <= 0xdfff ? 0xfffd : c);
	return 4;
}

void json_add_decoded(struct text *out, struct span string)
{
	static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
	const char *p = string.at + 1, *end = string.at + string.len - 1;

	while (p < end) {
		const char *stop = memchr(p, '\\', (size_t)(end - p));

		if (stop == NULL)
			stop = end;
		text_add(out, p, (size_t)(stop - p));
		p = stop;
		if (p == end)
			break;
		p++;
		if (*p == 'u')
			p += 1 + add_unicode_escape(out, p + 1, end);
		else
			text_add_char(out, to[strchr(from, *p++) - from]);
	}
}

/* cli/show: see show.h. */
#include <inttypes.h>
#include <stdio.h>

#include "cli/show.h"

static uint32_t decode(const char *p, size_t len)
{
	const unsigned char *u = (const unsigned char *)p;
	static const unsigned char mask[] = {0, 0x7f, 0x1f, 0x0f, 0x07};
	uint32_t c = u[0] & mask[len];

	for (size_t i = 1; i < len; i++)
		c = c << 6 | (u[i] & 0x3f);
	return c;
}

static bool is_control(uint32_t c)
{
	return c < 0x20 || (c >= 0x7f && c < 0xa0);
}

/* Line separators and what turns the direction of the text around it. */
static bool is_unruly(uint32_t c)
{
	return c == 0x200e || c == 0x200f || (c >= 0x2028 && c <= 0x202e) ||
	       (c >= 0x2066 && c <= 0x2069);
}

static void add_escaped(struct text *out, uint32_t c)
{
	switch (c) {
	case '\n':
		text_add_str(out, "\\n");
		break;
	case '\t':
		text_add_str(out, "\\t");
		break;
	case '\r':
		text_add_str(out, "\\r");
		break;
	default:
		text_addf(out, c < 0x100 ? "\\x%02" PRIx32 : "\\u%04" PRIx32, c);
	}
}

void show_add_safe(struct text *out, struct span s)
{
	for (size_t i = 0; i < s.len;) {
		size_t len = utf8_sequence(s.at + i, s.len - i);
		uint32_t c = len ? decode(s.at + i, len) : 0xfffd;

		if (len == 0)
			text_add_str(out, "\xef\xbf\xbd");
		else if (is_control(c) || is_unruly(c))
			add_escaped(out, c);
		else
			text_add(out, s.at + i, len);
		i += len ? len : 1;
	}
}

void show_add_json(struct text *out, struct span json)
{
	for (size_t i = 0; i < json.len;) {
		size_t len = utf8_sequence(json.at + i, json.len - i);
		uint32_t c = len ? decode(json.at + i, len) : 0xfffd;

		if (len == 0)
			text_add_str(out, "\xef\xbf\xbd");
		else if (c >= 0x7f && (is_control(c) || is_unruly(c)))
			text_addf(out, "\\u%04" PRIx32, c);
		else if (is_control(c))
			text_add_char(out, ' '); /* only between two tokens: a line break */
		else
			text_add(out, json.at + i, len);
		i += len ? len : 1;
	}
}

size_t show_width(struct span s)
{
	size_t n = 0;

	for (size_t i = 0; i < s.len; i++)
		n += (s.at[i] & 0xc0) != 0x80;
	return n;
}

char *show_age(int64_t ms, char *out)
{
	static const struct {
		int64_t large_s, small_s;
		char large, small;
	} forms[] = {{86400, 3600, 'd', 'h'}, {3600, 60, 'h', 'm'}, {60, 1, 'm', 's'}};
	int64_t s = ms / 1000;

	for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
		int64_t large = s / forms[i].large_s, rest = s % forms[i].large_s;

		if (large <= 0)
			continue;
		snprintf(out, 32, "%" PRId64 "%c %" PRId64 "%c", large, forms[i].large,
			rest / forms[i].small_s, forms[i].small);
		return out;
	}
	if (ms < 0)
		snprintf(out, 32, "-");
	else if (s > 0)
		snprintf(out, 32, "%" PRId64 "s", s);
	else
		snprintf(out, 32, "%" PRId64 "ms", ms);
	return out;
}

void show_add_state(struct text *out, struct span state, int64_t silent_ms)
{
	char age[32];

	show_add_safe(out, state);
	if (!span_is(state, "lost"))
		return;
	text_add_str(out, ": its supervisor has been silent");
	if (silent_ms >= 0)
		text_addf(out, " for %s", show_age(silent_ms, age));
}

/* glob: see glob.h. Any process; pure. */
#include "base/glob.h"

#include <string.h>

/* The first character of `s`: a sequence of UTF-8, or one byte where it is none. */
static struct span first_char(struct span s)
{
	size_t n = utf8_sequence(s.at, s.len);

	return (struct span){s.at, n ? n : 1};
}

static struct span after(struct span s, size_t n)
{
	return (struct span){s.at + n, s.len - n};
}

static bool starts_with(struct span s, char c)
{
	return s.len > 0 && *s.at == c;
}

/* Without the backslash it begins with; one that ends the pattern stands for nothing. */
static struct span unescape(struct span pattern)
{
	return starts_with(pattern, '\\') ? after(pattern, 1) : pattern;
}

/* Order of code points, which in UTF-8 is the order of bytes. */
static int compare(struct span a, struct span b)
{
	int order = memcmp(a.at, b.at, a.len < b.len ? a.len : b.len);

	return order ? order : (a.len > b.len) - (a.len < b.len);
}

/* A member of a set: one character, or a range. `*set` stands behind it afterwards. */
static bool read_member(struct span *set, struct span *low, struct span *high)
{
	*set = unescape(*set);
	if (set->len == 0)
		return false;
	*low = *high = first_char(*set);
	*set = after(*set, low->len);
	if (!starts_with(*set, '-') || (set->len > 1 && set->at[1] == ']'))
		return true;
	*set = unescape(after(*set, 1));
	if (set->len == 0)
		return false;
	*high = first_char(*set);
	*set = after(*set, high->len);
	return true;
}

/* Either end of a range is in it even where the range runs backwards: [z-a] holds z and a. */
static bool in_range(struct span low, struct span high, struct span c)
{
	if (compare(c, low) == 0 || compare(c, high) == 0)
		return true;
	return utf8_valid(c) && compare(low, c) <= 0 && compare(c, high) <= 0;
}

/* `*set` stands behind the '['; afterwards behind the ']'. */
static bool match_set(struct span *set, struct span c)
{
	struct span low, high;
	bool negated = starts_with(*set, '!') || starts_with(*set, '^');
	bool found = false;

	if (negated)
		*set = after(*set, 1);
	while (!starts_with(*set, ']')) {
		if (!read_member(set, &low, &high))
			return false;
		found = found || in_range(low, high, c);
	}
	*set = after(*set, 1);
	return found != negated;
}

/* Matches the pattern's next element, never a '*', with the next character of `*name`. */
static bool match_one(struct span *pattern, struct span *name)
{
	struct span c = first_char(*name), want;

	if (starts_with(*pattern, '[')) {
		*pattern = after(*pattern, 1);
		if (!match_set(pattern, c))
			return false;
	} else if (starts_with(*pattern, '?')) {
		*pattern = after(*pattern, 1);
	} else {
		*pattern = unescape(*pattern);
		if (!utf8_sequence(pattern->at, pattern->len))
			return false;
		want = first_char(*pattern);
		if (compare(want, c) != 0)
			return false;
		*pattern = after(*pattern, want.len);
	}
	*name = after(*name, c.len);
	return true;
}

/*
 * Only the last '*' is ever tried again, with one character more: what an earlier one could give
 * up, the last one could have taken. Hence no exponential time.
 */
bool glob_match(struct span pattern, struct span name)
{
	struct span star_pattern = {0}, star_name = {0};

	if (starts_with(name, '.') && !starts_with(unescape(pattern), '.'))
		return false;
	for (;;) {
		if (starts_with(pattern, '*')) {
			while (starts_with(pattern, '*'))
				pattern = after(pattern, 1);
			if (unescape(pattern).len == 0)
				return true;
			star_pattern = pattern;
			star_name = name;
		}
		if (name.len == 0)
			return unescape(pattern).len == 0;
		if (match_one(&pattern, &name))
			continue;
		if (!star_pattern.at)
			return false;
		star_name = after(star_name, first_char(star_name).len);
		pattern = star_pattern;
		name = star_name;
	}
}

bool glob_is_pattern(const char *s)
{
	return strpbrk(s, "*?{}[]") != NULL;
}

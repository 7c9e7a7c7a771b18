/*
 * Patterns and names of any bytes: the matcher must agree with one that is plainly right, and slow,
 * wherever the pattern holds no set. The first byte is the length of the pattern.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/glob.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct span after(struct span s, size_t n)
{
	return (struct span){s.at + n, s.len - n};
}

static size_t char_size(struct span s)
{
	size_t n = utf8_sequence(s.at, s.len);

	return n ? n : 1;
}

static bool plainly(struct span pattern, struct span name)
{
	size_t n;

	if (pattern.len > 0 && *pattern.at == '*') {
		for (;; name = after(name, char_size(name))) {
			if (plainly(after(pattern, 1), name))
				return true;
			if (name.len == 0)
				return false;
		}
	}
	if (pattern.len > 0 && name.len > 0 && *pattern.at == '?')
		return plainly(after(pattern, 1), after(name, char_size(name)));
	if (pattern.len > 0 && *pattern.at == '\\')
		pattern = after(pattern, 1);
	if (pattern.len == 0 || name.len == 0)
		return pattern.len == name.len;
	n = utf8_sequence(pattern.at, pattern.len);
	return n > 0 && n <= name.len && memcmp(pattern.at, name.at, n) == 0 &&
	       plainly(after(pattern, n), after(name, n));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span pattern, name;
	size_t split, stars = 0;
	bool found;

	if (size == 0)
		return 0;
	split = data[0] < size ? data[0] : size - 1;
	pattern = (struct span){(const char *)data + 1, split};
	name = (struct span){pattern.at + split, size - 1 - split};
	found = glob_match(pattern, name);
	for (size_t i = 0; i < pattern.len; i++)
		stars += pattern.at[i] == '*' ? 1 : pattern.at[i] == '[' ? 100 : 0;
	if (stars > 4 || size > 48 || (name.len > 0 && *name.at == '.'))
		return 0;
	if (plainly(pattern, name) != found)
		abort();
	return 0;
}

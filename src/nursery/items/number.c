/* nursery/items/number: see number.h. In the child. Pure. */
#include "nursery/items/number.h"

#include <string.h>

bool number_read(struct span s, int64_t *out)
{
	bool negative = s.len > 0 && s.at[0] == '-';
	uint64_t n = 0, max = (uint64_t)INT64_MAX + negative;

	if (s.len == negative)
		return false;
	for (size_t i = negative; i < s.len; i++) {
		unsigned digit = (unsigned char)s.at[i] - (unsigned)'0';

		if (digit > 9 || n > (max - digit) / 10)
			return false;
		n = n * 10 + digit;
	}
	*out = (int64_t)(negative ? 0 - n : n);
	return true;
}

bool number_read_hex(struct span s, uint64_t *out)
{
	uint64_t n = 0;

	if (s.len == 0 || s.len > 16)
		return false;
	for (size_t i = 0; i < s.len; i++) {
		char c = s.at[i];

		if (c >= '0' && c <= '9')
			n = n << 4 | (uint64_t)(c - '0');
		else if (c >= 'a' && c <= 'f')
			n = n << 4 | (uint64_t)(c - 'a' + 10);
		else
			return false;
	}
	*out = n;
	return true;
}

void number_add_hex(struct text *out, uint64_t n)
{
	char digits[16];
	size_t at = sizeof digits;

	do
		digits[--at] = "0123456789abcdef"[n & 15];
	while (n >>= 4);
	text_add(out, digits + at, sizeof digits - at);
}

bool number_cut(struct span *rest, char end, struct span *out)
{
	const char *found = rest->len ? memchr(rest->at, end, rest->len) : NULL;

	if (!found)
		return false;
	*out = (struct span){rest->at, (size_t)(found - rest->at)};
	*rest = (struct span){found + 1, rest->len - out->len - 1};
	return true;
}

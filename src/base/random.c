/* random: see random.h. Any process. */
#include "base/random.h"
#include "base/must.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/random.h>

/*
 * The kernel is asked for many bytes at once: an id a job would be a system call a job. None is
 * used twice; a process that forks without exec must not make ids (none of ours does).
 */
static unsigned char pool[1024];
static size_t left;

static const unsigned char *take(size_t n)
{
	ssize_t got;

	if (left < n) {
		do
			got = getrandom(pool, sizeof pool, 0);
		while (got < 0 && errno == EINTR);
		must(got >= (ssize_t)n);
		left = (size_t)got;
	}
	left -= n;
	return pool + left;
}

void random_hex(char *out, size_t digits)
{
	static const char hex[] = "0123456789abcdef";
	const unsigned char *bytes;

	must(digits % 2 == 0 && digits / 2 <= sizeof pool);
	bytes = take(digits / 2);
	for (size_t i = 0; i < digits / 2; i++) {
		out[2 * i] = hex[bytes[i] >> 4];
		out[2 * i + 1] = hex[bytes[i] & 15];
	}
	out[digits] = '\0';
}

double random_fraction(void)
{
	uint32_t n;

	memcpy(&n, take(sizeof n), sizeof n);
	return (double)n / 4294967296.0;
}

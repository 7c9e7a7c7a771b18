/* random: see random.h. Any process. */
#include "base/random.h"
#include "base/must.h"

#include <errno.h>
#include <sys/random.h>

void random_hex(char *out, size_t digits)
{
	static const char hex[] = "0123456789abcdef";
	unsigned char bytes[32];
	ssize_t n;

	must(digits % 2 == 0 && digits / 2 <= sizeof bytes);
	do
		n = getrandom(bytes, digits / 2, 0);
	while (n < 0 && errno == EINTR);
	must(n == (ssize_t)(digits / 2)); /* up to 256 bytes are never cut short */
	for (size_t i = 0; i < digits / 2; i++) {
		out[2 * i] = hex[bytes[i] >> 4];
		out[2 * i + 1] = hex[bytes[i] & 15];
	}
	out[digits] = '\0';
}

/* url: see url.h. Any process. Pure. */
#include "redis/url.h"

#include <stdlib.h>
#include <string.h>

#include "base/must.h"

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

char *url_decode(struct span s, const char *what, struct err *err)
{
	char *out = must_alloc(s.len + 1);
	size_t n = 0;

	for (size_t i = 0; i < s.len; i++) {
		int high, low;

		if (s.at[i] != '%') {
			out[n++] = s.at[i];
			continue;
		}
		high = i + 2 < s.len ? hex_digit(s.at[i + 1]) : -1;
		low = i + 2 < s.len ? hex_digit(s.at[i + 2]) : -1;
		if (high < 0 || low < 0 || high + low == 0) {
			err_set(err, "bad %%-escape in the %s of the URL", what);
			free(out);
			return NULL;
		}
		out[n++] = (char)(high * 16 + low);
		i += 2;
	}
	return out;
}

int url_number(struct span s, int max, const char *what, int *out, struct err *err)
{
	long n = 0;

	for (size_t i = 0; i < s.len; i++) {
		if (s.at[i] < '0' || s.at[i] > '9')
			return err_set(err, "the %s of the URL must be a number", what);
		n = n * 10 + (s.at[i] - '0');
		if (n > max)
			return err_set(err, "the %s of the URL is above %d", what, max);
	}
	if (s.len == 0)
		return err_set(err, "the %s of the URL is empty", what);
	*out = (int)n;
	return 0;
}

struct span url_cut(struct span s, size_t from, size_t to)
{
	return (struct span){s.at + from, to - from};
}

ssize_t url_find(struct span s, char c, bool last)
{
	const char *p = NULL;

	if (s.len)
		p = last ? memrchr(s.at, c, s.len) : memchr(s.at, c, s.len);
	return p ? p - s.at : -1;
}

bool url_host_ok(const char *host)
{
	if (!*host || strlen(host) > 255)
		return false;
	for (const unsigned char *p = (const unsigned char *)host; *p; p++)
		if (*p <= ' ' || *p >= 127 || strchr("/@?#[]", *p))
			return false;
	return true;
}

static char *read_host(struct span s, struct err *err)
{
	char *host = url_decode(s, "host", err);

	if (!host || url_host_ok(host))
		return host;
	free(host);
	err_set(err, s.len ? "the host of the URL is malformed" : "the URL names no host");
	return NULL;
}

int url_host_port(struct span s, int usual, char **host_out, int *port, struct err *err)
{
	bool bracket = s.len && s.at[0] == '[';
	ssize_t close = bracket ? url_find(s, ']', false) : -1;
	struct span host, rest;
	ssize_t colon;

	if (bracket && close < 0)
		return err_set(err, "the host of the URL lacks its ']'");
	if (bracket) {
		host = url_cut(s, 1, (size_t)close);
		rest = url_cut(s, (size_t)close + 1, s.len);
	} else {
		colon = url_find(s, ':', false);
		host = url_cut(s, 0, colon < 0 ? s.len : (size_t)colon);
		rest = url_cut(s, host.len, s.len);
	}
	*port = usual;
	if (rest.len && rest.at[0] != ':')
		return err_set(err, "the host of the URL is malformed");
	if (rest.len && url_find(url_cut(rest, 1, rest.len), ':', false) >= 0)
		return err_set(err, "an IPv6 address in a URL stands in brackets");
	if (rest.len && url_number(url_cut(rest, 1, rest.len), 65535, "port", port, err) < 0)
		return -1;
	if (*port == 0)
		return err_set(err, "the port of the URL must not be 0");
	*host_out = read_host(host, err);
	return *host_out ? 0 : -1;
}

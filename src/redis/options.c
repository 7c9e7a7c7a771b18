/*
 * options: reads the address of a Redis out of its URL, and says it again without secrets. Any
 * process. Pure: no file, no name is looked up here. No sentence ever holds the password.
 */
#include "redis/redis.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/types.h>
#include <sys/un.h>

#include "base/must.h"

#define PORT_DEFAULT	 6379
#define DATABASE_DEFAULT 0

static void set(char **member, char *value)
{
	free(*member);
	*member = value;
}

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

/* Percent-escapes decoded into a new string; NULL where one is malformed or a NUL byte. */
static char *decode(struct span s, const char *what, struct err *err)
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

/* A whole number without sign, at most `max`. */
static int parse_number(struct span s, int max, const char *what, int *out, struct err *err)
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

static struct span cut(struct span s, size_t from, size_t to)
{
	return (struct span){s.at + from, to - from};
}

/* Where `c` stands in `s`, or -1; the last one if `last`. */
static ssize_t find(struct span s, char c, bool last)
{
	const char *p = NULL;

	if (s.len)
		p = last ? memrchr(s.at, c, s.len) : memchr(s.at, c, s.len);
	return p ? p - s.at : -1;
}

static int parse_userinfo(struct redis_options *o, struct span s, struct err *err)
{
	ssize_t colon = find(s, ':', false);
	size_t end = colon < 0 ? s.len : (size_t)colon;
	char *user = NULL, *password = NULL;

	if (end > 0 && !(user = decode(cut(s, 0, end), "user", err)))
		return -1;
	if (colon >= 0 && !(password = decode(cut(s, end + 1, s.len), "password", err))) {
		free(user);
		return -1;
	}
	if (user)
		set(&o->username, user);
	if (password)
		set(&o->password, password);
	return 0;
}

/* Cuts "USER:PASSWORD@" off the front. A raw '@' in a password is taken as people mean it. */
static int take_userinfo(
	struct redis_options *o, struct span *s, struct span authority, struct err *err)
{
	ssize_t at = find(authority, '@', true);

	if (at < 0)
		return 0;
	if (parse_userinfo(o, cut(*s, 0, (size_t)at), err) < 0)
		return -1;
	*s = cut(*s, (size_t)at + 1, s->len);
	return 0;
}

static bool host_ok(const char *host)
{
	if (!*host || strlen(host) > 255)
		return false;
	for (const unsigned char *p = (const unsigned char *)host; *p; p++)
		if (*p <= ' ' || *p >= 127 || strchr("/@?#[]", *p))
			return false;
	return true;
}

static int parse_host(struct redis_options *o, struct span s, struct err *err)
{
	char *host = decode(s, "host", err);

	if (!host)
		return -1;
	if (!host_ok(host)) {
		free(host);
		return err_set(
			err, s.len ? "the host of the URL is malformed" : "the URL names no host");
	}
	set(&o->host, host);
	return 0;
}

/* HOST, HOST:PORT, [V6], [V6]:PORT */
static int parse_hostport(struct redis_options *o, struct span s, struct err *err)
{
	bool bracket = s.len && s.at[0] == '[';
	ssize_t close = bracket ? find(s, ']', false) : -1;
	struct span host, rest;
	ssize_t colon;

	if (bracket && close < 0)
		return err_set(err, "the host of the URL lacks its ']'");
	if (bracket) {
		host = cut(s, 1, (size_t)close);
		rest = cut(s, (size_t)close + 1, s.len);
	} else {
		colon = find(s, ':', false);
		host = cut(s, 0, colon < 0 ? s.len : (size_t)colon);
		rest = cut(s, host.len, s.len);
	}
	o->port = PORT_DEFAULT;
	if (rest.len && rest.at[0] != ':')
		return err_set(err, "the host of the URL is malformed");
	if (rest.len && find(cut(rest, 1, rest.len), ':', false) >= 0)
		return err_set(err, "an IPv6 address in a URL stands in brackets");
	if (rest.len && parse_number(cut(rest, 1, rest.len), 65535, "port", &o->port, err) < 0)
		return -1;
	if (o->port == 0)
		return err_set(err, "the port of the URL must not be 0");
	return parse_host(o, host, err);
}

/* Behind the scheme: [user:password@]host[:port][/db] */
static int parse_tcp(struct redis_options *o, struct span s, struct err *err)
{
	ssize_t slash;
	struct span db = {NULL, 0};

	/* A '/' may stand in a password that nobody escaped: the host begins behind the last '@'. */
	if (take_userinfo(o, &s, s, err) < 0)
		return -1;
	if (find(s, '?', false) >= 0 || find(s, '#', false) >= 0)
		return err_set(err, "the URL has a '?' or '#' that means nothing there");
	slash = find(s, '/', false);
	if (slash >= 0) {
		db = cut(s, (size_t)slash + 1, s.len);
		s = cut(s, 0, (size_t)slash);
	}
	o->database = DATABASE_DEFAULT;
	if (db.len && parse_number(db, 999999999, "database", &o->database, err) < 0)
		return -1;
	set(&o->path, NULL);
	return parse_hostport(o, s, err);
}

static int parse_query(struct redis_options *o, struct span query, struct err *err)
{
	if (query.len < 3 || memcmp(query.at, "db=", 3) != 0)
		return err_set(err, "behind the '?' of the URL only db=N may stand");
	return parse_number(cut(query, 3, query.len), 999999999, "database", &o->database, err);
}

/* Behind the scheme: [user:password@]/PATH[?db=N] */
static int parse_unix(struct redis_options *o, struct span s, struct err *err)
{
	ssize_t slash, mark;
	char *path;

	/* A path may hold an '@' (abstract names are not meant), so look for one before it only. */
	slash = find(s, '/', false);
	if (take_userinfo(o, &s, cut(s, 0, slash < 0 ? s.len : (size_t)slash), err) < 0)
		return -1;
	mark = find(s, '?', false);
	o->database = DATABASE_DEFAULT;
	if (mark >= 0 && parse_query(o, cut(s, (size_t)mark + 1, s.len), err) < 0)
		return -1;
	path = decode(mark < 0 ? s : cut(s, 0, (size_t)mark), "path", err);
	if (!path)
		return -1;
	if (path[0] != '/' || strlen(path) >= sizeof(((struct sockaddr_un *)0)->sun_path)) {
		int absolute = path[0] == '/';

		free(path);
		return err_set(err, absolute ? "the socket path of the URL is too long"
					     : "the URL needs an absolute path, unix:///PATH");
	}
	set(&o->path, path);
	set(&o->host, NULL);
	return 0;
}

static const struct scheme {
	const char *prefix;
	bool tls;
	int (*parse)(struct redis_options *o, struct span s, struct err *err);
} schemes[] = {
	{"redis://", false, parse_tcp},
	{"rediss://", true, parse_tcp},
	{"unix://", false, parse_unix},
};

int redis_options_parse(struct redis_options *o, const char *url, struct err *err)
{
	for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++) {
		size_t len = strlen(schemes[i].prefix);

		if (strncasecmp(url, schemes[i].prefix, len) != 0)
			continue;
		o->tls = schemes[i].tls;
		return schemes[i].parse(o, span_of(url + len), err);
	}
	if (strncasecmp(url, "redis+sentinel://", 17) == 0)
		return err_set(err, "redis+sentinel:// is not built yet");
	return err_set(err, "a Redis URL begins with redis://, rediss:// or unix://");
}

static char **each_string(struct redis_options *o, size_t i)
{
	char **all[] = {&o->host, &o->path, &o->username, &o->password, &o->ca_file, &o->cert_file,
		&o->key_file, &o->server_name};

	return i < sizeof(all) / sizeof(all[0]) ? all[i] : NULL;
}

void redis_options_fini(struct redis_options *o)
{
	char **member;

	if (o->password)
		explicit_bzero(o->password, strlen(o->password));
	for (size_t i = 0; (member = each_string(o, i)); i++)
		set(member, NULL);
}

void redis_options_copy(struct redis_options *to, const struct redis_options *from)
{
	char **member;

	*to = *from;
	for (size_t i = 0; (member = each_string(to, i)); i++)
		if (*member)
			*member = must_strdup(*member);
}

char *redis_options_say(const struct redis_options *o)
{
	const char *host = o->host ? o->host : "";
	bool v6 = strchr(host, ':') != NULL;

	if (o->path)
		return must_printf("unix://%s?db=%d", o->path, o->database);
	return must_printf("%s://%s%s%s:%d/%d", o->tls ? "rediss" : "redis", v6 ? "[" : "", host,
		v6 ? "]" : "", o->port, o->database);
}

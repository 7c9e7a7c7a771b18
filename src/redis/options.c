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
#include "redis/url.h"

#define PORT_DEFAULT	      6379
#define SENTINEL_PORT_DEFAULT 26379
#define SENTINELS_MAX	      64
#define DATABASE_DEFAULT      0
#define DATABASE_MAX	      999999999

static void set(char **member, char *value)
{
	free(*member);
	*member = value;
}

static int parse_userinfo(struct redis_options *o, struct span s, struct err *err)
{
	ssize_t colon = url_find(s, ':', false);
	size_t end = colon < 0 ? s.len : (size_t)colon;
	char *user = NULL, *password = NULL;

	if (end > 0 && !(user = url_decode(url_cut(s, 0, end), "user", err)))
		return -1;
	if (colon >= 0 && !(password = url_decode(url_cut(s, end + 1, s.len), "password", err))) {
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
	ssize_t at = url_find(authority, '@', true);

	if (at < 0)
		return 0;
	if (parse_userinfo(o, url_cut(*s, 0, (size_t)at), err) < 0)
		return -1;
	*s = url_cut(*s, (size_t)at + 1, s->len);
	return 0;
}

static void wipe(char **member)
{
	if (*member)
		explicit_bzero(*member, strlen(*member));
	set(member, NULL);
}

static void forget_sentinels(struct redis_options *o)
{
	for (size_t i = 0; i < o->n_sentinels; i++)
		free(o->sentinels[i].host);
	free(o->sentinels);
	o->sentinels = NULL;
	o->n_sentinels = 0;
	set(&o->master, NULL);
	set(&o->sentinel_username, NULL);
	wipe(&o->sentinel_password);
}

static int set_host(struct redis_options *o, struct span s, struct err *err)
{
	char *host;

	if (url_host_port(s, PORT_DEFAULT, &host, &o->port, err) < 0)
		return -1;
	set(&o->host, host);
	return 0;
}

/* Behind the scheme: [user:password@]host[:port][/db] */
static int parse_tcp(struct redis_options *o, struct span s, struct err *err)
{
	ssize_t slash;
	struct span db = {NULL, 0};

	/* A '/' may stand in a password that nobody escaped: the host begins behind the last '@'. */
	if (take_userinfo(o, &s, s, err) < 0)
		return -1;
	if (url_find(s, '?', false) >= 0 || url_find(s, '#', false) >= 0)
		return err_set(err, "the URL has a '?' or '#' that means nothing there");
	slash = url_find(s, '/', false);
	if (slash >= 0) {
		db = url_cut(s, (size_t)slash + 1, s.len);
		s = url_cut(s, 0, (size_t)slash);
	}
	o->database = DATABASE_DEFAULT;
	if (db.len && url_number(db, DATABASE_MAX, "database", &o->database, err) < 0)
		return -1;
	set(&o->path, NULL);
	return set_host(o, s, err);
}

static int parse_query(struct redis_options *o, struct span query, struct err *err)
{
	if (query.len < 3 || memcmp(query.at, "db=", 3) != 0)
		return err_set(err, "behind the '?' of the URL only db=N may stand");
	return url_number(
		url_cut(query, 3, query.len), DATABASE_MAX, "database", &o->database, err);
}

/* Behind the scheme: [user:password@]/PATH[?db=N] */
static int parse_unix(struct redis_options *o, struct span s, struct err *err)
{
	ssize_t slash, mark;
	char *path;

	/* A path may hold an '@' (abstract names are not meant), so look for one before it only. */
	slash = url_find(s, '/', false);
	if (take_userinfo(o, &s, url_cut(s, 0, slash < 0 ? s.len : (size_t)slash), err) < 0)
		return -1;
	mark = url_find(s, '?', false);
	o->database = DATABASE_DEFAULT;
	if (mark >= 0 && parse_query(o, url_cut(s, (size_t)mark + 1, s.len), err) < 0)
		return -1;
	path = url_decode(mark < 0 ? s : url_cut(s, 0, (size_t)mark), "path", err);
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

/* HOST:PORT,HOST:PORT .. */
static int parse_sentinels(struct redis_options *o, struct span list, struct err *err)
{
	while (o->n_sentinels < SENTINELS_MAX) {
		ssize_t comma = url_find(list, ',', false);
		struct span one = url_cut(list, 0, comma < 0 ? list.len : (size_t)comma);
		struct redis_address *at;

		o->sentinels =
			must_realloc(o->sentinels, (o->n_sentinels + 1) * sizeof(*o->sentinels));
		at = &o->sentinels[o->n_sentinels];
		if (url_host_port(one, SENTINEL_PORT_DEFAULT, &at->host, &at->port, err) < 0)
			return -1;
		o->n_sentinels++;
		if (comma < 0)
			return 0;
		list = url_cut(list, (size_t)comma + 1, list.len);
	}
	return err_set(err, "the URL names more than %d Sentinels", SENTINELS_MAX);
}

static int parse_sentinel_login(struct redis_options *o, struct span query, struct err *err)
{
	static const char user[] = "sentinel_username=", password[] = "sentinel_password=";
	ssize_t and = url_find(query, '&', false);
	struct span one = url_cut(query, 0, and < 0 ? query.len : (size_t) and);
	char **member = NULL;
	size_t skip = 0;

	if (one.len > strlen(user) && memcmp(one.at, user, strlen(user)) == 0)
		member = &o->sentinel_username, skip = strlen(user);
	else if (one.len > strlen(password) && memcmp(one.at, password, strlen(password)) == 0)
		member = &o->sentinel_password, skip = strlen(password);
	else
		return err_set(err, "behind the '?' of the URL only sentinel_username=USER and "
				    "sentinel_password=PASSWORD may stand");
	set(member, url_decode(url_cut(one, skip, one.len), "Sentinel's login", err));
	if (!*member)
		return -1;
	return and < 0 ? 0
		       : parse_sentinel_login(o, url_cut(query, (size_t) and +1, query.len), err);
}

/* NAME[/DB] */
static int parse_master(struct redis_options *o, struct span s, struct err *err)
{
	ssize_t slash = url_find(s, '/', false);
	struct span db = slash < 0 ? (struct span){NULL, 0} : url_cut(s, (size_t)slash + 1, s.len);

	o->database = DATABASE_DEFAULT;
	if (db.len && url_number(db, DATABASE_MAX, "database", &o->database, err) < 0)
		return -1;
	set(&o->master,
		url_decode(url_cut(s, 0, slash < 0 ? s.len : (size_t)slash), "master's name", err));
	if (!o->master)
		return -1;
	if (!url_host_ok(o->master))
		return err_set(err, "the URL needs the master's name behind its Sentinels, "
				    "redis+sentinel://HOST:PORT/NAME/DB");
	return 0;
}

/* Behind the scheme: [user:password@]HOST:PORT,HOST:PORT/NAME[/DB][?sentinel_password=..] */
static int parse_sentinel(struct redis_options *o, struct span s, struct err *err)
{
	ssize_t mark, slash;

	if (take_userinfo(o, &s, s, err) < 0)
		return -1;
	mark = url_find(s, '?', false);
	if (mark >= 0 && parse_sentinel_login(o, url_cut(s, (size_t)mark + 1, s.len), err) < 0)
		return -1;
	s = url_cut(s, 0, mark < 0 ? s.len : (size_t)mark);
	slash = url_find(s, '/', false);
	if (parse_sentinels(o, url_cut(s, 0, slash < 0 ? s.len : (size_t)slash), err) < 0)
		return -1;
	set(&o->host, NULL);
	set(&o->path, NULL);
	return parse_master(
		o, slash < 0 ? (struct span){NULL, 0} : url_cut(s, (size_t)slash + 1, s.len), err);
}

static const struct scheme {
	const char *prefix;
	bool tls;
	int (*parse)(struct redis_options *o, struct span s, struct err *err);
} schemes[] = {
	{"redis://", false, parse_tcp},
	{"rediss://", true, parse_tcp},
	{"unix://", false, parse_unix},
	{"redis+sentinel://", false, parse_sentinel},
	{"rediss+sentinel://", true, parse_sentinel},
};

int redis_options_parse(struct redis_options *o, const char *url, struct err *err)
{
	for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++) {
		size_t len = strlen(schemes[i].prefix);

		if (strncasecmp(url, schemes[i].prefix, len) != 0)
			continue;
		forget_sentinels(o);
		o->tls = schemes[i].tls;
		return schemes[i].parse(o, span_of(url + len), err);
	}
	return err_set(err, "a Redis URL begins with redis://, rediss://, unix:// or "
			    "redis+sentinel://");
}

static char **each_string(struct redis_options *o, size_t i)
{
	char **all[] = {&o->host, &o->path, &o->username, &o->password, &o->ca_file, &o->cert_file,
		&o->key_file, &o->server_name, &o->master, &o->sentinel_username,
		&o->sentinel_password};

	return i < sizeof(all) / sizeof(all[0]) ? all[i] : NULL;
}

void redis_options_fini(struct redis_options *o)
{
	char **member;

	forget_sentinels(o);
	wipe(&o->password);
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
	if (from->n_sentinels == 0)
		return;
	to->sentinels = must_alloc(from->n_sentinels * sizeof(*to->sentinels));
	for (size_t i = 0; i < from->n_sentinels; i++)
		to->sentinels[i] = (struct redis_address){
			must_strdup(from->sentinels[i].host), from->sentinels[i].port};
}

static void say_address(struct text *out, const char *host, int port)
{
	bool v6 = strchr(host, ':') != NULL;

	text_addf(out, "%s%s%s:%d", v6 ? "[" : "", host, v6 ? "]" : "", port);
}

static void say_sentinels(struct text *out, const struct redis_options *o)
{
	for (size_t i = 0; i < o->n_sentinels; i++) {
		text_add_str(out, i ? "," : "");
		say_address(out, o->sentinels[i].host, o->sentinels[i].port);
	}
	text_addf(out, "/%s/%d", o->master ? o->master : "", o->database);
}

char *redis_options_say(const struct redis_options *o)
{
	struct text out = {0};

	if (o->path) {
		text_addf(&out, "unix://%s?db=%d", o->path, o->database);
		return text_take(&out);
	}
	text_addf(&out, "redis%s%s://", o->tls ? "s" : "", o->n_sentinels ? "+sentinel" : "");
	if (o->n_sentinels) {
		say_sentinels(&out, o);
		return text_take(&out);
	}
	say_address(&out, o->host ? o->host : "", o->port);
	text_addf(&out, "/%d", o->database);
	return text_take(&out);
}

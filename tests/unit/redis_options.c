/* redis_options: which URLs are read how, which are refused in which words. */
#include "redis/redis.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

struct good {
	const char *url, *host;
	int port;
	const char *path;
	bool tls;
	const char *username, *password;
	int database;
	const char *said;
};

static const struct good goods[] = {
	{"redis://127.0.0.1", "127.0.0.1", 6379, NULL, false, NULL, NULL, 0,
		"redis://127.0.0.1:6379/0"},
	{"redis://h/", "h", 6379, NULL, false, NULL, NULL, 0, "redis://h:6379/0"},
	{"redis://h:1/15", "h", 1, NULL, false, NULL, NULL, 15, "redis://h:1/15"},
	{"REDIS://h:65535", "h", 65535, NULL, false, NULL, NULL, 0, "redis://h:65535/0"},
	{"rediss://r.example.org:6380/2", "r.example.org", 6380, NULL, true, NULL, NULL, 2,
		"rediss://r.example.org:6380/2"},
	{"redis://:secret@h", "h", 6379, NULL, false, NULL, "secret", 0, "redis://h:6379/0"},
	{"redis://me:secret@h", "h", 6379, NULL, false, "me", "secret", 0, "redis://h:6379/0"},
	{"redis://me@h", "h", 6379, NULL, false, "me", NULL, 0, "redis://h:6379/0"},
	{"redis://m%3ae:p%40ss%2Fw%3a%25@h:7/1", "h", 7, NULL, false, "m:e", "p@ss/w:%", 1,
		"redis://h:7/1"},
	{"redis://:a:b@h", "h", 6379, NULL, false, NULL, "a:b", 0, "redis://h:6379/0"},
	{"redis://:p@ss@h", "h", 6379, NULL, false, NULL, "p@ss", 0, "redis://h:6379/0"},
	{"redis://:p/s?s#@h/3", "h", 6379, NULL, false, NULL, "p/s?s#", 3, "redis://h:6379/3"},
	{"redis://[::1]", "::1", 6379, NULL, false, NULL, NULL, 0, "redis://[::1]:6379/0"},
	{"redis://u:p@[fe80::1%25eth0]:7000/4", "fe80::1%eth0", 7000, NULL, false, "u", "p", 4,
		"redis://[fe80::1%eth0]:7000/4"},
	{"unix:///run/redis.sock", NULL, 0, "/run/redis.sock", false, NULL, NULL, 0,
		"unix:///run/redis.sock?db=0"},
	{"unix:///run/redis.sock?db=3", NULL, 0, "/run/redis.sock", false, NULL, NULL, 3,
		"unix:///run/redis.sock?db=3"},
	{"unix://me:p%40@/run/a%20b@c", NULL, 0, "/run/a b@c", false, "me", "p@", 0,
		"unix:///run/a b@c?db=0"},
};

static void same(const char *got, const char *want)
{
	if (want)
		ck_assert_pstr_eq(got, want);
	else
		ck_assert_ptr_null(got);
}

START_TEST(reads)
{
	const struct good *g = &goods[_i];
	struct redis_options o = {.command_timeout_ms = 7};
	struct err err;
	char *said;

	ck_assert_msg(redis_options_parse(&o, g->url, &err) == 0, "%s: %s", g->url, err.text);
	same(o.host, g->host);
	same(o.path, g->path);
	same(o.username, g->username);
	same(o.password, g->password);
	if (g->host)
		ck_assert_int_eq(o.port, g->port);
	ck_assert_int_eq(o.database, g->database);
	ck_assert_int_eq(o.tls, g->tls);
	ck_assert_int_eq(o.command_timeout_ms, 7);
	said = redis_options_say(&o);
	ck_assert_str_eq(said, g->said);
	free(said);
	redis_options_fini(&o);
}
END_TEST

static const struct bad {
	const char *url, *words;
} bads[] = {
	{"", "begins with"},
	{"127.0.0.1:6379", "begins with"},
	{"http://h", "begins with"},
	{"redis:/h", "begins with"},
	{"redis+sentinel://", "no host"},
	{"redis+sentinel:///m/0", "no host"},
	{"redis+sentinel://h:1", "master's name"},
	{"redis+sentinel://h:1/", "master's name"},
	{"redis+sentinel://h:1//0", "master's name"},
	{"redis+sentinel://h:1/a b", "master's name"},
	{"redis+sentinel://h:1/m%2", "%-escape"},
	{"redis+sentinel://h:1/m/x", "database"},
	{"redis+sentinel://h:1/m/0/1", "database"},
	{"redis+sentinel://h:1,/m/0", "no host"},
	{"redis+sentinel://,h:1/m/0", "no host"},
	{"redis+sentinel://h:1,g:x/m/0", "port"},
	{"redis+sentinel://:hunter2@h:0/m", "port"},
	{"redis+sentinel://h/m?", "sentinel_password"},
	{"redis+sentinel://h/m?db=1", "sentinel_password"},
	{"redis+sentinel://h/m?sentinel_password=", "sentinel_password"},
	{"redis+sentinel://h/m?sentinel_password=hunter2%zz", "login"},
	{"redis+sentinel://h/m?sentinel_password=hunter2&x=1", "sentinel_password"},
	{"redis+sentinel://h/m/0?sentinel_password=hunter2@x", "master's name"},
	{"redis://", "no host"},
	{"redis://:6379", "no host"},
	{"redis://:hunter2@", "no host"},
	{"redis:///0", "no host"},
	{"redis://h:", "port"},
	{"redis://h:0", "port"},
	{"redis://h:65536", "port"},
	{"redis://h:99999999999999999999", "port"},
	{"redis://h:12x", "port"},
	{"redis://h:-1", "port"},
	{"redis://h/x", "database"},
	{"redis://h/-1", "database"},
	{"redis://h/0/1", "database"},
	{"redis://h/1000000000", "database"},
	{"redis://h?db=1", "'?'"},
	{"redis://h/1#x", "'#'"},
	{"redis://a b", "malformed"},
	{"redis://h%0a", "malformed"},
	{"redis://h%00", "%-escape"},
	{"redis://h%2", "%-escape"},
	{"redis://:hunter2%zz@h", "password"},
	{"redis://u%zz:hunter2@h", "user"},
	{"redis://::1", "brackets"},
	{"redis://[::1", "']'"},
	{"redis://[::1]x", "malformed"},
	{"redis://[]", "no host"},
	{"unix://run/redis.sock", "absolute"},
	{"unix://", "absolute"},
	{"unix:///s?db=", "empty"},
	{"unix:///s?db=x", "number"},
	{"unix:///s?x=1", "db=N"},
	{"unix:///%00", "%-escape"},
	{"unix:///0123456789012345678901234567890123456789012345678901234567890123456789"
	 "01234567890123456789012345678901234567890",
		"too long"},
};

START_TEST(refuses)
{
	struct redis_options o = {.port = 0};
	struct err err;

	ck_assert_msg(redis_options_parse(&o, bads[_i].url, &err) == -1, "%s", bads[_i].url);
	ck_assert_msg(strstr(err.text, bads[_i].words), "%s: %s", bads[_i].url, err.text);
	ck_assert_msg(!strstr(err.text, "hunter2"), "%s: %s", bads[_i].url, err.text);
	redis_options_fini(&o);
}
END_TEST

START_TEST(a_second_url_replaces_the_first)
{
	struct redis_options o = {.port = 0};
	struct redis_options copy;
	struct err err;

	ck_assert_int_eq(redis_options_parse(&o, "unix://u:p@/s?db=2", &err), 0);
	ck_assert_int_eq(redis_options_parse(&o, "rediss://h", &err), 0);
	same(o.path, NULL);
	same(o.host, "h");
	same(o.password, "p"); /* a password from elsewhere stays where the URL has none */
	ck_assert_int_eq(o.database, 0);
	redis_options_copy(&copy, &o);
	redis_options_fini(&o);
	same(copy.host, "h");
	same(copy.username, "u");
	ck_assert_int_eq(copy.tls, true);
	redis_options_fini(&copy);
}
END_TEST

static const struct watched {
	const char *url, *sentinels, *master;
	bool tls;
	const char *password, *sentinel_username, *sentinel_password;
	int database;
	const char *said;
} watched[] = {
	{"redis+sentinel://h/m", "h:26379 ", "m", false, NULL, NULL, NULL, 0,
		"redis+sentinel://h:26379/m/0"},
	{"redis+sentinel://a:1,b:2,[::1]:3/my-master/5", "a:1 b:2 ::1:3 ", "my-master", false, NULL,
		NULL, NULL, 5, "redis+sentinel://a:1,b:2,[::1]:3/my-master/5"},
	{"rediss+sentinel://u:p@a,b/m/", "a:26379 b:26379 ", "m", true, "p", NULL, NULL, 0,
		"rediss+sentinel://a:26379,b:26379/m/0"},
	{"redis+sentinel://:p@a/m?sentinel_password=s%40%26", "a:26379 ", "m", false, "p", NULL,
		"s@&", 0, "redis+sentinel://a:26379/m/0"},
	{"redis+sentinel://a/m/1?sentinel_username=w&sentinel_password=x", "a:26379 ", "m", false,
		NULL, "w", "x", 1, "redis+sentinel://a:26379/m/1"},
};

START_TEST(reads_sentinels)
{
	const struct watched *w = &watched[_i];
	struct redis_options o = {.port = 0}, copy;
	struct text list = {0};
	struct err err;
	char *said;

	ck_assert_msg(redis_options_parse(&o, w->url, &err) == 0, "%s: %s", w->url, err.text);
	redis_options_copy(&copy, &o);
	redis_options_fini(&o);
	for (size_t i = 0; i < copy.n_sentinels; i++)
		text_addf(&list, "%s:%d ", copy.sentinels[i].host, copy.sentinels[i].port);
	ck_assert_str_eq(list.data, w->sentinels);
	text_fini(&list);
	same(copy.master, w->master);
	same(copy.password, w->password);
	same(copy.sentinel_username, w->sentinel_username);
	same(copy.sentinel_password, w->sentinel_password);
	same(copy.host, NULL);
	ck_assert_int_eq(copy.tls, w->tls);
	ck_assert_int_eq(copy.database, w->database);
	said = redis_options_say(&copy);
	ck_assert_str_eq(said, w->said);
	free(said);
	ck_assert_int_eq(redis_options_parse(&copy, "redis://h", &err), 0);
	ck_assert_uint_eq(copy.n_sentinels, 0);
	same(copy.sentinel_password, NULL);
	redis_options_fini(&copy);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("redis_options");
	TCase *tc = tcase_create("url");
	SRunner *run;
	int failed;

	tcase_add_loop_test(tc, reads, 0, sizeof(goods) / sizeof(goods[0]));
	tcase_add_loop_test(tc, refuses, 0, sizeof(bads) / sizeof(bads[0]));
	tcase_add_loop_test(tc, reads_sentinels, 0, sizeof(watched) / sizeof(watched[0]));
	tcase_add_test(tc, a_second_url_replaces_the_first);
	suite_add_tcase(s, tc);
	run = srunner_create(s);
	srunner_run_all(run, CK_NORMAL);
	failed = srunner_ntests_failed(run);
	srunner_free(run);
	return failed != 0;
}

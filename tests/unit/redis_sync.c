/*
 * redis_sync: calls without a loop of one's own; and descriptors, which no child may inherit.
 */
#include <dirent.h>
#include <fcntl.h>

#include "support/redis_talk.c"

static struct redis_server locked; /* asks for the password "sesame" */

static void start_locked(void)
{
	static const char *const password[] = {"--requirepass", "sesame", NULL};

	redis_server_start(&locked, password);
}

static void stop_locked(void)
{
	redis_server_stop(&locked);
}

/* -- descriptors -- */

static int count_descriptors(int *inherited)
{
	DIR *d = opendir("/proc/self/fd");
	struct dirent *e;
	int n = 0;

	*inherited = 0;
	while ((e = readdir(d))) {
		int fd = atoi(e->d_name);

		if (e->d_name[0] == '.' || fd == dirfd(d))
			continue;
		n++;
		*inherited += !(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	}
	closedir(d);
	return n;
}

START_TEST(no_descriptor_is_inherited_or_left)
{
	int inherited_before, inherited, before = count_descriptors(&inherited_before);

	for (int i = 0; i < 3; i++) {
		struct talk t;
		const char *url = i == 0   ? url_of("redis://localhost:%d", plain.port)
				  : i == 1 ? url_of("redis://127.0.0.1:%d", plain.port)
					   : url_of("unix://%s", plain.socket);

		talk_up(&t, url);
		ck_assert_int_gt(count_descriptors(&inherited), before);
		ck_assert_int_eq(inherited, inherited_before);
		redis_close_and_retry(t.redis, "again");
		UNTIL(&t, t.ups == 2);
		talk_end(&t);
		ck_assert_int_eq(count_descriptors(&inherited), before);
	}
}
END_TEST

/* -- without a loop -- */

static struct redis *open_sync(const char *url, int64_t timeout_ms, struct err *err)
{
	struct redis_options o = {.connect_timeout_ms = timeout_ms,
		.command_timeout_ms = timeout_ms,
		.reconnect_max_ms = 50};
	struct redis *r;

	redis_script_init(&echo);
	ck_assert_int_eq(redis_options_parse(&o, url, err), 0);
	r = redis_open(&o, scripts, 1, err);
	redis_options_fini(&o);
	return r;
}

START_TEST(sync_calls)
{
	struct span argv[] = {SPAN_LIT("sync"), SPAN_LIT("arg")};
	const struct redis_reply *reply;
	struct redis *r;
	struct err err;

	r = open_sync(url_of("redis://localhost:%d/4", plain.port), 5000, &err);
	ck_assert_msg(r != NULL, "%s", err.text);
	reply = redis_callv(r, &err, "SET", "k", "v", NULL);
	ck_assert_int_eq(reply->type, REDIS_STATUS);
	reply = redis_callv(r, &err, "GET", "k", NULL);
	ck_assert_str_eq(reply->text.at, "v");
	reply = redis_callv(r, &err, "LPUSH", "k", "x", NULL);
	ck_assert_int_eq(reply->type, REDIS_ERROR);
	redis_callv(r, &err, "SCRIPT", "FLUSH", NULL);
	reply = redis_call_script(r, &echo, &err, 1, 2, argv);
	ck_assert_int_eq(reply->type, REDIS_ARRAY);
	ck_assert_str_eq(reply->items[1]->text.at, "arg");
	redis_free(r);
}
END_TEST

START_TEST(sync_losses)
{
	const struct redis_reply *reply;
	struct redis_server s;
	struct redis *r;
	struct err err;

	redis_server_start(&s, NULL);
	r = open_sync(url_of("unix://%s", s.socket), 300, &err);
	ck_assert_msg(r != NULL, "%s", err.text);
	redis_server_kill(&s, SIGKILL);
	redis_server_restart(&s);
	reply = redis_callv(r, &err, "ECHO", "back", NULL); /* it saw the end and came back */
	ck_assert_msg(reply != NULL, "%s", err.text);
	ck_assert_str_eq(reply->text.at, "back");
	redis_server_kill(&s, SIGSTOP);
	ck_assert_ptr_null(redis_callv(r, &err, "PING", NULL));
	ck_assert_msg(strstr(err.text, "may or may not"), "%s", err.text);
	ck_assert_ptr_null(redis_callv(r, &err, "PING", NULL));
	ck_assert_msg(strstr(err.text, "not sent"), "%s", err.text);
	redis_server_kill(&s, SIGCONT);
	reply = redis_callv(r, &err, "PING", NULL);
	ck_assert_msg(reply != NULL, "%s", err.text);
	redis_server_kill(&s, SIGKILL);
	ck_assert_ptr_null(redis_callv(r, &err, "PING", NULL));
	ck_assert_msg(strstr(err.text, "not sent"), "%s", err.text);
	redis_free(r);
	redis_server_stop(&s);
}
END_TEST

START_TEST(sync_refusals)
{
	struct err err;

	ck_assert_ptr_null(open_sync(url_of("redis://127.0.0.1:%d", free_port()), 120, &err));
	ck_assert_msg(strstr(err.text, "Connection refused"), "%s", err.text);
	/* Lasting: told at once, not after the ten minutes. */
	ck_assert_ptr_null(
		open_sync(url_of("redis://:hunter2@127.0.0.1:%d", locked.port), 600000, &err));
	ck_assert_msg(strstr(err.text, "WRONGPASS"), "%s", err.text);
	ck_assert_ptr_null(strstr(err.text, "hunter2"));
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		no_descriptor_is_inherited_or_left, sync_calls, sync_losses, sync_refusals};
	Suite *s = suite_create("redis_sync");
	TCase *tc = make_case(s);

	tcase_add_unchecked_fixture(tc, start_locked, stop_locked);
	for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++)
		tcase_add_test(tc, tests[i]);
	return run_tests(s);
}

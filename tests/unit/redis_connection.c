/*
 * redis_connection: addresses, logins, commands, scripts and losses, against real redis-servers.
 * Each wait is for a condition.
 */
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

/* -- addresses and logins -- */

START_TEST(speaks_over_tcp)
{
	static const struct span set[] = {SPAN_LIT("SET"), SPAN_LIT("bin"), {"a\0\r\n\377", 5}};
	struct talk t;

	talk_up(&t, plain_url());
	ck_assert_str_eq(ask(&t, "PING"), "PONG");
	ck_assert(send_argv(&t, 3, set));
	ck_assert_str_eq(ask(&t, "STRLEN bin"), "5");
	ask(&t, "GET bin");
	ck_assert_uint_eq(t.last.len, 5);
	ck_assert_mem_eq(t.last.data, "a\0\r\n\377", 5);
	ck_assert_str_eq(ask(&t, "GET nothing"), "nil");
	ck_assert_ptr_nonnull(strstr(ask(&t, "NOSUCHCOMMAND"), "ERR unknown command"));
	ck_assert(redis_send(t.redis, NULL, NULL, 3, set)); /* nobody listens */
	ck_assert_str_eq(ask(&t, "ECHO end"), "end");
	talk_end(&t);
}
END_TEST

START_TEST(resolves_localhost)
{
	struct talk t;

	talk_up(&t, url_of("redis://localhost:%d", plain.port));
	ck_assert_str_eq(ask(&t, "PING"), "PONG");
	talk_end(&t);
}
END_TEST

START_TEST(speaks_over_a_unix_socket_in_a_database)
{
	struct talk t, zero;

	talk_up(&t, url_of("unix://%s?db=5", plain.socket));
	talk_up(&zero, url_of("unix://%s", plain.socket));
	ask(&t, "SET where five");
	ck_assert_str_eq(ask(&zero, "GET where"), "nil");
	ask(&zero, "SELECT 5");
	ck_assert_str_eq(ask(&zero, "GET where"), "five");
	talk_end(&t);
	talk_end(&zero);
}
END_TEST

START_TEST(logs_in)
{
	struct talk t;

	talk_up(&t, url_of("redis://me:p%%40ss%%3Aw%%2Frd@127.0.0.1:%d/1", plain.port));
	ck_assert_str_eq(ask(&t, "ACL WHOAMI"), "me");
	talk_end(&t);
	talk_up(&t, url_of("unix://:sesame@%s", locked.socket));
	ck_assert_str_eq(ask(&t, "ACL WHOAMI"), "default");
	talk_end(&t);
}
END_TEST

/* A URL (its %d is the port), and what must stand in the sentence. */
static const struct {
	const char *url;
	struct redis_server *server;
	const char *words;
} refusals[] = {
	{"redis://me:hunter2@127.0.0.1:%d", &plain, "WRONGPASS"},
	{"redis://nobody:hunter2@127.0.0.1:%d", &plain, "WRONGPASS"},
	{"redis://:hunter2@127.0.0.1:%d", &locked, "WRONGPASS"},
	{"redis://127.0.0.1:%d", &locked, "NOAUTH"},
	{"redis://127.0.0.1:%d/1000", &plain, "database refused"},
};

START_TEST(a_refusal_is_lasting)
{
	struct talk t;
	char url[128];
	int port = refusals[_i].server->port;

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	snprintf(url, sizeof(url), refusals[_i].url, port);
#pragma GCC diagnostic pop
	talk_init(&t, url);
	talk_start(&t);
	UNTIL(&t, t.downs == 2); /* it is tried again all the same */
	ck_assert(t.lasting);
	ck_assert_int_eq(t.ups, 0);
	ck_assert_ptr_nonnull(strstr(t.why.text, refusals[_i].words));
	ck_assert_ptr_nonnull(strstr(t.why.text, "redis://127.0.0.1:"));
	ck_assert_ptr_null(strstr(t.why.text, "hunter2"));
	talk_end(&t);
}
END_TEST

START_TEST(nobody_listens)
{
	struct talk t;

	talk_init(&t, url_of("redis://127.0.0.1:%d", free_port()));
	talk_start(&t);
	ck_assert(!send_words(&t, "PING"));
	UNTIL(&t, t.downs == 3);
	ck_assert(!t.lasting);
	ck_assert_ptr_nonnull(strstr(t.why.text, "Connection refused"));
	ck_assert(!send_words(&t, "PING"));
	ck_assert(!send_echo(&t, "x", 1));
	ck_assert_int_eq(t.answers + t.unknown, 0);
	talk_end(&t);
	talk_init(&t, url_of("unix://%s/none", plain.dir));
	talk_start(&t);
	UNTIL(&t, t.downs == 1);
	ck_assert_ptr_nonnull(strstr(t.why.text, "No such file"));
	talk_end(&t);
}
END_TEST

/* -- commands and scripts -- */

static void check_order(struct talk *t)
{
	ck_assert_int_eq(atoi(t->last.data), t->answers - 1);
}

START_TEST(answers_come_in_order)
{
	struct talk t;
	int n = 2000;

	talk_up(&t, plain_url());
	ask(&t, "DEL n");
	t.when_answered = check_order;
	for (int i = 0; i < n; i++)
		ck_assert(send_words(&t, "INCR n"));
	ck_assert_str_eq(ask(&t, "INCR n"), "2001");
	talk_end(&t);
}
END_TEST

START_TEST(a_forgotten_script_is_loaded_again)
{
	struct talk t;

	talk_up(&t, plain_url());
	ask(&t, "DEL counter");
	send_echo(&t, "one", 3);
	ck_assert(send_words(&t, "SCRIPT FLUSH"));
	send_echo(&t, "two", 3);
	send_echo(&t, "three", 5);
	ck_assert(send_words(&t, "ECHO between"));
	UNTIL(&t, t.answers == 6);
	ck_assert_str_eq(ask(&t, "GET counter"), "3"); /* each once, none of them twice */
	send_echo(&t, "four", 4);
	UNTIL(&t, t.answers == 8);
	ck_assert_str_eq(t.last.data, "counter four ");
	ck_assert_int_eq(t.unknown, 0);
	talk_end(&t);
}
END_TEST

START_TEST(carries_eight_megabytes)
{
	static char big[8 * 1024 * 1024];
	struct span set[] = {SPAN_LIT("SET"), SPAN_LIT("big"), {big, sizeof(big)}};
	struct talk t;

	for (size_t i = 0; i < sizeof(big); i++)
		big[i] = (char)(i * 7 + i / 251);
	talk_up(&t, plain_url());
	ck_assert(send_argv(&t, 3, set));
	ask(&t, "GET big");
	ck_assert_uint_eq(t.last.len, sizeof(big));
	ck_assert_mem_eq(t.last.data, big, sizeof(big));
	ask(&t, "SCRIPT FLUSH");
	send_echo(&t, big, sizeof(big));
	UNTIL(&t, t.answers == 4);
	ck_assert_uint_eq(t.last.len, strlen("counter ") + sizeof(big) + 1);
	talk_end(&t);
}
END_TEST

START_TEST(a_subscriber_is_pushed_to)
{
	struct talk sub, pub;

	talk_init(&sub, plain_url());
	talk_start_as(&sub, true);
	UNTIL(&sub, sub.ups == 1);
	talk_up(&pub, plain_url());
	ask(&sub, "SUBSCRIBE news");
	ck_assert(!strncmp(sub.last.data, "subscribe news", 14));
	ask(&sub, "PSUBSCRIBE n*");
	ask(&pub, "PUBLISH news hello");
	UNTIL(&sub, sub.pushes == 2);
	ck_assert_str_eq(sub.last.data, "pmessage n* news hello");
	ck_assert_str_eq(ask(&sub, "PING"), "pong ");
	ck_assert_int_eq(sub.pushes, 2);
	talk_end(&sub);
	talk_end(&pub);
}
END_TEST

/* -- losses -- */

START_TEST(killed_and_restarted)
{
	struct redis_server s;
	struct talk t;

	redis_server_start(&s, NULL);
	talk_up(&t, url_of("redis://127.0.0.1:%d", s.port));
	redis_server_kill(&s, SIGSTOP); /* so that none of these is answered */
	for (int i = 0; i < 100; i++)
		ck_assert(i % 2 ? send_words(&t, "INCR n") : send_echo(&t, "x", 1));
	event_base_loop(t.base, EVLOOP_NONBLOCK);
	redis_server_kill(&s, SIGKILL);
	UNTIL(&t, t.downs == 1);
	ck_assert_int_eq(t.unknown, 100);
	ck_assert_int_eq(t.answers, 0);
	ck_assert(!redis_is_up(t.redis));
	UNTIL(&t, t.downs == 3);
	redis_server_restart(&s);
	UNTIL(&t, t.ups == 2);
	send_echo(&t, "again", 5); /* the scripts are there again */
	UNTIL(&t, t.answers == 1);
	ck_assert_str_eq(t.last.data, "counter again ");
	ck_assert_int_eq(t.unknown, 100);
	talk_end(&t);
	redis_server_stop(&s);
}
END_TEST

START_TEST(a_silent_server_is_left)
{
	struct redis_server s;
	struct talk t;

	redis_server_start(&s, NULL);
	talk_init(&t, url_of("unix://%s", s.socket));
	t.options.command_timeout_ms = 100;
	t.options.connect_timeout_ms = 200;
	talk_start(&t);
	UNTIL(&t, t.ups == 1);
	redis_server_kill(&s, SIGSTOP);
	send_words(&t, "PING");
	send_words(&t, "PING");
	UNTIL(&t, t.downs == 1);
	ck_assert_int_eq(t.unknown, 2);
	ck_assert_ptr_nonnull(strstr(t.why.text, "not answered within"));
	UNTIL(&t, t.downs == 2);
	ck_assert_ptr_nonnull(strstr(t.why.text, "no answer to the login"));
	redis_server_kill(&s, SIGCONT);
	UNTIL(&t, t.ups == 2);
	talk_end(&t);
	redis_server_stop(&s);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {speaks_over_tcp, resolves_localhost,
		speaks_over_a_unix_socket_in_a_database, logs_in, nobody_listens,
		answers_come_in_order, a_forgotten_script_is_loaded_again, carries_eight_megabytes,
		a_subscriber_is_pushed_to, killed_and_restarted, a_silent_server_is_left};
	Suite *s = suite_create("redis_connection");
	TCase *tc = make_case(s);

	tcase_add_unchecked_fixture(tc, start_locked, stop_locked);
	for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++)
		tcase_add_test(tc, tests[i]);
	tcase_add_loop_test(tc, a_refusal_is_lasting, 0, sizeof(refusals) / sizeof(refusals[0]));
	return run_tests(s);
}

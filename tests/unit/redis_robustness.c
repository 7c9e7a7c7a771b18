/*
 * redis_robustness: callbacks that end their own connection, and servers that misbehave.
 */
#include <arpa/inet.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/listener.h>
#include <netinet/in.h>

#include "support/redis_talk.c"

/* -- callbacks that do drastic things -- */

static void do_free(struct talk *t)
{
	struct redis *r = t->redis;

	t->redis = NULL;
	redis_free(r);
}

static void do_retry(struct talk *t)
{
	redis_close_and_retry(t->redis, "because");
}

static void do_send(struct talk *t)
{
	if (t->answers < 100)
		send_words(t, "PING");
}

START_TEST(free_within_up)
{
	struct talk t;

	talk_init(&t, plain_url());
	t.when_up = do_free;
	talk_start(&t);
	UNTIL(&t, !t.redis);
	ck_assert_int_eq(t.downs, 0);
	talk_end(&t);
}
END_TEST

START_TEST(free_within_down)
{
	struct talk t;

	talk_init(&t, url_of("unix://%s/none", plain.dir));
	t.when_down = do_free;
	talk_start(&t);
	UNTIL(&t, !t.redis);
	ck_assert_int_eq(t.downs, 1);
	talk_end(&t);
}
END_TEST

static void do_free_once(struct talk *t)
{
	if (t->redis)
		do_free(t);
}

START_TEST(free_within_an_answer)
{
	struct talk t;

	talk_up(&t, plain_url());
	t.when_answered = do_free_once;
	for (int i = 0; i < 10; i++)
		send_words(&t, "PING");
	UNTIL(&t, !t.redis);
	ck_assert_int_eq(t.answers, 1);
	ck_assert_int_eq(t.unknown, 9); /* all told before redis_free returned */
	ck_assert_int_eq(t.downs, 0);
	talk_end(&t);
}
END_TEST

START_TEST(free_within_an_unknown_answer)
{
	struct talk t;

	talk_up(&t, plain_url());
	t.when_answered = do_free_once;
	for (int i = 0; i < 10; i++)
		send_words(&t, "PING");
	redis_close_and_retry(t.redis, "because");
	ck_assert_ptr_null(t.redis);
	ck_assert_int_eq(t.unknown, 10);
	ck_assert_int_eq(t.downs, 0);
	talk_end(&t);
}
END_TEST

START_TEST(retry_within_callbacks)
{
	struct talk t;

	talk_up(&t, plain_url());
	t.when_answered = do_retry;
	for (int i = 0; i < 10; i++)
		send_words(&t, "PING");
	UNTIL(&t, t.downs == 1);
	ck_assert_int_eq(t.answers, 1);
	ck_assert_int_eq(t.unknown, 9);
	ck_assert_ptr_nonnull(strstr(t.why.text, "because"));
	t.when_answered = NULL;
	t.when_up = do_retry;
	UNTIL(&t, t.downs == 3);
	ck_assert_int_eq(t.ups, 3);
	t.when_up = NULL;
	t.when_down = do_retry; /* means nothing there */
	redis_close_and_retry(t.redis, "because");
	UNTIL(&t, t.ups == 4);
	talk_end(&t);
}
END_TEST

START_TEST(send_within_answers)
{
	struct talk t;

	talk_up(&t, plain_url());
	t.when_answered = do_send;
	send_words(&t, "PING");
	UNTIL(&t, t.answers == 100);
	talk_end(&t);
}
END_TEST

START_TEST(free_within_a_push)
{
	struct talk sub, pub;

	talk_init(&sub, plain_url());
	talk_start_as(&sub, true);
	UNTIL(&sub, sub.ups == 1);
	ask(&sub, "SUBSCRIBE gone");
	sub.when_pushed = do_free;
	talk_up(&pub, plain_url());
	send_words(&pub, "PUBLISH gone x");
	send_words(&pub, "PUBLISH gone y");
	UNTIL(&pub, pub.answers == 2);
	UNTIL(&sub, !sub.redis);
	ck_assert_int_eq(sub.pushes, 1);
	talk_end(&sub);
	talk_end(&pub);
}
END_TEST

/* -- servers that misbehave: they live in the loop of the conversation -- */

struct fake {
	const char *say; /* at once on each connection */
	size_t len;
	bool close; /* and that was all */
	const char *words;
	bool lasting;
};

static char nested[4 * 1000000];
static struct bufferevent *clients[16];
static size_t n_clients;

#define HELLO(version) \
	"+PONG\r\n$22\r\nredis_version:" version "\r\n\r\n$40\r\n" SHA "\r\n+PONG\r\n"
#define SHA	"0000000000000000000000000000000000000000"
#define SAYS(s) .say = (s), .len = sizeof(s) - 1

static const struct fake fakes[] = {
	{.say = "", .len = 0, .words = "no answer to the login"},
	{.say = "", .len = 0, .close = true, .words = "closed the connection"},
	{SAYS("SSH-2.0-OpenSSH_9.2\r\n"), .words = "does not speak the protocol"},
	{SAYS("HTTP/1.1 400 Bad Request\r\n\r\n"), .words = "does not speak the protocol"},
	{.say = nested, .len = sizeof(nested), .words = "does not speak the protocol"},
	{SAYS("*2147483647\r\n*2147483647\r\n"), .words = "no answer to the login"},
	{SAYS("+PONG\r\n+PONG\r\n+PONG\r\n+PONG\r\n"), .words = "version", .lasting = true},
	{SAYS(HELLO("5.0.14")), .words = "5.0.14 is too old", .lasting = true},
	{SAYS(HELLO("6.0.16") "+more\r\n"), .words = "nobody asked"},
	{SAYS(HELLO("6.0.16") "-ERR bye\r\n"), .words = "the server says: ERR bye"},
	{SAYS("-LOADING Redis is loading\r\n"), .words = "LOADING"},
	{SAYS("-ERR max number of clients reached\r\n"), .close = true, .words = "max number"},
	{SAYS("-DENIED Redis is running in protected mode\r\n"), .words = "DENIED",
		.lasting = true},
};

static void on_written(struct bufferevent *stream, void *arg)
{
	const struct fake *f = arg;

	if (f->close)
		shutdown(bufferevent_getfd(stream), SHUT_RDWR);
}

static void on_client(struct evconnlistener *listener, evutil_socket_t fd, struct sockaddr *from,
	int len, void *arg)
{
	struct event_base *base = evconnlistener_get_base(listener);
	struct fake *f = arg;
	struct bufferevent *stream = bufferevent_socket_new(base, fd, BEV_OPT_CLOSE_ON_FREE);

	(void)from, (void)len;
	ck_assert_uint_lt(n_clients, sizeof(clients) / sizeof(clients[0]));
	clients[n_clients++] = stream;
	bufferevent_setcb(stream, NULL, on_written, NULL, f);
	bufferevent_write(stream, f->say, f->len);
	bufferevent_enable(stream, EV_WRITE);
	if (f->len == 0)
		on_written(stream, f);
}

static struct evconnlistener *fake_start(struct talk *t, struct fake *f)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(a);
	struct evconnlistener *l;
	struct event_base *base = event_base_new();

	l = evconnlistener_new_bind(base, on_client, f,
		LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC, 8, (struct sockaddr *)&a, sizeof(a));
	ck_assert_ptr_nonnull(l);
	getsockname(evconnlistener_get_fd(l), (struct sockaddr *)&a, &len);
	talk_init(t, url_of("redis://127.0.0.1:%d", ntohs(a.sin_port)));
	event_free(t->guard);
	event_base_free(t->base);
	t->base = base;
	t->guard = event_new(t->base, -1, 0, on_guard, t);
	return l;
}

START_TEST(misbehaves)
{
	struct fake f = fakes[_i];
	struct evconnlistener *l;
	struct talk t;

	for (size_t i = 0; i < sizeof(nested); i++)
		nested[i] = "*1\r\n"[i % 4];
	l = fake_start(&t, &f);
	t.options.connect_timeout_ms = 150;
	talk_start(&t);
	UNTIL(&t, t.downs == 2);
	ck_assert_msg(strstr(t.why.text, fakes[_i].words), "%s", t.why.text);
	ck_assert_int_eq(t.lasting, fakes[_i].lasting);
	ck_assert_int_le(t.ups, 2);
	evconnlistener_free(l);
	while (n_clients > 0)
		bufferevent_free(clients[--n_clients]);
	talk_end(&t);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {free_within_up, free_within_down, free_within_an_answer,
		free_within_an_unknown_answer, retry_within_callbacks, send_within_answers,
		free_within_a_push};
	Suite *s = suite_create("redis_robustness");
	TCase *tc = make_case(s);

	for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++)
		tcase_add_test(tc, tests[i]);
	tcase_add_loop_test(tc, misbehaves, 0, sizeof(fakes) / sizeof(fakes[0]));
	return run_tests(s);
}

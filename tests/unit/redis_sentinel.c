/*
 * redis_sentinel: Sentinels that know, that lie, that are of no use, and that tell of a failover.
 * They are fakes in the loop of the conversation; masters and replicas are real.
 */
#include <arpa/inet.h>
#include <event2/bufferevent.h>
#include <event2/listener.h>
#include <netinet/in.h>

#include "support/redis_talk.c"

#define CLIENTS_MAX 64
#define SUBSCRIBED  "*3\r\n$9\r\nsubscribe\r\n$14\r\n+switch-master\r\n:1\r\n"

/* What it says to each connection at once, before it was asked. */
struct fake {
	char say[256];
	bool close; /* and that was all */
	int port;
	struct evconnlistener *listener;
	struct bufferevent *clients[CLIENTS_MAX];
	size_t n_clients;
};

static struct redis_server replica;

static void start_replica(void)
{
	static char port[16];
	static const char *const words[] = {"--replicaof", "127.0.0.1", port, NULL};

	snprintf(port, sizeof(port), "%d", plain.port);
	redis_server_start(&replica, words);
}

static void stop_replica(void)
{
	redis_server_stop(&replica);
}

/* -- fakes -- */

static void on_written(struct bufferevent *stream, void *arg)
{
	const struct fake *f = arg;

	if (f->close)
		shutdown(bufferevent_getfd(stream), SHUT_RDWR);
}

static void on_client(struct evconnlistener *listener, evutil_socket_t fd, struct sockaddr *from,
	int len, void *arg)
{
	struct fake *f = arg;
	struct bufferevent *stream = bufferevent_socket_new(
		evconnlistener_get_base(listener), fd, BEV_OPT_CLOSE_ON_FREE);

	(void)from, (void)len;
	ck_assert_uint_lt(f->n_clients, CLIENTS_MAX);
	f->clients[f->n_clients++] = stream;
	bufferevent_setcb(stream, NULL, on_written, NULL, f);
	bufferevent_write(stream, f->say, strlen(f->say));
	bufferevent_enable(stream, EV_WRITE);
	if (!*f->say)
		on_written(stream, f);
}

static void fake_start(struct fake *f, struct event_base *base)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(a);

	f->listener = evconnlistener_new_bind(base, on_client, f,
		LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC, 8, (struct sockaddr *)&a, sizeof(a));
	ck_assert_ptr_nonnull(f->listener);
	getsockname(evconnlistener_get_fd(f->listener), (struct sockaddr *)&a, &len);
	f->port = ntohs(a.sin_port);
}

static void fake_hang_up(struct fake *f)
{
	while (f->n_clients > 0)
		bufferevent_free(f->clients[--f->n_clients]);
}

static void fake_stop(struct fake *f)
{
	if (f->listener)
		evconnlistener_free(f->listener);
	f->listener = NULL;
	fake_hang_up(f);
}

static void fake_names(struct fake *f, int port)
{
	char text[16];
	int len = snprintf(text, sizeof(text), "%d", port);

	snprintf(f->say, sizeof(f->say), "*2\r\n$9\r\n127.0.0.1\r\n$%d\r\n%s\r\n" SUBSCRIBED, len,
		text);
}

/* To all who listen. */
static void fake_tells(struct fake *f, const char *news)
{
	char all[256];

	snprintf(all, sizeof(all), "*3\r\n$7\r\nmessage\r\n$14\r\n+switch-master\r\n$%zu\r\n%s\r\n",
		strlen(news), news);
	for (size_t i = 0; i < f->n_clients; i++)
		bufferevent_write(f->clients[i], all, strlen(all));
}

/* A conversation by way of these fakes, in their order; those without a loop yet get its. */
static void talk_by(struct talk *t, struct fake *const *fakes, size_t n)
{
	struct text url = {0};
	struct err err;

	talk_init(t, "redis+sentinel://127.0.0.1/m");
	text_add_str(&url, "redis+sentinel://");
	for (size_t i = 0; i < n; i++) {
		if (!fakes[i]->port)
			fake_start(fakes[i], t->base);
		text_addf(&url, "%s127.0.0.1:%d", i ? "," : "", fakes[i]->port);
	}
	text_add_str(&url, "/m/0");
	ck_assert_int_eq(redis_options_parse(&t->options, url.data, &err), 0);
	text_fini(&url);
}

static void is_at(struct talk *t, int port)
{
	const char *said = ask(t, "CONFIG GET port");

	ck_assert_str_eq(said, url_of("port %d", port));
}

/* -- of no use -- */

#define ADDRESS(host_len, host, port_len, port) \
	"*2\r\n$" host_len "\r\n" host "\r\n$" port_len "\r\n" port "\r\n"

static const struct useless {
	const char *say;
	bool close;
	const char *words;
	bool lasting;
} useless[] = {
	{"", false, "no answer of a Sentinel within", false},
	{"", true, "closed the connection", false},
	{"*-1\r\n", false, "it knows no master \"m\"", true},
	{"-NOAUTH Authentication required.\r\n", false, "the question refused: NOAUTH", true},
	{"-ERR max number of clients reached\r\n", true, "max number", false},
	{"HTTP/1.1 400 Bad Request\r\n\r\n", false, "does not speak the protocol", false},
	{"$99999999\r\n", false, "no answer of a Sentinel within", false},
	{"+PONG\r\n", false, "its answer is no address", false},
	{"*1\r\n$1\r\nx\r\n", false, "its answer is no address", false},
	{ADDRESS("1", "x", "5", "65536"), false, "its answer is no address", false},
	{ADDRESS("1", "x", "1", "0"), false, "its answer is no address", false},
	{ADDRESS("0", "", "4", "6379"), false, "its answer is no address", false},
	{ADDRESS("3", "a b", "4", "6379"), false, "its answer is no address", false},
	{ADDRESS("9", "127.0.0.1", "1", "1"), false, "127.0.0.1 port 1: connecting to", false},
};

START_TEST(of_no_use)
{
	const struct useless *u = &useless[_i];
	struct fake f = {.close = u->close};
	struct talk t;

	snprintf(f.say, sizeof(f.say), "%s", u->say);
	talk_by(&t, (struct fake *const[]){&f}, 1);
	t.options.connect_timeout_ms = 150;
	talk_start(&t);
	UNTIL(&t, t.downs == 2);
	ck_assert_msg(strstr(t.why.text, u->words), "%s", t.why.text);
	ck_assert_int_eq(t.lasting, u->lasting);
	ck_assert_int_eq(t.ups, 0);
	fake_stop(&f);
	talk_end(&t);
}
END_TEST

START_TEST(lasting_only_where_all_say_so)
{
	struct fake none = {.say = "*-1\r\n"}, gone = {.close = true};
	struct talk t;

	talk_by(&t, (struct fake *const[]){&none, &gone}, 2);
	talk_start(&t);
	UNTIL(&t, t.downs == 2);
	ck_assert_int_eq(t.lasting, false);
	fake_stop(&none);
	fake_stop(&gone);
	talk_end(&t);
}
END_TEST

/* -- of use -- */

START_TEST(the_next_is_asked)
{
	struct fake away = {.port = 1}, none = {.say = "*-1\r\n"}, silent = {0}, good = {0};
	struct talk t;

	fake_names(&good, plain.port);
	talk_by(&t, (struct fake *const[]){&away, &none, &silent, &good}, 4);
	talk_start(&t);
	UNTIL(&t, t.ups == 1);
	ck_assert_int_eq(t.downs, 0);
	is_at(&t, plain.port);
	fake_stop(&none);
	fake_stop(&silent);
	fake_stop(&good);
	talk_end(&t);
}
END_TEST

START_TEST(a_replica_is_of_no_use)
{
	struct fake f = {0};
	struct talk t;

	fake_names(&f, replica.port);
	talk_by(&t, (struct fake *const[]){&f}, 1);
	talk_start(&t);
	UNTIL(&t, t.downs == 2);
	ck_assert_msg(strstr(t.why.text, "is a replica"), "%s", t.why.text);
	ck_assert_int_eq(t.lasting, false);
	ck_assert_int_eq(t.ups, 0);
	fake_names(&f, plain.port);
	UNTIL(&t, t.ups == 1);
	is_at(&t, plain.port);
	fake_stop(&f);
	talk_end(&t);
}
END_TEST

START_TEST(news_of_a_failover)
{
	struct fake f = {0};
	struct talk t;

	fake_names(&f, plain.port);
	talk_by(&t, (struct fake *const[]){&f}, 1);
	talk_start(&t);
	UNTIL(&t, t.ups == 1);
	fake_tells(&f, "other 127.0.0.1 1 127.0.0.1 2");
	fake_tells(&f, "nonsense");
	fake_tells(&f, "m 127.0.0.1 1 127.0.0.1 0");
	fake_tells(&f, url_of("m 127.0.0.1 1 127.0.0.1 %d", plain.port));
	ask(&t, "PING");
	ck_assert_int_eq(t.downs, 0);
	fake_tells(&f, url_of("m 127.0.0.1 1 127.0.0.1 %d", replica.port));
	UNTIL(&t, t.downs == 1);
	ck_assert_msg(strstr(t.why.text, "says that the master is"), "%s", t.why.text);
	UNTIL(&t, t.ups == 2); /* it is asked again, and says what it said */
	fake_stop(&f);
	talk_end(&t);
}
END_TEST

START_TEST(one_that_goes_away_takes_nothing_along)
{
	struct fake f = {0};
	struct talk t;

	fake_names(&f, plain.port);
	talk_by(&t, (struct fake *const[]){&f}, 1);
	talk_start(&t);
	UNTIL(&t, t.ups == 1);
	fake_hang_up(&f);
	ask(&t, "PING");
	UNTIL(&t, f.n_clients == 1); /* it is asked again, without haste */
	fake_tells(&f, url_of("m 127.0.0.1 1 127.0.0.1 %d", replica.port));
	UNTIL(&t, t.downs == 1);
	ck_assert_int_eq(t.ups, 1);
	fake_stop(&f);
	talk_end(&t);
}
END_TEST

/* -- callbacks that do drastic things -- */

static void do_free(struct talk *t)
{
	struct redis *r = t->redis;

	t->redis = NULL;
	redis_free(r);
}

START_TEST(free_within_a_refusal)
{
	struct fake f = {.say = "*-1\r\n" SUBSCRIBED};
	struct talk t;

	talk_by(&t, (struct fake *const[]){&f}, 1);
	t.when_down = do_free;
	talk_start(&t);
	UNTIL(&t, !t.redis);
	ck_assert_int_eq(t.downs, 1);
	fake_stop(&f);
	talk_end(&t);
}
END_TEST

START_TEST(free_within_news)
{
	struct fake f = {0};
	struct talk t;

	fake_names(&f, plain.port);
	talk_by(&t, (struct fake *const[]){&f}, 1);
	t.when_down = do_free;
	talk_start(&t);
	UNTIL(&t, t.ups == 1);
	for (int i = 0; i < 3; i++)
		fake_tells(&f, url_of("m 127.0.0.1 1 127.0.0.1 %d", replica.port));
	UNTIL(&t, !t.redis);
	ck_assert_int_eq(t.downs, 1);
	fake_stop(&f);
	talk_end(&t);
}
END_TEST

START_TEST(free_while_it_is_asked)
{
	struct fake silent = {0};
	struct talk t;

	talk_by(&t, (struct fake *const[]){&silent}, 1);
	talk_start(&t);
	UNTIL(&t, silent.n_clients == 1);
	do_free(&t);
	ck_assert_int_eq(t.downs, 0);
	fake_stop(&silent);
	talk_end(&t);
}
END_TEST

/* -- a master that was one, without any Sentinel -- */

START_TEST(a_demoted_master_is_left)
{
	struct redis_server s;
	struct talk admin, t;

	redis_server_start(&s, NULL);
	talk_up(&admin, url_of("unix://%s", s.socket));
	talk_up(&t, url_of("redis://127.0.0.1:%d", s.port));
	ask(&t, "SET k v");
	send_words(&admin, "REPLICAOF 127.0.0.1 1");
	UNTIL(&admin, admin.answers == 1);
	ck_assert_str_eq(ask(&t, "GET k"), "v"); /* reading goes on */
	ask(&t, "SET k w");
	ck_assert_msg(strstr(t.last.data, "READONLY"), "%s", t.last.data);
	UNTIL(&t, t.downs == 3);
	ck_assert_msg(strstr(t.why.text, "is a replica"), "%s", t.why.text);
	ck_assert_int_eq(t.ups, 1);
	send_words(&admin, "REPLICAOF NO ONE");
	UNTIL(&admin, admin.answers == 2);
	UNTIL(&t, t.ups == 2);
	ck_assert_str_eq(ask(&t, "SET k w"), "OK");
	talk_end(&t);
	talk_end(&admin);
	redis_server_stop(&s);
}
END_TEST

START_TEST(scripts_are_refused_too)
{
	struct talk t;

	talk_up(&t, url_of("redis://127.0.0.1:%d", replica.port));
	send_echo(&t, "x", 1);
	UNTIL(&t, t.downs == 2);
	ck_assert_int_eq(t.answers, 1);
	ck_assert_int_eq(t.ups, 1);
	talk_end(&t);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {lasting_only_where_all_say_so, the_next_is_asked,
		a_replica_is_of_no_use, news_of_a_failover, one_that_goes_away_takes_nothing_along,
		free_within_a_refusal, free_within_news, free_while_it_is_asked,
		a_demoted_master_is_left, scripts_are_refused_too};
	Suite *s = suite_create("redis_sentinel");
	TCase *tc = make_case(s);

	tcase_add_unchecked_fixture(tc, start_replica, stop_replica);
	for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++)
		tcase_add_test(tc, tests[i]);
	tcase_add_loop_test(tc, of_no_use, 0, sizeof(useless) / sizeof(useless[0]));
	return run_tests(s);
}

/*
 * redis_talk: one connection, its loop, and a guard against waiting for ever. In test programs only.
 */
#include "support/redis_talk.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "support/redis_server.c"

struct redis_server plain;

static void on_guard(evutil_socket_t fd, short what, void *arg)
{
	struct talk *t = arg;

	(void)fd, (void)what;
	ck_abort_msg("waited too long: ups %d, downs %d (%s), answers %d, unknown %d", t->ups,
		t->downs, t->why.text, t->answers, t->unknown);
}

static void on_up(void *ctx)
{
	struct talk *t = ctx;

	t->ups++;
	if (t->when_up)
		t->when_up(t);
}

static void on_down(void *ctx, const struct err *why, bool lasting)
{
	struct talk *t = ctx;

	t->downs++;
	t->why = *why;
	t->lasting = lasting;
	if (t->when_down)
		t->when_down(t);
}

/* Texts alone, a blank between two. */
static void keep_items(struct talk *t, const struct redis_reply *array)
{
	for (size_t i = 0; i < array->n; i++) {
		if (i)
			text_add_char(&t->last, ' ');
		text_add_span(&t->last, array->items[i]->text);
	}
}

static void keep(struct talk *t, const struct redis_reply *reply)
{
	text_clear(&t->last);
	if (!reply)
		text_add_str(&t->last, "unknown");
	else if (reply->type == REDIS_ARRAY)
		keep_items(t, reply);
	else if (reply->type == REDIS_INTEGER)
		text_add_int(&t->last, reply->integer);
	else if (reply->type == REDIS_NIL)
		text_add_str(&t->last, "nil");
	else
		text_add_span(&t->last, reply->text);
}

static void on_answer(void *ctx, const struct redis_reply *reply)
{
	struct talk *t = ctx;

	keep(t, reply);
	if (reply)
		t->answers++;
	else
		t->unknown++;
	if (t->when_answered)
		t->when_answered(t);
}

static void on_push(void *ctx, const struct redis_reply *message)
{
	struct talk *t = ctx;

	keep(t, message);
	t->pushes++;
	if (t->when_pushed)
		t->when_pushed(t);
}

struct redis_script echo = {
	.name = "echo", .text = "return {KEYS[1], ARGV[1], redis.call('INCR', KEYS[1])}"};
struct redis_script *const scripts[1] = {&echo};

void talk_init(struct talk *t, const char *url)
{
	struct err err;

	memset(t, 0, sizeof(*t));
	t->base = event_base_new();
	t->guard = event_new(t->base, -1, 0, on_guard, t);
	t->options.connect_timeout_ms = 5000;
	t->options.command_timeout_ms = 5000;
	t->options.reconnect_max_ms = 100;
	ck_assert_msg(redis_options_parse(&t->options, url, &err) == 0, "%s", err.text);
}

void talk_start_as(struct talk *t, bool subscriber)
{
	struct redis_events events = {
		.up = on_up, .down = on_down, .push = subscriber ? on_push : NULL};

	redis_script_init(&echo);
	t->redis = redis_new(t->base, &t->options, scripts, subscriber ? 0 : 1, &events, t);
	redis_start(t->redis);
}

void talk_start(struct talk *t)
{
	talk_start_as(t, false);
}

void talk_end(struct talk *t)
{
	redis_free(t->redis);
	redis_options_fini(&t->options);
	text_fini(&t->last);
	event_free(t->guard);
	event_base_free(t->base);
}

const char *url_of(const char *format, ...)
{
	static char url[256];
	va_list ap;

	va_start(ap, format);
	vsnprintf(url, sizeof(url), format, ap);
	va_end(ap);
	return url;
}

const char *plain_url(void)
{
	return url_of("redis://127.0.0.1:%d", plain.port);
}

void talk_up(struct talk *t, const char *url)
{
	talk_init(t, url);
	talk_start(t);
	UNTIL(t, t->ups == 1);
	ck_assert(redis_is_up(t->redis));
}

bool send_argv(struct talk *t, size_t argc, const struct span *argv)
{
	bool sent = redis_send(t->redis, on_answer, t, argc, argv);

	t->sent += sent;
	return sent;
}

bool send_words(struct talk *t, const char *line)
{
	struct span argv[16];
	size_t argc = 0;

	while (*line) {
		size_t len = strcspn(line, " ");

		argv[argc++] = (struct span){line, len};
		line += len + (line[len] == ' ');
	}
	return send_argv(t, argc, argv);
}

const char *ask(struct talk *t, const char *line)
{
	ck_assert(send_words(t, line));
	UNTIL(t, t->answers + t->unknown == t->sent);
	return t->last.data;
}

bool send_echo(struct talk *t, const char *arg, size_t len)
{
	struct span argv[] = {SPAN_LIT("counter"), {arg, len}};
	bool sent = redis_send_script(t->redis, &echo, on_answer, t, 1, 2, argv);

	t->sent += sent;
	return sent;
}

/* -- running: `plain` stands while the tests do -- */

static void start_plain(void)
{
	static const char *const users[] = {
		"--user", "me", "on", ">p@ss:w/rd", "~*", "&*", "+@all", NULL};

	signal(SIGPIPE, SIG_IGN);
	redis_server_start(&plain, users);
}

static void stop_plain(void)
{
	redis_server_stop(&plain);
}

TCase *make_case(Suite *s)
{
	TCase *tc = tcase_create("servers");

	tcase_set_timeout(tc, 30);
	tcase_add_unchecked_fixture(tc, start_plain, stop_plain);
	suite_add_tcase(s, tc);
	return tc;
}

int run_tests(Suite *s)
{
	SRunner *run = srunner_create(s);
	int failed;

	srunner_run_all(run, CK_NORMAL);
	failed = srunner_ntests_failed(run);
	srunner_free(run);
	return failed != 0;
}

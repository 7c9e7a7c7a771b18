/*
 * sync: the same connection for callers without a loop (drover, libdrover): a loop of its own that
 * runs until the one answer is there. Never used by droverd.
 */
#include "redis/connection.h"

#include <event2/event.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/must.h"
#include "redis/codec.h"
#include "redis/resolve.h"

#define WORDS_MAX 64 /* of redis_callv */

struct sync {
	struct event_base *base;
	struct redis *redis;
	struct event *deadline; /* wakes the loop, no more */
	bool answered, down, lasting;
	uint64_t ups;
	struct err why; /* of the last `down` */
	struct redis_reply *reply;
};

static void on_up(void *ctx)
{
	struct sync *s = ctx;

	s->down = s->lasting = false;
	s->ups++;
}

static void on_down(void *ctx, const struct err *why, bool lasting)
{
	struct sync *s = ctx;

	s->why = *why;
	s->down = true;
	s->lasting = lasting;
}

static void on_deadline(evutil_socket_t fd, short what, void *arg)
{
	(void)fd, (void)what, (void)arg;
}

static void on_reply(void *ctx, const struct redis_reply *reply)
{
	struct sync *s = ctx;

	(void)reply; /* kept below, where it may be changed */
	s->answered = true;
	s->reply = command_keep_reply(s->redis);
}

void sync_free(struct sync *s)
{
	if (!s)
		return;
	codec_reply_free(s->reply);
	event_free(s->deadline);
	for (int i = 0; i < RESOLVE_LINGER_TURNS + 2; i++)
		event_base_loop(s->base, EVLOOP_NONBLOCK);
	event_base_free(s->base);
	free(s);
}

static struct event_base *base_new(void)
{
	struct event_config *config = event_config_new();
	struct event_base *base;

	must(config != NULL);
	/* Deadlines of milliseconds, not of the kernel's ticks. */
	event_config_set_flag(config, EVENT_BASE_FLAG_PRECISE_TIMER);
	base = event_base_new_with_config(config);
	must(base != NULL);
	event_config_free(config);
	return base;
}

/* Up, or -1: refused for good, or connect_timeout has passed with attempts that failed. */
static int wait_up(struct redis *r, struct err *err)
{
	struct sync *s = r->sync;
	int64_t most_ms = r->options.connect_timeout_ms, end = clock_mono_ms() + most_ms;
	struct timeval tv = {.tv_sec = most_ms / 1000, .tv_usec = (most_ms % 1000) * 1000};

	s->down = s->lasting = false;
	must(event_add(s->deadline, &tv) == 0);
	while (!redis_is_up(r) && !s->lasting && clock_mono_ms() < end)
		must(event_base_loop(s->base, EVLOOP_ONCE) >= 0);
	event_del(s->deadline);
	if (redis_is_up(r))
		return 0;
	/* The attempt's own deadline is the same moment; it may not have been told yet. */
	if (!s->down)
		redis_close_and_retry(r, "no connection within connect_timeout");
	return err_set(err, "%s", s->why.text);
}

struct redis *redis_open(const struct redis_options *options, struct redis_script *const *scripts,
	size_t n_scripts, struct err *err)
{
	static const struct redis_events events = {.up = on_up, .down = on_down};
	struct sync *s = must_alloc(sizeof(*s));

	s->base = base_new();
	s->deadline = event_new(s->base, -1, 0, on_deadline, NULL);
	must(s->deadline != NULL);
	s->redis = redis_new(s->base, options, scripts, n_scripts, &events, s);
	s->redis->sync = s;
	redis_start(s->redis);
	if (wait_up(s->redis, err) == 0)
		return s->redis;
	redis_free(s->redis);
	return NULL;
}

uint64_t redis_times_up(const struct redis *r)
{
	return r->sync->ups;
}

/* Before a call: the last answer goes, and a connection that broke meanwhile is made anew. */
static int ready(struct redis *r, struct err *err)
{
	struct sync *s = r->sync;

	must(s != NULL);
	codec_reply_free(s->reply);
	s->reply = NULL;
	s->answered = false;
	must(event_base_loop(s->base, EVLOOP_NONBLOCK) >= 0);
	if (redis_is_up(r) || wait_up(r, err) == 0)
		return 0;
	return err_at(err, "not sent");
}

static const struct redis_reply *wait_reply(struct redis *r, struct err *err)
{
	struct sync *s = r->sync;

	while (!s->answered)
		must(event_base_loop(s->base, EVLOOP_ONCE) >= 0);
	if (!s->reply)
		err_set(err, "no answer, it may or may not have been done: %s", s->why.text);
	return s->reply;
}

const struct redis_reply *redis_call(
	struct redis *r, struct err *err, size_t argc, const struct span *argv)
{
	if (ready(r, err) < 0)
		return NULL;
	must(redis_send(r, on_reply, r->sync, argc, argv));
	return wait_reply(r, err);
}

const struct redis_reply *redis_call_script(struct redis *r, const struct redis_script *s,
	struct err *err, size_t n_keys, size_t argc, const struct span *argv)
{
	if (ready(r, err) < 0)
		return NULL;
	must(redis_send_script(r, s, on_reply, r->sync, n_keys, argc, argv));
	return wait_reply(r, err);
}

const struct redis_reply *redis_callv(struct redis *r, struct err *err, ...)
{
	struct span argv[WORDS_MAX];
	const char *word;
	size_t argc = 0;
	va_list ap;

	va_start(ap, err);
	while ((word = va_arg(ap, const char *))) {
		must(argc < WORDS_MAX);
		argv[argc++] = span_of(word);
	}
	va_end(ap);
	return redis_call(r, err, argc, argv);
}

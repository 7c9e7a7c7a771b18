/* sentinel: see sentinel.h. Any process. It never waits, and changes nothing anywhere. */
#include "redis/sentinel.h"

#include <event2/buffer.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/must.h"
#include "redis/codec.h"
#include "redis/connection.h"
#include "redis/url.h"

#define NEXT_AFTER_MS  300
#define AGAIN_AFTER_MS 1000
#define ANSWER_MAX     ((size_t)64 * 1024)

/* What is said next by a Sentinel, in this order. */
enum step { STEP_LOGIN, STEP_ADDRESS, STEP_SUBSCRIBED, STEP_NEWS };

/* One Sentinel that is asked. */
struct asked {
	struct sentinel *sentinel;
	struct redis_options options; /* all is borrowed */
	struct transport *transport;  /* NULL: not yet, or it is of no use */
	struct codec *codec;
	enum step step;
};

struct sentinel {
	struct event_base *base;
	const struct redis_options *options;
	sentinel_fn *fn;
	void *ctx;
	struct event *next; /* the next one is asked */
	size_t n_begun, n_useless, n_lasting;
	size_t first;
	bool told;	    /* an address: one is listened to, or looked for without haste */
	bool inside, freed; /* sentinel_free may be called by `fn`, within a callback of ours */
	struct asked all[];
};

static void hang_up(struct asked *a)
{
	transport_close(a->transport);
	a->transport = NULL;
	codec_free(a->codec);
	a->codec = NULL;
}

static void ask_next(struct sentinel *s);

static void ask_after(struct sentinel *s, int ms)
{
	const struct timeval tv = {.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000};

	must(event_add(s->next, &tv) == 0);
}

static void begin_again(struct sentinel *s)
{
	s->n_begun = s->n_useless = s->n_lasting = 0;
	ask_after(s, AGAIN_AFTER_MS);
}

/* Where nobody is left, the caller is told. */
static void give_up(struct asked *a, const struct fault *fault)
{
	struct sentinel *s = a->sentinel;
	struct fault told = *fault; /* the one we were given may lie in what is closed now */
	bool heard = a->step > STEP_ADDRESS;

	err_at(&told.why, "Sentinel %s port %d", a->options.host, a->options.port);
	hang_up(a);
	s->n_useless++;
	s->n_lasting += told.lasting;
	if (heard) {
		begin_again(s);
	} else if (s->n_begun < s->options->n_sentinels) {
		ask_next(s);
	} else if (s->n_useless == s->n_begun && s->told) {
		begin_again(s);
	} else if (s->n_useless == s->n_begun) {
		told.lasting = s->n_lasting == s->n_useless;
		s->fn(s->ctx, NULL, 0, &told);
	}
}

static void refuse(struct asked *a, bool lasting, const char *why)
{
	struct fault fault = {.lasting = lasting};

	err_set(&fault.why, "%s", why);
	give_up(a, &fault);
}

/* -- what it says -- */

/* 1 to 65535, or 0 where it is no port. */
static int port_of(struct span text)
{
	struct err err;
	int port;

	return url_number(text, 65535, "port", &port, &err) == 0 ? port : 0;
}

static void tell(struct sentinel *s, const char *host, struct span port)
{
	s->told = true;
	s->fn(s->ctx, host, port_of(port), NULL);
}

static bool is_address(const struct redis_reply *r)
{
	return r->type == REDIS_ARRAY && r->n == 2 && r->items[0]->type == REDIS_STRING &&
	       r->items[1]->type == REDIS_STRING &&
	       strlen(r->items[0]->text.at) == r->items[0]->text.len &&
	       url_host_ok(r->items[0]->text.at) && port_of(r->items[1]->text) > 0;
}

/* The first that knows is heard, and the others are no longer needed. */
static void hear_address(struct asked *a, const struct redis_reply *r)
{
	struct sentinel *s = a->sentinel;
	char why[256];

	if (!is_address(r)) {
		snprintf(why, sizeof(why), "it knows no master \"%s\"", a->options.master);
		refuse(a, r->type == REDIS_NIL,
			r->type == REDIS_NIL ? why : "its answer is no address");
		return;
	}
	for (size_t i = 0; i < s->options->n_sentinels; i++)
		if (&s->all[i] != a)
			hang_up(&s->all[i]);
	event_del(s->next);
	a->step = STEP_SUBSCRIBED;
	tell(s, r->items[0]->text.at, r->items[1]->text);
}

/* "NAME OLD-HOST OLD-PORT HOST PORT" of any master it watches. */
static void hear_news(struct asked *a, const struct redis_reply *r)
{
	char name[256], host[256], port[8];

	if (r->type != REDIS_ARRAY || r->n != 3 || r->items[2]->type != REDIS_STRING)
		return;
	if (sscanf(r->items[2]->text.at, "%255s %*s %*s %255s %7s", name, host, port) == 3 &&
		strcmp(name, a->options.master) == 0 && url_host_ok(host) &&
		port_of(span_of(port)) > 0)
		tell(a->sentinel, host, span_of(port));
}

static void hear_refusal(struct asked *a, const struct redis_reply *r)
{
	char why[256];

	if (a->step >= STEP_SUBSCRIBED)
		return; /* we may ask and not listen: a failover is then known by what breaks */
	snprintf(why, sizeof(why), "%s refused: %s",
		a->step == STEP_LOGIN ? "login" : "the question", r->text.at);
	refuse(a, handshake_is_lasting(r->text), why);
}

static void hear(struct asked *a, const struct redis_reply *r)
{
	if (r->type == REDIS_ERROR)
		hear_refusal(a, r);
	else if (a->step == STEP_ADDRESS)
		hear_address(a, r);
	else if (a->step == STEP_NEWS)
		hear_news(a, r);
	else
		a->step++;
}

/* -- what the transport tells -- */

static void say(struct evbuffer *out, size_t n, const struct span *words)
{
	codec_add_count(out, n);
	for (size_t i = 0; i < n; i++)
		codec_add_word(out, words[i]);
}

static void on_opened(void *ctx)
{
	struct asked *a = ctx;
	const struct redis_options *o = &a->options;
	struct evbuffer *out = transport_output(a->transport);
	const struct span login[] = {SPAN_LIT("AUTH"),
		span_of(o->sentinel_username ? o->sentinel_username : o->sentinel_password),
		span_of(o->sentinel_password)};
	const struct span question[] = {
		SPAN_LIT("SENTINEL"), SPAN_LIT("GET-MASTER-ADDR-BY-NAME"), span_of(o->master)};
	const struct span subscribe[] = {SPAN_LIT("SUBSCRIBE"), SPAN_LIT("+switch-master")};

	a->step = o->sentinel_password ? STEP_LOGIN : STEP_ADDRESS;
	if (o->sentinel_password)
		say(out, o->sentinel_username ? 3 : 2, login);
	say(out, 3, question);
	say(out, 2, subscribe);
}

static void destroy(struct sentinel *s)
{
	event_free(s->next);
	free(s);
}

static void leave(struct sentinel *s)
{
	s->inside = false;
	if (s->freed)
		destroy(s);
}

static void on_came(void *ctx, struct evbuffer *in)
{
	struct asked *a = ctx;
	struct sentinel *s = a->sentinel;
	struct fault fault = {.lasting = false};
	struct redis_reply *reply;
	size_t n = evbuffer_get_length(in);
	int got = 0;

	s->inside = true;
	codec_feed(a->codec, (const char *)evbuffer_pullup(in, -1), n);
	evbuffer_drain(in, n);
	while (a->codec && (got = codec_next(a->codec, &reply, &fault.why)) > 0) {
		hear(a, reply);
		codec_reply_free(reply);
	}
	if (a->codec && got < 0)
		give_up(a, &fault);
	leave(s);
}

static void on_broke(void *ctx, const struct fault *fault)
{
	struct asked *a = ctx;
	struct sentinel *s = a->sentinel;

	s->inside = true;
	give_up(a, fault);
	leave(s);
}

static const struct transport_events transport_events = {on_opened, on_came, on_broke};

/* -- asking -- */

static void ask_next(struct sentinel *s)
{
	size_t n = s->options->n_sentinels, i = (s->first + s->n_begun++) % n;
	struct asked *a = &s->all[i];

	a->sentinel = s;
	a->step = STEP_LOGIN;
	a->options = *s->options;
	a->options.host = s->options->sentinels[i].host;
	a->options.port = s->options->sentinels[i].port;
	a->codec = codec_new(ANSWER_MAX);
	a->transport = transport_open(s->base, &a->options, 0, &transport_events, a);
	if (s->n_begun < n)
		ask_after(s, NEXT_AFTER_MS);
	else
		event_del(s->next);
}

static void on_next(evutil_socket_t fd, short what, void *arg)
{
	(void)fd, (void)what;
	ask_next(arg);
}

struct sentinel *sentinel_ask(struct event_base *base, const struct redis_options *options,
	unsigned attempt, sentinel_fn *fn, void *ctx)
{
	size_t n = options->n_sentinels;
	struct sentinel *s = must_alloc(sizeof(*s) + n * sizeof(s->all[0]));

	must(n > 0 && options->master);
	s->base = base;
	s->options = options;
	s->fn = fn;
	s->ctx = ctx;
	s->first = attempt;
	s->next = event_new(base, -1, 0, on_next, s);
	must(s->next != NULL);
	ask_next(s);
	return s;
}

void sentinel_free(struct sentinel *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < s->options->n_sentinels; i++)
		hang_up(&s->all[i]);
	event_del(s->next);
	s->freed = true;
	if (!s->inside)
		destroy(s);
}

/*
 * command: commands on their way and the answers that belong to them, in order. Any process.
 * Nothing is ever sent again after a connection was lost: whether that is right only the caller
 * knows.
 */
#include "redis/connection.h"

#include <event2/buffer.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/crash.h"
#include "base/must.h"
#include "redis/codec.h"

/* A command that was sent and not answered. */
struct pending {
	struct pending *next;
	redis_reply_fn *fn; /* NULL: nobody wants the answer */
	void *ctx;
	int64_t sent_ms;		   /* mono */
	const struct redis_script *script; /* sent as EVALSHA; NULL for all else, EVAL too */
	size_t n_words;			   /* of `tail` */
	struct evbuffer *tail;		   /* what follows the digest, for a NOSCRIPT */
};

static void append(struct redis *r, struct pending *p)
{
	p->next = NULL;
	p->sent_ms = clock_mono_ms();
	if (r->newest)
		r->newest->next = p;
	else
		r->oldest = p;
	r->newest = p;
	if (!r->timer_set && r->options.command_timeout_ms > 0)
		connection_set_timer(r, r->options.command_timeout_ms);
}

static struct pending *take_oldest(struct redis *r)
{
	struct pending *p = r->oldest;

	r->oldest = p->next;
	if (!r->oldest)
		r->newest = NULL;
	return p;
}

static void pending_free(struct pending *p)
{
	if (p->tail)
		evbuffer_free(p->tail);
	free(p);
}

/* -- sending -- */

static struct pending *pending_new(struct redis *r, redis_reply_fn *fn, void *ctx)
{
	struct pending *p = must_alloc(sizeof(*p));

	p->fn = fn;
	p->ctx = ctx;
	append(r, p);
	return p;
}

void command_send(
	struct redis *r, redis_reply_fn *fn, void *ctx, size_t argc, const struct span *argv)
{
	struct evbuffer *out = transport_output(r->transport);

	must(argc > 0);
	codec_add_count(out, argc);
	for (size_t i = 0; i < argc; i++)
		codec_add_word(out, argv[i]);
	pending_new(r, fn, ctx);
}

bool redis_send(
	struct redis *r, redis_reply_fn *fn, void *ctx, size_t argc, const struct span *argv)
{
	if (r->state != CONNECTION_UP)
		return false;
	command_send(r, fn, ctx, argc, argv);
	return true;
}

static bool is_loaded(const struct redis *r, const struct redis_script *s)
{
	for (size_t i = 0; i < r->n_scripts; i++)
		if (r->scripts[i] == s)
			return true;
	return false;
}

/* VERB DIGEST-OR-TEXT, then the tail, which `p` keeps. */
static void send_script(struct redis *r, struct pending *p, struct span verb, struct span body)
{
	struct evbuffer *out = transport_output(r->transport);

	codec_add_count(out, 2 + p->n_words);
	codec_add_word(out, verb);
	codec_add_word(out, body);
	/* By reference: 8 MB of arguments stand in memory once. */
	must(evbuffer_add_buffer_reference(out, p->tail) == 0);
}

bool redis_send_script(struct redis *r, const struct redis_script *s, redis_reply_fn *fn, void *ctx,
	size_t n_keys, size_t argc, const struct span *argv)
{
	struct pending *p;
	char count[24];

	must(is_loaded(r, s) && n_keys <= argc);
	if (r->state != CONNECTION_UP)
		return false;
	CRASH_SCRIPT(s->name, "send");
	p = pending_new(r, fn, ctx);
	p->script = s;
	p->n_words = 1 + argc;
	p->tail = evbuffer_new();
	must(p->tail != NULL);
	snprintf(count, sizeof(count), "%zu", n_keys);
	codec_add_word(p->tail, span_of(count));
	for (size_t i = 0; i < argc; i++)
		codec_add_word(p->tail, argv[i]);
	send_script(r, p, SPAN_LIT("EVALSHA"), span_of(s->sha));
	return true;
}

/* -- answers -- */

static bool begins_with(struct span text, const char *word)
{
	size_t len = strlen(word);

	return text.len >= len && memcmp(text.at, word, len) == 0;
}

/* RESP2 pushes look like answers; only a subscriber gets them, and knows them by the first word. */
static bool is_push(const struct redis *r, const struct redis_reply *reply)
{
	struct span first;

	if (!r->events.push || reply->type != REDIS_ARRAY || reply->n == 0)
		return false;
	first = reply->items[0]->text;
	return span_is(first, "message") || span_is(first, "pmessage");
}

static bool is_noscript(const struct pending *p, const struct redis_reply *reply)
{
	return p->script && reply->type == REDIS_ERROR && begins_with(reply->text, "NOSCRIPT");
}

/* The script is gone (SCRIPT FLUSH, a restart behind a proxy): EVAL carries its text along. */
static void send_again(struct redis *r, struct pending *p)
{
	const struct redis_script *s = p->script;

	p->script = NULL; /* once only */
	append(r, p);
	send_script(r, p, SPAN_LIT("EVAL"), span_of(s->text));
}

/* The callback may free `r`: our caller holds it (connection_enter). */
static void deliver(struct redis *r, struct pending *p, struct redis_reply *reply)
{
	struct redis_reply *outer = r->current;

	if (p->script && reply)
		CRASH_SCRIPT(p->script->name, "answer");
	r->current = reply;
	if (p->fn)
		p->fn(p->ctx, reply);
	codec_reply_free(r->current);
	r->current = outer;
	pending_free(p);
}

static void refuse_unasked(struct redis *r, const struct redis_reply *reply)
{
	struct fault fault = {.lasting = false};

	if (reply->type == REDIS_ERROR)
		err_set(&fault.why, "the server says: %s", reply->text.at);
	else
		err_set(&fault.why, "the server answered what nobody asked");
	connection_break(r, &fault);
}

/* Of a script Redis 6 wraps the refusal in words of its own. A replica may refuse all: MASTERDOWN. */
static bool is_from_replica(const struct redis_reply *reply)
{
	return reply->type == REDIS_ERROR &&
	       (begins_with(reply->text, "READONLY ") || begins_with(reply->text, "MASTERDOWN ") ||
		       (begins_with(reply->text, "ERR Error running script") &&
			       strstr(reply->text.at, "-READONLY ")));
}

/* It was a master, or was taken for one. From now on nothing but a master will do. */
static void leave_replica(struct redis *r)
{
	struct fault fault = {.lasting = false};

	if (r->state != CONNECTION_UP)
		return;
	err_set(&fault.why, "the server has become a replica and takes no writes");
	r->needs_master = true;
	connection_break(r, &fault);
}

/* Only an answer that is no refusal ends the growing of the waits. */
static void answer_oldest(struct redis *r, struct redis_reply *reply)
{
	bool of_no_use = is_from_replica(reply);

	if (r->state == CONNECTION_UP && reply->type != REDIS_ERROR)
		r->failures = 0;
	deliver(r, take_oldest(r), reply);
	if (of_no_use)
		leave_replica(r);
}

void command_answer(struct redis *r, struct redis_reply *reply)
{
	if (is_push(r, reply)) {
		r->events.push(r->ctx, reply);
	} else if (!r->oldest) {
		refuse_unasked(r, reply);
	} else if (is_noscript(r->oldest, reply)) {
		send_again(r, take_oldest(r));
	} else {
		answer_oldest(r, reply);
		return;
	}
	codec_reply_free(reply);
}

/* One at a time from the list: a callback may call redis_free, which gives up the rest itself. */
void command_give_up(struct redis *r)
{
	while (r->oldest)
		deliver(r, take_oldest(r), NULL);
}

int64_t command_time_left_ms(const struct redis *r)
{
	if (!r->oldest)
		return INT64_MAX;
	return r->oldest->sent_ms + r->options.command_timeout_ms - clock_mono_ms();
}

struct redis_reply *command_keep_reply(struct redis *r)
{
	struct redis_reply *reply = r->current;

	r->current = NULL;
	return reply;
}

/* -- scripts -- */

void redis_script_init(struct redis_script *s)
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned len = 0;

	must(EVP_Digest(s->text, strlen(s->text), digest, &len, EVP_sha1(), NULL) == 1);
	must(len == 20);
	for (unsigned i = 0; i < len; i++)
		snprintf(s->sha + (size_t)2 * i, 3, "%02x", digest[i]);
}

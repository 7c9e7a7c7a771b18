/* scheduler: see scheduler.h. droverd. */
#include "supervisor/standing/scheduler.h"
#include "base/clock.h"
#include "base/json_scan.h"
#include "base/log.h"
#include "base/must.h"
#include "queue/envelope.h"
#include "queue/failure.h"

#include <stdlib.h>

struct scheduler {
	struct verbs *verbs;
	void (*again)(void *ctx);
	void *ctx;
	struct text timestamp; /* the one under way */
	bool under_way;
};

struct scheduler *scheduler_new(struct verbs *verbs, void (*again)(void *ctx), void *ctx)
{
	struct scheduler *s = must_alloc(sizeof *s);

	*s = (struct scheduler){.verbs = verbs, .again = again, .ctx = ctx};
	return s;
}

void scheduler_free(struct scheduler *s)
{
	if (s == NULL)
		return;
	text_fini(&s->timestamp);
	free(s);
}

/* -- one item ------------------------------------------------------------------------------------------ */

struct item {
	struct text *queue, *payload;
	bool any;
};

static void copy_member(void *ctx, struct span key, enum json_kind kind, struct span value)
{
	struct item *i = ctx;

	if (span_is(key, "queue")) {
		text_clear(i->queue); /* the last one wins, as in Ruby */
		if (kind == JSON_KIND_STRING)
			json_add_decoded(i->queue, value);
		return;
	}
	text_add_str(i->payload, i->any ? ",\"" : "{\"");
	text_add_span(i->payload, key);
	text_add_str(i->payload, "\":");
	text_add_span(i->payload, value);
	i->any = true;
}

int scheduler_read_item(struct span text, struct text *queue, struct text *payload, struct err *err)
{
	struct item i = {.queue = queue, .payload = payload};
	struct envelope e;
	int result = envelope_read(&e, text, err);

	envelope_fini(&e);
	if (result < 0)
		return -1;
	json_scan(text, copy_member, &i, err);
	text_add_str(payload, i.any ? "}" : "{}");
	if (queue->len == 0)
		return err_set(err, "the delayed item names no queue");
	return 0;
}

/* -- all of them --------------------------------------------------------------------------------------- */

static void add_failure(struct text *out, struct span item, const struct err *why)
{
	const struct failure f = {.failed_at_ms = clock_wall_ms(),
		.payload = item,
		.payload_readable = false,
		.exception = SPAN_LIT("Drover::BadPayload"),
		.error = span_of(why->text),
		.backtrace_json = SPAN_LIT("[]")};

	failure_write(out, &f);
}

static struct span timestamp_of(const struct scheduler *s)
{
	return (struct span){s->timestamp.data, s->timestamp.len};
}

static void say_refused(const struct scheduler *s, struct span error)
{
	log_event(LOG_ERROR, "scheduler.refused", LOG_SPAN("timestamp", timestamp_of(s)),
		LOG_SPAN("error", error));
}

static void on_promoted(void *arg, const struct redis_reply *r);

/* Its queue is no list. It must not stand in the way of all that is due later. */
static void fail_refused(struct scheduler *s, struct span item, struct span error)
{
	struct text payload = {0};
	struct err why;

	say_refused(s, error);
	err_set(&why, "its queue refuses it: %.*s", (int)error.len, error.at);
	add_failure(&payload, item, &why);
	const struct verbs_due due = {item, {"", 0}, {payload.data, payload.len}};
	s->under_way = verbs_promote(s->verbs, timestamp_of(s), &due, 1, on_promoted, s);
	text_fini(&payload);
}

static void on_promoted(void *arg, const struct redis_reply *r)
{
	struct scheduler *s = arg;

	s->under_way = false;
	if (r && r->type == REDIS_ERROR)
		say_refused(s, r->text);
	if (r && r->type == REDIS_ARRAY && r->n == 4)
		fail_refused(s, r->items[2]->text, r->items[3]->text);
	else if (r && r->type == REDIS_ARRAY && r->n == 2)
		s->again(s->ctx);
}

struct texts_of_due {
	struct text queue, payload;
};

static void on_read(void *arg, const struct redis_reply *r)
{
	struct scheduler *s = arg;
	struct verbs_due due[VERBS_PROMOTE_MAX] = {0};
	struct texts_of_due texts[VERBS_PROMOTE_MAX] = {0};
	size_t n = 0;

	s->under_way = false;
	if (r == NULL || r->type != REDIS_ARRAY)
		return;
	for (; n < r->n && n < VERBS_PROMOTE_MAX; n++) {
		struct texts_of_due *t = &texts[n];
		struct span item = r->items[n]->text;
		struct err err;

		if (scheduler_read_item(item, &t->queue, &t->payload, &err) < 0) {
			text_clear(&t->queue);
			text_clear(&t->payload);
			add_failure(&t->payload, item, &err);
		}
		due[n] = (struct verbs_due){
			item, {t->queue.data, t->queue.len}, {t->payload.data, t->payload.len}};
	}
	/* Nothing in it: the timestamp itself is taken away. */
	s->under_way = verbs_promote(s->verbs, timestamp_of(s), due, n, on_promoted, s);
	while (n-- > 0) {
		text_fini(&texts[n].queue);
		text_fini(&texts[n].payload);
	}
}

void scheduler_promote(struct scheduler *s, struct span timestamp)
{
	if (s->under_way)
		return;
	text_clear(&s->timestamp);
	text_add_span(&s->timestamp, timestamp);
	s->under_way = verbs_read_due(s->verbs, timestamp_of(s), on_read, s);
}

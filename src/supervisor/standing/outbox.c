/* outbox: see outbox.h. droverd. */
#include "supervisor/standing/outbox.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/must.h"
#include "supervisor/state/journal.h"

#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

enum {
	BATCH_MAX = 128,
	BATCH_BYTES =
		1 << 20, /* Redis does nothing else meanwhile, and bounds what it reads at once */
	REFUSED_AGAIN_MS = 1000,
	BATCH_ENOUGH = 16,
	BATCH_FULL = 64,
	WAIT_US = 500,
	SLOW_US = 2000
};

struct item {
	struct verdict verdict; /* points into bytes */
	struct text bytes;
	struct span *pairs;
	struct journal_mark mark;
	uint64_t serial; /* in the order they were added */
	void *owner;
	bool refused; /* by Redis, when it was sent last */
	struct item *next;
};

struct list {
	struct item *first, **last;
	size_t n;
};

/* One call of finish.lua under way. */
struct batch {
	struct outbox *outbox;
	struct list items;
	struct batch *next;
};

struct outbox {
	struct verbs *verbs;
	struct verbs_keep keep;
	const struct outbox_events *events;
	void *ctx;
	struct list waiting;
	struct list refused; /* one by one: they wait for the timer, the others go on */
	size_t refusals;     /* items that were refused last, wherever they are */
	uint64_t added;
	size_t owned_waiting; /* of those, how many a worker waits for */
	struct batch *under_way;
	struct journal *journal;
	struct event *again;
	bool held_back; /* Redis refused all: wait for the timer */
	bool refusal_said;
	int64_t last_mono_us; /* when the last verdict came */
	int64_t mean_gap_us;  /* between two of them */
};

static void list_init(struct list *l)
{
	*l = (struct list){.last = &l->first};
}

static void list_add(struct list *l, struct item *i)
{
	i->next = NULL;
	*l->last = i;
	l->last = &i->next;
	l->n++;
}

static struct item *list_take(struct list *l)
{
	struct item *i = l->first;

	if (i == NULL)
		return NULL;
	l->first = i->next;
	if (l->first == NULL)
		l->last = &l->first;
	l->n--;
	return i;
}

static void list_prepend(struct list *l, struct list *front)
{
	if (front->first == NULL)
		return;
	*front->last = l->first;
	if (l->first == NULL)
		l->last = front->last;
	l->first = front->first;
	l->n += front->n;
	list_init(front);
}

/*
 * Jobs go back by LPUSH: the one taken last must be pushed first, whatever batches they come to lie
 * in; so these are in front of all others, which go in the order they were added.
 */
static bool goes_before(const struct item *a, const struct item *b)
{
	bool a_head = a->verdict.kind == VERDICT_HEAD, b_head = b->verdict.kind == VERDICT_HEAD;

	if (a_head != b_head)
		return a_head;
	if (a_head && a->verdict.order != b->verdict.order)
		return a->verdict.order > b->verdict.order;
	return a->serial < b->serial;
}

static void add_in_order(struct list *l, struct item *i)
{
	struct item **at = &l->first;

	if (i->verdict.kind != VERDICT_HEAD) {
		list_add(l, i); /* the newest of all */
		return;
	}
	while (*at && goes_before(*at, i))
		at = &(*at)->next;
	i->next = *at;
	*at = i;
	if (i->next == NULL)
		l->last = &i->next;
	l->n++;
}

/* Items that were sent and are not confirmed; most are in order. */
static void put_back(struct outbox *o, struct list *items)
{
	struct item **at = &o->waiting.first, *i, *last = NULL;

	for (; (i = list_take(items)) != NULL; last = i) {
		if (last && goes_before(i, last))
			at = &o->waiting.first;
		while (*at && goes_before(*at, i))
			at = &(*at)->next;
		i->next = *at;
		*at = i;
		at = &i->next;
		if (i->next == NULL)
			o->waiting.last = &i->next;
		o->waiting.n++;
		o->owned_waiting += i->owner != NULL;
	}
}

static void free_item(struct item *i)
{
	text_fini(&i->bytes);
	free(i->pairs);
	free(i);
}

/* Spans into a text that may still move: first offsets, then pointers. */
static void copy_span(struct text *bytes, struct span *s)
{
	size_t at = bytes->len;

	text_add_span(bytes, *s);
	s->at = (const char *)(uintptr_t)at;
}

static void settle_span(const struct text *bytes, struct span *s)
{
	s->at = bytes->data + (uintptr_t)s->at;
}

static struct item *copy_verdict(const struct verdict *v)
{
	struct item *i = must_alloc(sizeof *i);
	size_t n = v->record.n_pairs;

	i->verdict = *v;
	if (n > 0) {
		i->pairs = must_alloc(n * sizeof *i->pairs);
		memcpy(i->pairs, v->record.pairs, n * sizeof *i->pairs);
		i->verdict.record.pairs = i->pairs;
	}
	text_reserve(&i->bytes, v->token.len + v->worker.len + v->queue.len + v->text.len);
	struct span *spans[] = {&i->verdict.token, &i->verdict.worker, &i->verdict.queue,
		&i->verdict.text, &i->verdict.next_record, &i->verdict.why, &i->verdict.jid,
		&i->verdict.record.audit, &i->verdict.position, &i->verdict.follow};
	const size_t n_spans = sizeof spans / sizeof *spans;
	for (size_t k = 0; k < n_spans; k++)
		copy_span(&i->bytes, spans[k]);
	for (size_t k = 0; k < n; k++)
		copy_span(&i->bytes, &i->pairs[k]);
	for (size_t k = 0; k < n_spans; k++)
		settle_span(&i->bytes, spans[k]);
	for (size_t k = 0; k < n; k++)
		settle_span(&i->bytes, &i->pairs[k]);
	return i;
}

static void unlink_batch(struct batch *b)
{
	struct batch **p = &b->outbox->under_way;

	while (*p != b)
		p = &(*p)->next;
	*p = b->next;
}

static void hold_back(struct outbox *o, const struct item *i, const struct redis_reply *why)
{
	const struct timeval tv = {.tv_sec = REFUSED_AGAIN_MS / 1000};

	if (!o->refusal_said)
		log_event(LOG_ERROR, "verdict.refused", LOG_SPAN("token", i->verdict.token),
			LOG_SPAN("error", why->text), LOG_NUM("again_in_ms", REFUSED_AGAIN_MS));
	o->refusal_said = true;
	evtimer_add(o->again, &tv);
}

static void note_refused(struct outbox *o, struct item *i, bool refused)
{
	o->refusals += refused;
	o->refusals -= i->refused;
	i->refused = refused;
}

/* Nobody waits for it any more. */
static void be_done_with(struct outbox *o, struct item *i)
{
	journal_strike(o->journal, i->mark);
	if (i->owner)
		o->events->confirmed(o->ctx, i->owner);
	free_item(i);
}

static void settle_item(struct outbox *o, struct item *i, const struct redis_reply *answer)
{
	if (span_is(answer->text, "stale") && !o->events->stale_is_normal)
		log_event(LOG_WARN, "verdict.stale", LOG_SPAN("token", i->verdict.token));
	else if (!span_is(answer->text, "applied") && !span_is(answer->text, "stale")) {
		hold_back(o, i, answer);
		note_refused(o, i, true);
		list_add(&o->refused, i);
		return;
	}
	note_refused(o, i, false);
	be_done_with(o, i);
}

static void on_answer(void *arg, const struct redis_reply *r)
{
	struct batch *b = arg;
	struct outbox *o = b->outbox;
	struct item *i;

	unlink_batch(b);
	if (r && r->type == REDIS_ARRAY && r->n == b->items.n + 1 &&
		span_is(r->items[0]->text, "OK")) {
		for (size_t k = 1; (i = list_take(&b->items)) != NULL; k++)
			settle_item(o, i, r->items[k]);
		if (o->refusal_said && o->refusals == 0)
			log_event(LOG_INFO, "verdict.accepted");
		o->refusal_said = o->refusal_said && o->refusals > 0;
	} else if (r && r->type == REDIS_ARRAY && r->n == 1) {
		o->events->unknown_lease(o->ctx);
	} else if (r && b->items.first) {
		hold_back(o, b->items.first, r);
		o->held_back = true; /* Redis refuses all: READONLY, LOADING, BUSY .. */
	}
	put_back(o, &b->items);
	free(b);
}

static void on_again(evutil_socket_t fd, short what, void *arg)
{
	struct outbox *o = arg;

	(void)fd, (void)what;
	o->held_back = false;
	put_back(o, &o->refused);
	outbox_flush(o);
}

struct outbox *outbox_new(struct event_base *base, struct verbs *verbs,
	const struct verbs_keep *keep, const struct outbox_events *events, void *ctx)
{
	struct outbox *o = must_alloc(sizeof *o);

	*o = (struct outbox){.verbs = verbs,
		.keep = *keep,
		.events = events,
		.ctx = ctx,
		.mean_gap_us = SLOW_US};
	list_init(&o->waiting);
	list_init(&o->refused);
	o->again = evtimer_new(base, on_again, o);
	return o;
}

void outbox_free(struct outbox *o)
{
	struct item *i;

	if (o == NULL)
		return;
	must(o->under_way == NULL);
	put_back(o, &o->refused);
	while ((i = list_take(&o->waiting)) != NULL)
		free_item(i);
	event_free(o->again);
	free(o);
}

static void note_pace(struct outbox *o)
{
	int64_t now = clock_mono_us(), gap = now - o->last_mono_us;

	if (gap > SLOW_US)
		gap = SLOW_US; /* one pause is forgotten after a few verdicts, not after a thousand */
	o->mean_gap_us = (7 * o->mean_gap_us + gap) / 8;
	o->last_mono_us = now;
}

/* A worker stands still until its verdict is through; verdicts nobody waits for may gather longer. */
bool outbox_is_due(const struct outbox *o, size_t workers)
{
	size_t enough = workers / 2 < BATCH_ENOUGH ? workers / 2 : BATCH_ENOUGH;

	return o->waiting.n == 0 || 2 * o->mean_gap_us > WAIT_US || o->waiting.n >= BATCH_FULL ||
	       (o->owned_waiting > 0 && o->owned_waiting >= enough);
}

void outbox_add(struct outbox *o, const struct verdict *v, void *owner)
{
	struct item *i = copy_verdict(v);

	note_pace(o);
	i->mark = journal_add(o->journal, &i->verdict);
	i->serial = o->added++;
	i->owner = owner;
	o->owned_waiting += owner != NULL;
	add_in_order(&o->waiting, i);
}

static bool send_batch(struct outbox *o)
{
	struct verdict verdicts[BATCH_MAX];
	struct batch *b = must_alloc(sizeof *b);
	size_t n = 0, bytes = 0;

	b->outbox = o;
	list_init(&b->items);
	while (n < BATCH_MAX && bytes < BATCH_BYTES && o->waiting.first) {
		struct item *i = list_take(&o->waiting);

		o->owned_waiting -= i->owner != NULL;
		list_add(&b->items, i);
		bytes += i->bytes.len;
		verdicts[n++] = i->verdict;
	}
	b->next = o->under_way;
	o->under_way = b;
	if (verbs_finish(o->verbs, verdicts, n, &o->keep, on_answer, b))
		return true;
	unlink_batch(b);
	put_back(o, &b->items);
	free(b);
	return false;
}

static void note_anew(struct outbox *o)
{
	for (struct batch *b = o->under_way; b; b = b->next)
		for (struct item *i = b->items.first; i; i = i->next)
			i->mark = journal_add(o->journal, &i->verdict);
	for (struct item *i = o->waiting.first; i; i = i->next)
		i->mark = journal_add(o->journal, &i->verdict);
	for (struct item *i = o->refused.first; i; i = i->next)
		i->mark = journal_add(o->journal, &i->verdict);
}

void outbox_write_down(struct outbox *o)
{
	if (journal_is_long(o->journal)) {
		journal_rewrite_begin(o->journal);
		note_anew(o);
		journal_rewrite_end(o->journal);
	}
	journal_write(o->journal);
}

void outbox_set_journal(struct outbox *o, struct journal *journal)
{
	o->journal = journal;
	note_anew(o);
}

void outbox_flush(struct outbox *o)
{
	outbox_write_down(o);
	while (o->waiting.first && !o->held_back && redis_is_up(o->verbs->redis))
		if (!send_batch(o))
			return;
}

/* Batches under way are answered UNKNOWN and come back here as waiting; so they are emptied now. */
void outbox_drop_all(struct outbox *o)
{
	struct list all;
	struct item *i;

	list_init(&all);
	list_prepend(&all, &o->waiting);
	list_prepend(&all, &o->refused);
	o->refusals = 0;
	o->owned_waiting = 0;
	for (struct batch *b = o->under_way; b; b = b->next)
		list_prepend(&all, &b->items);
	while ((i = list_take(&all)) != NULL)
		be_done_with(o, i);
}

void outbox_keep(struct outbox *o, const struct verbs_keep *keep)
{
	o->keep = *keep;
}

bool outbox_all_sent(const struct outbox *o)
{
	return o->waiting.first == NULL && o->refused.first == NULL;
}

size_t outbox_count(const struct outbox *o)
{
	size_t n = o->waiting.n + o->refused.n;

	for (const struct batch *b = o->under_way; b; b = b->next)
		n += b->items.n;
	return n;
}

bool outbox_is_done(const struct outbox *o)
{
	return outbox_count(o) == 0 && o->under_way == NULL;
}

void outbox_each(const struct outbox *o, outbox_each_fn *fn, void *ctx)
{
	for (const struct item *i = o->waiting.first; i; i = i->next)
		fn(ctx, i->verdict.token);
	for (const struct item *i = o->refused.first; i; i = i->next)
		fn(ctx, i->verdict.token);
	for (const struct batch *b = o->under_way; b; b = b->next)
		for (const struct item *i = b->items.first; i; i = i->next)
			fn(ctx, i->verdict.token);
}

void outbox_each_unowned(const struct outbox *o, outbox_each_verdict_fn *fn, void *ctx)
{
	for (const struct item *i = o->waiting.first; i; i = i->next)
		if (i->owner == NULL)
			fn(ctx, &i->verdict);
	for (const struct item *i = o->refused.first; i; i = i->next)
		if (i->owner == NULL)
			fn(ctx, &i->verdict);
	for (const struct batch *b = o->under_way; b; b = b->next)
		for (const struct item *i = b->items.first; i; i = i->next)
			if (i->owner == NULL)
				fn(ctx, &i->verdict);
}

/*
 * client/delayed: what waits for a time, ours and resque-scheduler's; see include/drover/client.h.
 * Part of libdrover.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/json_scan.h"
#include "base/must.h"
#include "client/internal.h"
#include "queue/cancel.h"
#include "queue/waiting.h"

#define READ_AT_ONCE 200

/* One of them, copied: the two lists are merged by time. */
struct item {
	int64_t at_ms;
	struct text id, queue, payload, why;
	bool foreign;
};

struct items {
	struct item *list;
	size_t n;
};

static struct item *add_item(struct items *all)
{
	all->list = must_realloc(all->list, (all->n + 1) * sizeof *all->list);
	all->list[all->n] = (struct item){0};
	return &all->list[all->n++];
}

static void items_fini(struct items *all)
{
	for (size_t i = 0; i < all->n; i++) {
		text_fini(&all->list[i].id);
		text_fini(&all->list[i].queue);
		text_fini(&all->list[i].payload);
		text_fini(&all->list[i].why);
	}
	free(all->list);
}

static int compare(const void *a, const void *b)
{
	const struct item *x = a, *y = b;

	if (x->at_ms != y->at_ms)
		return x->at_ms < y->at_ms ? -1 : 1;
	return x->foreign - y->foreign;
}

/* -- ours ---------------------------------------------------------------------------------- */

/* What was promoted between the two questions is empty here. */
static void add_own(
	struct items *all, struct span member, struct span due, struct span text, long long *left)
{
	struct waiting w;
	struct item *item;

	if (*left <= 0 || !waiting_read_delayed(&w, text))
		return;
	--*left;
	item = add_item(all);
	item->at_ms = ask_to_number(due, 0);
	text_add_span(&item->id, member);
	text_add_span(&item->queue, w.queue);
	text_add_span(&item->payload, w.payload);
	text_add_span(&item->why, w.why);
}

static int read_own(struct drover_client *c, struct items *all, long long left, struct err *err)
{
	struct texts pairs = {0}, jobs = {0};
	int rc = 0;

	for (int64_t from = 0; rc == 0 && left > 0; from += READ_AT_ONCE) {
		rc = waiting_delayed_part(&c->in, from, READ_AT_ONCE, &pairs, err);
		if (rc == 0)
			rc = waiting_delayed_jobs(&c->in, &pairs, 2, &jobs, err);
		for (size_t i = 0; rc == 0 && i < jobs.n; i++)
			add_own(all, texts_at(&pairs, 2 * i), texts_at(&pairs, 2 * i + 1),
				texts_at(&jobs, i), &left);
		if (pairs.n < 2 * READ_AT_ONCE)
			break;
	}
	texts_fini(&pairs);
	texts_fini(&jobs);
	return rc;
}

/* -- resque-scheduler's ---------------------------------------------------------------------- */

static void note_queue(void *ctx, struct span key, enum json_kind kind, struct span value)
{
	struct text *queue = ctx;

	if (kind != JSON_KIND_STRING || !span_is(key, "queue"))
		return;
	text_clear(queue);
	json_add_decoded(queue, value);
}

static void add_foreign(struct items *all, struct span second, struct span text)
{
	struct item *item = add_item(all);
	char id[WAITING_ID_SIZE];
	struct err unreadable;

	item->foreign = true;
	item->at_ms = ask_to_number(second, 0) * 1000;
	text_add_str(&item->id, waiting_foreign_id(second, text, id));
	text_add_span(&item->payload, text);
	text_add_str(&item->why, "resque-scheduler");
	json_scan(text, note_queue, &item->queue, &unreadable);
}

static int read_second(struct drover_client *c, struct items *all, struct span second,
	long long *left, struct err *err)
{
	struct texts part = {0};
	int rc = 0;

	for (int64_t from = 0; rc == 0 && *left > 0; from += READ_AT_ONCE) {
		rc = waiting_foreign_part(&c->in, second, from, READ_AT_ONCE, &part, err);
		for (size_t i = 0; rc == 0 && *left > 0 && i < part.n; i++, --*left)
			add_foreign(all, second, texts_at(&part, i));
		if (part.n < READ_AT_ONCE)
			break;
	}
	texts_fini(&part);
	return rc;
}

static int read_foreign(struct drover_client *c, struct items *all, long long left, struct err *err)
{
	struct texts seconds = {0};
	int rc = 0;

	for (int64_t from = 0; rc == 0 && left > 0; from += READ_AT_ONCE) {
		rc = waiting_foreign_seconds(&c->in, from, READ_AT_ONCE, &seconds, err);
		for (size_t i = 0; rc == 0 && left > 0 && i < seconds.n; i++)
			rc = read_second(c, all, texts_at(&seconds, i), &left, err);
		if (seconds.n < READ_AT_ONCE)
			break;
	}
	texts_fini(&seconds);
	return rc;
}

/* -- the list -------------------------------------------------------------------------------- */

static void tell(const struct item *item, drover_delayed_fn *fn, void *ctx)
{
	struct internal_view v;
	struct span member = {item->id.data, item->id.len};
	struct drover_delayed_info info = {.id = internal_give_text(&item->id),
		.at_ms = item->at_ms,
		.queue = internal_give_text(&item->queue),
		.why = internal_give_text(&item->why)};

	internal_view_init(&v, (struct span){item->payload.data, item->payload.len}, "delayed",
		(struct span){item->queue.data, item->queue.len});
	info.jid = v.info.jid;
	if (info.jid.len == 0 && !item->foreign)
		info.jid = internal_give(waiting_jid(member));
	info.class_name = v.info.class_name;
	info.args = v.info.args;
	info.raw = v.info.raw;
	fn(ctx, &info);
	internal_view_fini(&v);
}

int drover_delayed_each(struct drover_client *c, long long limit, drover_delayed_fn *fn, void *ctx,
	struct drover_error *error)
{
	struct items all = {0};
	struct err err = {0};
	int rc = read_own(c, &all, limit, &err);

	if (rc == 0)
		rc = read_foreign(c, &all, limit, &err);
	if (all.n > 1)
		qsort(all.list, all.n, sizeof *all.list, compare);
	for (size_t i = 0; rc == 0 && i < all.n && (long long)i < limit; i++)
		tell(&all.list[i], fn, ctx);
	items_fini(&all);
	return rc < 0 ? internal_read_failed(error, rc, &err) : 0;
}

/* -- remove ---------------------------------------------------------------------------------- */

/* 1: done, 0: not among ours. */
static int remove_own(struct drover_client *c, const char *id, struct err *err)
{
	struct texts members = {0}, jobs = {0};
	struct waiting w;
	int rc;

	texts_add(&members, span_of(id));
	rc = waiting_delayed_jobs(&c->in, &members, 1, &jobs, err);
	if (rc == 0 && jobs.n == 1 && waiting_read_delayed(&w, texts_at(&jobs, 0)))
		rc = cancel_waiting(&c->in,
			&(struct cancel){.place = CANCEL_DELAYED,
				.member = span_of(id),
				.bytes = texts_at(&jobs, 0),
				.payload = w.payload,
				.detail = "while it was delayed",
				.now_ms = clock_wall_ms(),
				.runs_kept_ms = c->runs_kept_ms,
				.ids_kept_ms = c->ids_kept_ms},
			err);
	texts_fini(&members);
	texts_fini(&jobs);
	return rc;
}

static int remove_foreign(struct drover_client *c, const char *id, struct err *err)
{
	struct span second = waiting_foreign_second(span_of(id));
	struct texts part = {0};
	char name[WAITING_ID_SIZE];
	int rc = 0;

	for (int64_t from = 0; second.len && rc == 0; from += READ_AT_ONCE) {
		rc = waiting_foreign_part(&c->in, second, from, READ_AT_ONCE, &part, err);
		for (size_t i = 0; rc == 0 && i < part.n; i++)
			if (strcmp(waiting_foreign_id(second, texts_at(&part, i), name), id) == 0)
				rc = cancel_foreign(&c->in, second, texts_at(&part, i), err);
		if (part.n < READ_AT_ONCE)
			break;
	}
	texts_fini(&part);
	return rc;
}

int drover_delayed_remove(struct drover_client *c, const char *id, struct drover_error *error)
{
	struct err err = {0};
	int rc = remove_own(c, id, &err);

	if (rc == 0)
		rc = remove_foreign(c, id, &err);
	if (rc < 0)
		return internal_write_failed(error, rc, &err, "it was removed");
	return rc == 1 ? 0 : internal_fail(error, DROVER_E_NOT_FOUND, "no delayed job %s", id);
}

/* -- schedules ------------------------------------------------------------------------------- */

int drover_schedule_last(
	struct drover_client *c, const char *name, long long *last_ms, struct drover_error *error)
{
	struct words w = {0};
	struct texts fired = {0};
	struct err err = {0};
	int64_t last_s;
	int rc;

	words_add_str(&w, "HGET");
	words_add_key(&w, c->in.prefix, KEY_SCHEDULE, span_of(NULL));
	words_add_str(&w, name);
	rc = ask_texts(c->redis, &w, &fired, &err);
	last_s = rc == 0 && fired.n ? ask_to_number(texts_at(&fired, 0), -1) : -1;
	*last_ms = last_s < 0 ? DROVER_UNKNOWN : last_s * 1000;
	texts_fini(&fired);
	return rc < 0 ? internal_read_failed(error, rc, &err) : 0;
}

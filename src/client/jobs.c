/* client/jobs: jobs wherever they stand; see include/drover/client.h. Only reads. */
#include <string.h>

#include "base/clock.h"
#include "base/json_scan.h"
#include "client/internal.h"
#include "queue/entry.h"
#include "queue/envelope.h"
#include "queue/waiting.h"

#define READ_AT_ONCE 200

struct drover_job_info internal_blank_job(void)
{
	const struct drover_text none = {"", 0};

	return (struct drover_job_info){.jid = none,
		.class_name = none,
		.queue = none,
		.args = none,
		.state = none,
		.worker = none,
		.origin = none,
		.raw = none,
		.why = none,
		.exception = none,
		.error = none,
		.note = none,
		.result = none,
		.place = none,
		.request_id = none,
		.tick = none,
		.audit = none,
		.parent = none,
		.reason = none,
		.csv = none,
		.cursor = none,
		.errors = DROVER_UNKNOWN,
		.speed = -1,
		.eta_ms = DROVER_UNKNOWN,
		.rate_per_ms = DROVER_UNKNOWN,
		.pause_ms = DROVER_UNKNOWN,
		.position = DROVER_UNKNOWN,
		.next_at_ms = DROVER_UNKNOWN,
		.pid = DROVER_UNKNOWN,
		.silent_ms = DROVER_UNKNOWN,
		.attempt = DROVER_UNKNOWN,
		.interruptions = DROVER_UNKNOWN,
		.recoveries = DROVER_UNKNOWN,
		.enqueued_at_ms = DROVER_UNKNOWN,
		.started_at_ms = DROVER_UNKNOWN,
		.ended_at_ms = DROVER_UNKNOWN,
		.done = DROVER_UNKNOWN,
		.total = DROVER_UNKNOWN};
}

void internal_view_init(
	struct internal_view *v, struct span payload, const char *state, struct span queue)
{
	*v = (struct internal_view){.info = internal_blank_job()};
	v->info.state = internal_give(span_of(state));
	v->info.queue = internal_give(queue);
	v->readable = envelope_read(&v->envelope, payload, &v->why) == 0;
	if (!v->readable) {
		v->info.raw = internal_give(payload);
		v->info.why = internal_give(span_of(v->why.text));
		return;
	}
	v->info.jid = internal_give_text(&v->envelope.jid);
	v->info.class_name = internal_give_text(&v->envelope.class_name);
	v->info.args = internal_give(v->envelope.args);
	v->info.origin = v->envelope.origin.len ? internal_give_text(&v->envelope.origin)
						: internal_give(SPAN_LIT("enqueued"));
	v->info.attempt = v->envelope.attempt;
	v->info.interruptions = v->envelope.interruptions;
	v->info.recoveries = v->envelope.recoveries;
	if (v->envelope.at_ms > 0)
		v->info.enqueued_at_ms = v->envelope.at_ms;
	v->info.parent = internal_give_text(&v->envelope.parent);
	v->info.part = v->envelope.parent.len ? v->envelope.part : 0;
}

void internal_view_fini(struct internal_view *v)
{
	envelope_fini(&v->envelope);
}

static bool is_wanted(struct span have, const char *want)
{
	return !want || span_is(have, want);
}

/* -- running ------------------------------------------------------------------------------- */

static void tell_entry(const struct internal_supervisor *s, const struct entry *entry,
	drover_job_fn *fn, void *ctx)
{
	struct internal_view v;

	internal_view_init(&v, entry->payload, s->lost ? "lost" : "running", entry->queue);
	if (s->lost)
		v.info.silent_ms = s->silent_ms;
	if (v.info.jid.len == 0)
		v.info.jid = internal_give(entry->jid);
	v.info.worker = internal_give(entry->worker);
	v.info.pid = inspect_find_pid(texts_value(&s->record, "worker_pids"), entry->worker);
	v.info.started_at_ms = entry->taken_at_ms;
	v.info.place = internal_give(SPAN_LIT("lease"));
	fn(ctx, &v.info);
	internal_view_fini(&v);
}

int drover_job_each_running(struct drover_client *c, const char *queue, drover_job_fn *fn,
	void *ctx, struct drover_error *error)
{
	struct internal_crew crew;

	if (internal_crew_load(c, &crew, error) < 0)
		return -1;
	for (size_t i = 0; i < crew.n; i++) {
		const struct internal_supervisor *s = &crew.items[i];

		for (size_t k = 0; k + 1 < s->lease.n; k += 2) {
			struct span token = texts_at(&s->lease, k);
			struct entry entry;
			struct err err;

			if (internal_is_token(token) &&
				entry_read(&entry, texts_at(&s->lease, k + 1), &err) == 0 &&
				is_wanted(entry.queue, queue))
				tell_entry(s, &entry, fn, ctx);
		}
	}
	internal_crew_fini(&crew);
	return 0;
}

/* -- waiting in queues and parked ------------------------------------------------------------ */

typedef int read_part_fn(const struct inspect *in, struct span name, int64_t from, int64_t n,
	struct texts *items, struct err *err);

/* 1: go on with the next list. */
static int walk_list(struct drover_client *c, read_part_fn *read_part, struct span name,
	internal_look_fn *look, void *ctx, struct err *err)
{
	struct texts part = {0};
	bool more = true;
	int rc = 0;

	for (int64_t from = 0; more && rc == 0; from += READ_AT_ONCE) {
		rc = read_part(&c->in, name, from, READ_AT_ONCE, &part, err);
		for (size_t i = 0; more && rc == 0 && i < part.n; i++)
			more = look(ctx, name, from + (int64_t)i, texts_at(&part, i));
		if (part.n < READ_AT_ONCE)
			break;
	}
	texts_fini(&part);
	if (rc == ASK_WRONG_TYPE) /* no jobs in there */
		return more;
	return rc < 0 ? rc : more;
}

int internal_walk_queues(struct drover_client *c, const char *only, internal_look_fn *look,
	void *ctx, struct drover_error *error)
{
	struct texts names = {0};
	struct err err = {0};
	int rc = only ? walk_list(c, inspect_queue_part, span_of(only), look, ctx, &err)
		      : inspect_queues(&c->in, &names, &err);

	for (size_t i = 0; rc >= 0 && i < names.n; i++) {
		rc = walk_list(c, inspect_queue_part, texts_at(&names, i), look, ctx, &err);
		if (rc == 0)
			break;
	}
	texts_fini(&names);
	return rc < 0 ? internal_read_failed(error, rc, &err) : 0;
}

int internal_walk_parked(
	struct drover_client *c, internal_look_fn *look, void *ctx, struct drover_error *error)
{
	struct texts classes = {0};
	struct err err = {0};
	int rc = waiting_parked_classes(&c->in, &classes, &err);

	for (size_t i = 0; rc >= 0 && i < classes.n; i++) {
		rc = walk_list(c, waiting_parked_part, texts_at(&classes, i), look, ctx, &err);
		if (rc == 0)
			break;
	}
	texts_fini(&classes);
	return rc < 0 ? internal_read_failed(error, rc, &err) : 0;
}

struct listing {
	const char *queue; /* NULL: any */
	drover_job_fn *fn;
	void *ctx;
	long long left;
};

static void list_job(struct listing *l, struct span payload, const char *state, struct span queue,
	const char *place, int64_t position, int64_t due_ms)
{
	struct internal_view v;

	l->left--;
	internal_view_init(&v, payload, state, queue);
	v.info.place = internal_give(span_of(place));
	v.info.position = position;
	v.info.next_at_ms = due_ms;
	l->fn(l->ctx, &v.info);
	internal_view_fini(&v);
}

static bool list_payload(void *ctx, struct span queue, int64_t position, struct span payload)
{
	struct listing *l = ctx;

	if (l->left > 0)
		list_job(l, payload, "queued", queue, "queue", position, DROVER_UNKNOWN);
	return l->left > 0;
}

int drover_job_each_waiting(struct drover_client *c, const char *queue, long long limit,
	drover_job_fn *fn, void *ctx, struct drover_error *error)
{
	struct listing l = {.fn = fn, .ctx = ctx, .left = limit};

	return limit <= 0 ? 0 : internal_walk_queues(c, queue, list_payload, &l, error);
}

/* -- delayed ------------------------------------------------------------------------------- */

static bool list_parked(void *ctx, struct span class_name, int64_t position, struct span item)
{
	struct listing *l = ctx;
	struct waiting w;

	(void)class_name;
	if (l->left > 0 && waiting_read_parked(&w, item) && is_wanted(w.queue, l->queue))
		list_job(l, w.payload, "parked", w.queue, "parked", position, DROVER_UNKNOWN);
	return l->left > 0;
}

static void list_part(struct listing *l, const struct texts *pairs, const struct texts *jobs)
{
	for (size_t i = 0; l->left > 0 && i < jobs->n; i++) {
		struct waiting w;

		if (waiting_read_delayed(&w, texts_at(jobs, i)) && is_wanted(w.queue, l->queue))
			list_job(l, w.payload, waiting_state(w.why), w.queue, "delayed",
				DROVER_UNKNOWN,
				ask_to_number(texts_at(pairs, 2 * i + 1), DROVER_UNKNOWN));
	}
}

static int list_delayed(struct drover_client *c, struct listing *l, struct drover_error *error)
{
	struct texts pairs = {0}, jobs = {0};
	struct err err = {0};
	int rc = 0;

	for (int64_t from = 0; rc == 0 && l->left > 0; from += READ_AT_ONCE) {
		rc = waiting_delayed_part(&c->in, from, READ_AT_ONCE, &pairs, &err);
		if (rc == 0)
			rc = waiting_delayed_jobs(&c->in, &pairs, 2, &jobs, &err);
		if (rc == 0)
			list_part(l, &pairs, &jobs);
		if (pairs.n < 2 * READ_AT_ONCE)
			break;
	}
	texts_fini(&pairs);
	texts_fini(&jobs);
	return rc < 0 ? internal_read_failed(error, rc, &err) : 0;
}

static int list_paused(struct drover_client *c, struct listing *l, struct drover_error *error)
{
	struct texts pairs = {0};
	struct text cursor = {0};
	struct err err = {0};
	int rc;

	text_add_char(&cursor, '0');
	do {
		rc = waiting_paused_part(&c->in, &cursor, &pairs, &err);
		for (size_t i = 1; rc == 0 && l->left > 0 && i < pairs.n; i += 2) {
			struct waiting w;

			if (waiting_read_parked(&w, texts_at(&pairs, i)) &&
				is_wanted(w.queue, l->queue))
				list_job(l, w.payload, "paused", w.queue, "paused", DROVER_UNKNOWN,
					DROVER_UNKNOWN);
		}
	} while (rc == 0 && l->left > 0 && strcmp(cursor.data, "0") != 0);
	text_fini(&cursor);
	texts_fini(&pairs);
	return rc < 0 ? internal_read_failed(error, rc, &err) : 0;
}

int drover_job_each_held(struct drover_client *c, const char *queue, long long limit,
	drover_job_fn *fn, void *ctx, struct drover_error *error)
{
	struct listing delayed = {.queue = queue, .fn = fn, .ctx = ctx, .left = limit};
	struct listing parked = delayed, paused = delayed;

	if (limit <= 0)
		return 0;
	if (list_delayed(c, &delayed, error) < 0)
		return -1;
	if (internal_walk_parked(c, list_parked, &parked, error) < 0)
		return -1;
	return list_paused(c, &paused, error);
}

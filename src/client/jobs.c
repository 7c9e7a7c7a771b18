/* client/jobs: jobs wherever they stand; see include/drover/client.h. Only reads. */
#include <string.h>

#include "base/clock.h"
#include "base/json_scan.h"
#include "client/internal.h"
#include "queue/entry.h"
#include "queue/envelope.h"

#define READ_AT_ONCE 200

/* A job while it is told of: what `info` points to must stay until then. */
struct view {
	struct drover_job_info info;
	struct envelope envelope;
	struct err why;
	bool readable;
};

static struct drover_job_info blank_info(void)
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
		.pid = DROVER_UNKNOWN,
		.attempt = DROVER_UNKNOWN,
		.interruptions = DROVER_UNKNOWN,
		.recoveries = DROVER_UNKNOWN,
		.enqueued_at_ms = DROVER_UNKNOWN,
		.started_at_ms = DROVER_UNKNOWN,
		.ended_at_ms = DROVER_UNKNOWN,
		.done = DROVER_UNKNOWN,
		.total = DROVER_UNKNOWN};
}

static void view_init(struct view *v, struct span payload, const char *state, struct span queue)
{
	*v = (struct view){.info = blank_info()};
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
}

static void view_fini(struct view *v)
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
	struct view v;

	view_init(&v, entry->payload, "running", entry->queue);
	if (v.info.jid.len == 0)
		v.info.jid = internal_give(entry->jid);
	v.info.worker = internal_give(entry->worker);
	v.info.pid = inspect_find_pid(texts_value(&s->record, "worker_pids"), entry->worker);
	v.info.started_at_ms = entry->taken_at_ms;
	fn(ctx, &v.info);
	view_fini(&v);
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

			if (token.len && token.at[0] != '#' &&
				entry_read(&entry, texts_at(&s->lease, k + 1), &err) == 0 &&
				is_wanted(entry.queue, queue))
				tell_entry(s, &entry, fn, ctx);
		}
	}
	internal_crew_fini(&crew);
	return 0;
}

/* -- waiting ------------------------------------------------------------------------------- */

/* Goes through the queues; `look` says whether to go on with the next payload. */
typedef bool look_fn(void *ctx, struct span queue, struct span payload);

static int walk_queue(
	struct drover_client *c, struct span queue, look_fn *look, void *ctx, struct err *err)
{
	struct texts part = {0};
	bool more = true;
	int rc = 0;

	for (int64_t from = 0; more && rc == 0; from += READ_AT_ONCE) {
		rc = inspect_queue_part(&c->in, queue, from, READ_AT_ONCE, &part, err);
		for (size_t i = 0; more && rc == 0 && i < part.n; i++)
			more = look(ctx, queue, texts_at(&part, i));
		if (part.n < READ_AT_ONCE)
			break;
	}
	texts_fini(&part);
	return rc < 0 ? rc : more;
}

static int walk_queues(struct drover_client *c, const char *only, look_fn *look, void *ctx,
	struct drover_error *error)
{
	struct texts names = {0};
	struct err err = {0};
	int rc = only ? walk_queue(c, span_of(only), look, ctx, &err)
		      : inspect_queues(&c->in, &names, &err);

	for (size_t i = 0; rc >= 0 && i < names.n; i++) {
		rc = walk_queue(c, texts_at(&names, i), look, ctx, &err);
		if (rc == 0)
			break;
	}
	texts_fini(&names);
	return rc < 0 ? internal_read_failed(error, rc, &err) : 0;
}

struct listing {
	drover_job_fn *fn;
	void *ctx;
	long long left;
};

static bool list_payload(void *ctx, struct span queue, struct span payload)
{
	struct listing *l = ctx;
	struct view v;

	if (l->left == 0)
		return false;
	l->left--;
	view_init(&v, payload, "queued", queue);
	l->fn(l->ctx, &v.info);
	view_fini(&v);
	return l->left > 0;
}

int drover_job_each_waiting(struct drover_client *c, const char *queue, long long limit,
	drover_job_fn *fn, void *ctx, struct drover_error *error)
{
	struct listing l = {.fn = fn, .ctx = ctx, .left = limit};

	return limit <= 0 ? 0 : walk_queues(c, queue, list_payload, &l, error);
}

/* -- one job ------------------------------------------------------------------------------- */

struct search {
	struct span jid;
	bool found;
	drover_job_fn *fn;
	void *ctx;
};

static bool has_jid(const struct drover_job_info *job, struct span jid)
{
	return job->jid.len == jid.len && memcmp(job->jid.at, jid.at, jid.len) == 0;
}

static void find_running(void *ctx, const struct drover_job_info *job)
{
	struct search *s = ctx;

	if (s->found || !has_jid(job, s->jid))
		return;
	s->found = true;
	s->fn(s->ctx, job);
}

static bool find_waiting(void *ctx, struct span queue, struct span payload)
{
	struct search *s = ctx;
	struct view v;

	if (!memmem(payload.at, payload.len, s->jid.at, s->jid.len))
		return true;
	view_init(&v, payload, "queued", queue);
	s->found = has_jid(&v.info, s->jid);
	if (s->found)
		s->fn(s->ctx, &v.info);
	view_fini(&v);
	return !s->found;
}

static enum drover_next find_failed(void *ctx, const struct drover_failed_info *failed)
{
	struct search *s = ctx;
	struct view v;

	view_init(&v, internal_span(failed->payload), "failed", internal_span(failed->queue));
	v.info.worker = failed->worker;
	v.info.exception = failed->exception;
	v.info.error = failed->error;
	s->found = true;
	s->fn(s->ctx, &v.info);
	view_fini(&v);
	return DROVER_STOP;
}

/* What the record of a run says. */
static long long run_time(const struct texts *pairs, const char *field)
{
	char text[CLOCK_TEXT_SIZE];
	struct span s = texts_value(pairs, field);
	int64_t ms;

	if (s.len == 0 || s.len >= sizeof text)
		return DROVER_UNKNOWN;
	memcpy(text, s.at, s.len);
	text[s.len] = '\0';
	return clock_parse_rfc3339(text, &ms) == 0 ? ms : DROVER_UNKNOWN;
}

static struct drover_text run_text(const struct texts *pairs, const char *field)
{
	return internal_give(texts_value(pairs, field));
}

static struct drover_text run_json(const struct texts *pairs, const char *field)
{
	struct span s = texts_value(pairs, field);
	struct err bad;

	return internal_give(json_scan(s, NULL, NULL, &bad) < 0 ? span_of(NULL) : s);
}

static long long run_number(const struct texts *pairs, const char *field)
{
	return ask_to_number(texts_value(pairs, field), DROVER_UNKNOWN);
}

static struct drover_job_info read_run(const struct texts *pairs, const char *jid)
{
	struct drover_job_info info = blank_info();

	info.tracked = true;
	info.jid = internal_give(span_of(jid));
	info.class_name = run_text(pairs, "class");
	info.queue = run_text(pairs, "queue");
	info.args = run_json(pairs, "args");
	info.state = run_text(pairs, "state");
	info.worker = run_text(pairs, "worker");
	info.origin = run_text(pairs, "origin");
	info.attempt = run_number(pairs, "attempt");
	info.interruptions = run_number(pairs, "interruptions");
	info.recoveries = run_number(pairs, "recoveries");
	info.enqueued_at_ms = run_time(pairs, "enqueued_at");
	info.started_at_ms = run_time(pairs, "started_at");
	info.ended_at_ms = run_time(pairs, "ended_at");
	info.exception = run_text(pairs, "exception");
	info.error = run_text(pairs, "error");
	info.note = run_text(pairs, "note");
	info.result = run_json(pairs, "result");
	info.done = run_number(pairs, "progress_done");
	info.total = run_number(pairs, "progress_total");
	return info;
}

/* What only the lease of a running job knows. */
static void add_running(void *ctx, const struct drover_job_info *job)
{
	struct drover_job_info *info = ctx;

	info->pid = job->pid;
	if (info->interruptions < 0)
		info->interruptions = job->interruptions;
	if (info->recoveries < 0)
		info->recoveries = job->recoveries;
	if (info->attempt < 0)
		info->attempt = job->attempt;
}

static int tell_run(struct drover_client *c, const char *jid, bool fully, drover_job_fn *fn,
	void *ctx, struct drover_error *error)
{
	struct texts pairs = {0};
	struct err err = {0};
	struct drover_job_info info;
	int rc = inspect_run(&c->in, span_of(jid), &pairs, &err);

	if (rc < 0)
		return internal_read_failed(error, rc, &err);
	if (pairs.n == 0)
		return internal_fail(error, DROVER_E_NOT_FOUND, "no record of a job %s", jid);
	info = read_run(&pairs, jid);
	if (fully && span_is(internal_span(info.state), "running")) {
		struct search s = {.jid = span_of(jid), .fn = add_running, .ctx = &info};

		rc = drover_job_each_running(c, NULL, find_running, &s, error);
	}
	if (rc == 0)
		fn(ctx, &info);
	texts_fini(&pairs);
	return rc;
}

int drover_job_find_run(struct drover_client *c, const char *jid, drover_job_fn *fn, void *ctx,
	struct drover_error *error)
{
	return tell_run(c, jid, false, fn, ctx, error);
}

int drover_job_find(struct drover_client *c, const char *jid, drover_job_fn *fn, void *ctx,
	struct drover_error *error)
{
	struct search s = {.jid = span_of(jid), .fn = fn, .ctx = ctx};
	const struct drover_failed_filter by_jid = {.jid = jid};

	if (!envelope_jid_valid(s.jid))
		return internal_fail(
			error, DROVER_E_NOT_FOUND, "%s cannot be the id of a job", jid);
	if (tell_run(c, jid, true, fn, ctx, error) == 0)
		return 0;
	if (error->kind != DROVER_E_NOT_FOUND)
		return -1;
	if (drover_job_each_running(c, NULL, find_running, &s, error) < 0)
		return -1;
	if (!s.found && walk_queues(c, NULL, find_waiting, &s, error) < 0)
		return -1;
	if (!s.found && drover_failed_each(c, &by_jid, find_failed, &s, error) < 0)
		return -1;
	if (!s.found)
		return internal_fail(
			error, DROVER_E_NOT_FOUND, "no job %s is waiting, running or failed", jid);
	return 0;
}

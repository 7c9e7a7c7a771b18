/* client/job: one job, wherever it stands; see include/drover/client.h. Only reads. */
#include <string.h>

#include "base/json_scan.h"
#include "client/internal.h"
#include "queue/envelope.h"

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
	struct internal_view v;

	if (!memmem(payload.at, payload.len, s->jid.at, s->jid.len))
		return true;
	internal_view_init(&v, payload, "queued", queue);
	s->found = has_jid(&v.info, s->jid);
	if (s->found)
		s->fn(s->ctx, &v.info);
	internal_view_fini(&v);
	return !s->found;
}

static enum drover_next find_failed(void *ctx, const struct drover_failed_info *failed)
{
	struct search *s = ctx;
	struct internal_view v;

	internal_view_init(
		&v, internal_span(failed->payload), "failed", internal_span(failed->queue));
	v.info.worker = failed->worker;
	v.info.exception = failed->exception;
	v.info.error = failed->error;
	s->found = true;
	s->fn(s->ctx, &v.info);
	internal_view_fini(&v);
	return DROVER_STOP;
}

/* -- the record of a run ------------------------------------------------------------------ */

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
	struct drover_job_info info = internal_blank_job();

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
	info.enqueued_at_ms = internal_time(texts_value(pairs, "enqueued_at"));
	info.started_at_ms = internal_time(texts_value(pairs, "started_at"));
	info.ended_at_ms = internal_time(texts_value(pairs, "ended_at"));
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
	if (span_is(internal_span(job->state), "lost")) {
		info->state = internal_give(SPAN_LIT("lost"));
		info->silent_ms = job->silent_ms;
	}
	if (info->interruptions < 0)
		info->interruptions = job->interruptions;
	if (info->recoveries < 0)
		info->recoveries = job->recoveries;
	if (info->attempt < 0)
		info->attempt = job->attempt;
}

static int complete_run(
	struct drover_client *c, struct drover_job_info *info, struct drover_error *error)
{
	struct search s = {.jid = internal_span(info->jid), .fn = add_running, .ctx = info};

	if (!span_is(internal_span(info->state), "running"))
		return 0;
	return drover_job_each_running(c, NULL, find_running, &s, error);
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
	if (pairs.n > 0) {
		info = read_run(&pairs, jid);
		rc = fully ? complete_run(c, &info, error) : 0;
		if (rc == 0)
			fn(ctx, &info);
	} else {
		rc = internal_fail(error, DROVER_E_NOT_FOUND, "no record of a job %s", jid);
	}
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
	/* In the order in which a job goes, so that one that moves on meanwhile is not missed. */
	if (internal_walk_queues(c, NULL, find_waiting, &s, error) < 0)
		return -1;
	if (!s.found && drover_job_each_running(c, NULL, find_running, &s, error) < 0)
		return -1;
	if (!s.found && drover_failed_each(c, &by_jid, find_failed, &s, error) < 0)
		return -1;
	if (!s.found)
		return internal_fail(
			error, DROVER_E_NOT_FOUND, "no job %s is waiting, running or failed", jid);
	return 0;
}

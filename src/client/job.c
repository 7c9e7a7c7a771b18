/* client/job: one job, wherever it stands; see include/drover/client.h. Only reads. */
#include <string.h>

#include "base/json_scan.h"
#include "client/internal.h"
#include "queue/audit.h"

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

/* -- the record of a run ------------------------------------------------------------------ */

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
	info.next_at_ms = internal_time(texts_value(pairs, "next_at"));
	info.exception = run_text(pairs, "exception");
	info.error = run_text(pairs, "error");
	info.note = run_text(pairs, "note");
	info.result = run_json(pairs, "result");
	info.done = run_number(pairs, "progress_done");
	info.total = run_number(pairs, "progress_total");
	info.request_id = run_text(pairs, "request_id");
	info.tick = run_text(pairs, "tick");
	return info;
}

int drover_job_find_run(struct drover_client *c, const char *jid, drover_job_fn *fn, void *ctx,
	struct drover_error *error)
{
	struct texts pairs = {0};
	struct err err = {0};
	int rc = inspect_run(&c->in, span_of(jid), &pairs, &err);

	if (rc < 0)
		return internal_read_failed(error, rc, &err);
	if (pairs.n > 0) {
		struct drover_job_info info = read_run(&pairs, jid);

		fn(ctx, &info);
	} else {
		rc = internal_fail(error, DROVER_E_NOT_FOUND, "no record of a job %s", jid);
	}
	texts_fini(&pairs);
	return rc;
}

/* -- where it is --------------------------------------------------------------------------- */

static const char *const place_names[] = {[INTERNAL_NOWHERE] = "",
	[INTERNAL_DELAYED] = "delayed",
	[INTERNAL_PARKED] = "parked",
	[INTERNAL_QUEUE] = "queue",
	[INTERNAL_LEASE] = "lease",
	[INTERNAL_FAILED] = "failed"};

static void add_place(struct drover_job_info *info, const struct internal_place *p)
{
	info->place = internal_give(span_of(place_names[p->kind]));
	info->position = p->position;
	info->silent_ms = p->silent_ms;
	info->pid = p->pid;
	if (p->due_ms >= 0)
		info->next_at_ms = p->due_ms;
	if (info->worker.len == 0)
		info->worker = internal_give_text(&p->worker);
	if (info->started_at_ms < 0)
		info->started_at_ms = p->taken_at_ms;
	if (info->exception.len == 0)
		info->exception = internal_give_text(&p->exception);
	if (info->error.len == 0)
		info->error = internal_give_text(&p->error);
}

/* What a record does not say yet, the payload does. */
static void add_counts(struct drover_job_info *info, const struct internal_view *v)
{
	if (info->attempt < 0)
		info->attempt = v->info.attempt;
	if (info->interruptions < 0)
		info->interruptions = v->info.interruptions;
	if (info->recoveries < 0)
		info->recoveries = v->info.recoveries;
	if (info->origin.len == 0)
		info->origin = v->info.origin;
}

/* A record may be a moment behind, but only the lease can tell that its holder is gone. */
static void tell_tracked(const struct texts *pairs, const char *jid,
	const struct internal_place *place, const struct internal_view *v, const struct text *audit,
	drover_job_fn *fn, void *ctx)
{
	struct drover_job_info info = read_run(pairs, jid);

	add_place(&info, place);
	if (place->lost)
		info.state = internal_give(SPAN_LIT("lost"));
	if (v->readable)
		add_counts(&info, v);
	info.audit = internal_give_text(audit);
	fn(ctx, &info);
}

static void tell_found(const char *jid, const struct internal_place *place,
	const struct internal_view *v, drover_job_fn *fn, void *ctx)
{
	struct drover_job_info info = v->info;

	if (info.jid.len == 0)
		info.jid = internal_give(span_of(jid));
	add_place(&info, place);
	fn(ctx, &info);
}

static struct span text_span(const struct text *t)
{
	return (struct span){t->data ? t->data : "", t->len};
}

static int tell_all(struct drover_client *c, const char *jid, const struct texts *pairs,
	drover_job_fn *fn, void *ctx, struct drover_error *error)
{
	struct internal_place place;
	struct internal_view v;
	struct text audit = {0};
	struct err err = {0};
	const struct internal_hint hint = {
		.state = texts_value(pairs, "state"), .queue = texts_value(pairs, "queue")};
	int rc = internal_find(c, jid, hint, &place, error);

	internal_view_init(&v, text_span(&place.payload), place.state ? place.state : "",
		text_span(&place.queue));
	if (rc == 0 && pairs->n > 0) {
		rc = audit_read(&c->in, span_of(jid), &audit, &err);
		if (rc == 0)
			tell_tracked(pairs, jid, &place, &v, &audit, fn, ctx);
		else
			rc = internal_read_failed(error, rc, &err);
	} else if (rc == 0 && place.kind != INTERNAL_NOWHERE) {
		tell_found(jid, &place, &v, fn, ctx);
	} else if (rc == 0) {
		rc = internal_fail(error, DROVER_E_NOT_FOUND,
			"no job %s is waiting, delayed, parked, running or failed, nor has a "
			"record",
			jid);
	}
	internal_view_fini(&v);
	internal_place_fini(&place);
	text_fini(&audit);
	return rc;
}

int drover_job_find(struct drover_client *c, const char *jid, drover_job_fn *fn, void *ctx,
	struct drover_error *error)
{
	struct texts pairs = {0};
	struct err err = {0};
	int rc;

	if (!envelope_jid_valid(span_of(jid)))
		return internal_fail(
			error, DROVER_E_NOT_FOUND, "%s cannot be the id of a job", jid);
	rc = inspect_run(&c->in, span_of(jid), &pairs, &err);
	if (rc < 0)
		return internal_read_failed(error, rc, &err);
	rc = tell_all(c, jid, &pairs, fn, ctx, error);
	texts_fini(&pairs);
	return rc;
}

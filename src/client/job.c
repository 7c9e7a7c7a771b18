/* client/job: one job, wherever it stands; see include/drover/client.h. Only reads. */
#include <string.h>

#include "client/internal.h"
#include "queue/audit.h"

int drover_job_find_run(struct drover_client *c, const char *jid, drover_job_fn *fn, void *ctx,
	struct drover_error *error)
{
	struct internal_record r;
	int rc = internal_record_load(c, jid, false, &r, error);

	if (rc == 1)
		fn(ctx, &r.info);
	if (rc == 0)
		rc = internal_fail(error, DROVER_E_NOT_FOUND, "no record of a job %s", jid);
	internal_record_fini(&r);
	return rc < 0 ? -1 : 0;
}

/* -- where it is --------------------------------------------------------------------------- */

static const char *const place_names[] = {[INTERNAL_NOWHERE] = "",
	[INTERNAL_DELAYED] = "delayed",
	[INTERNAL_PARKED] = "parked",
	[INTERNAL_PAUSED] = "paused",
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
static void tell_tracked(const struct internal_record *r, const struct internal_place *place,
	const struct internal_view *v, const struct text *audit, drover_job_fn *fn, void *ctx)
{
	struct drover_job_info info = r->info;

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

static int tell_all(struct drover_client *c, const char *jid, const struct internal_record *r,
	drover_job_fn *fn, void *ctx, struct drover_error *error)
{
	struct internal_place place;
	struct internal_view v;
	struct text audit = {0};
	struct err err = {0};
	const struct internal_hint hint = {
		.state = internal_span(r->info.state), .queue = internal_span(r->info.queue)};
	int rc = internal_find(c, jid, hint, &place, error);

	internal_view_init(&v, text_span(&place.payload), place.state ? place.state : "",
		text_span(&place.queue));
	if (rc == 0 && r->info.tracked) {
		rc = audit_read(&c->in, span_of(jid), &audit, &err);
		if (rc == 0)
			tell_tracked(r, &place, &v, &audit, fn, ctx);
		else
			rc = internal_read_failed(error, rc, &err);
	} else if (rc == 0 && place.kind != INTERNAL_NOWHERE) {
		tell_found(jid, &place, &v, fn, ctx);
	} else if (rc == 0) {
		rc = internal_fail(error, DROVER_E_NOT_FOUND,
			"no job %s is waiting, delayed, parked, paused, running or failed, nor has "
			"a record",
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
	struct internal_record r;
	int rc;

	if (!envelope_jid_valid(span_of(jid)))
		return internal_fail(
			error, DROVER_E_NOT_FOUND, "%s cannot be the id of a job", jid);
	rc = internal_record_load(c, jid, true, &r, error);
	if (rc >= 0)
		rc = tell_all(c, jid, &r, fn, ctx, error);
	internal_record_fini(&r);
	return rc;
}

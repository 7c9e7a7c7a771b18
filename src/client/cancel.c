/* client/cancel: the end of one job, wherever it is; see include/drover/client.h. */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "client/internal.h"
#include "queue/cancel.h"

#define LOOK_AGAIN 10 /* a job that moves each time we look is caught at last */

static struct span text_span(const struct text *t)
{
	return (struct span){t->data ? t->data : "", t->len};
}

/* 1: done, 0: it is not there any more. */
static int take_out(struct drover_client *c, const struct internal_place *p, struct err *err)
{
	static const struct {
		enum cancel_place place;
		const char *detail;
	} waiting[] = {[INTERNAL_DELAYED] = {CANCEL_DELAYED, "while it was delayed"},
		[INTERNAL_PARKED] = {CANCEL_PARKED, "while it was parked"},
		[INTERNAL_QUEUE] = {CANCEL_QUEUE, "while it waited in its queue"}};

	return cancel_waiting(&c->in,
		&(struct cancel){.place = waiting[p->kind].place,
			.queue = text_span(&p->queue),
			.member = text_span(&p->name),
			.bytes = text_span(&p->bytes),
			.payload = text_span(&p->payload),
			.detail = waiting[p->kind].detail,
			.by = c->by,
			.now_ms = clock_wall_ms(),
			.runs_kept_ms = c->runs_kept_ms,
			.ids_kept_ms = c->ids_kept_ms},
		err);
}

static int act(struct drover_client *c, const char *jid, const struct internal_place *p,
	struct drover_cancel *answer, struct err *err)
{
	answer->how = DROVER_CANCELLED;
	if (p->kind == INTERNAL_LEASE) {
		answer->how = DROVER_CANCEL_ASKED;
		return cancel_running(&c->in, text_span(&p->name), text_span(&p->token),
			span_of(jid), clock_wall_ms(), err);
	}
	if (p->kind == INTERNAL_PAUSED) {
		err_set(err, "it waits for its run to be resumed: that can be cancelled");
		return ASK_REFUSED;
	}
	if (p->kind != INTERNAL_FAILED)
		return take_out(c, p, err);
	answer->how = DROVER_CANCEL_ENDED;
	return 1;
}

/* What its record says. */
struct ended {
	bool over;
	char state[32];
	struct text queue;
};

static void look(void *ctx, const struct drover_job_info *job)
{
	struct ended *e = ctx;
	struct span state = internal_span(job->state);

	e->over = span_is(state, "done") || span_is(state, "failed") || span_is(state, "cancelled");
	snprintf(e->state, sizeof e->state, "%.*s", (int)state.len, state.at);
	text_add_span(&e->queue, internal_span(job->queue));
}

/* 1: the answer is there, 0: look again. */
static int try_once(struct drover_client *c, const char *jid, const struct ended *record,
	struct drover_cancel *answer, struct drover_error *error)
{
	const struct internal_hint hint = {
		.state = span_of(record->state), .queue = text_span(&record->queue)};
	struct internal_place place;
	struct err err = {0};
	int rc = internal_find(c, jid, hint, &place, error);

	if (rc == 0 && place.kind == INTERNAL_NOWHERE) {
		rc = internal_fail(error, DROVER_E_NOT_FOUND,
			"no job %s is waiting, delayed, parked, paused, running or failed, nor has "
			"a record",
			jid);
	} else if (rc == 0) {
		snprintf(answer->state, sizeof answer->state, "%s", place.state);
		rc = act(c, jid, &place, answer, &err);
		if (rc < 0)
			internal_write_failed(error, rc, &err, "it was cancelled");
	}
	internal_place_fini(&place);
	return rc;
}

/* 1: the answer is there, 0: look again. */
static int look_and_try(struct drover_client *c, const char *jid, struct drover_cancel *answer,
	struct drover_error *error)
{
	struct ended e = {0};
	int rc = drover_job_find_run(c, jid, look, &e, error);

	if (rc < 0 && error->kind == DROVER_E_NOT_FOUND)
		rc = 0; /* most jobs have no record */
	if (rc == 0 && e.over) {
		snprintf(answer->state, sizeof answer->state, "%s", e.state);
		answer->how = DROVER_CANCEL_ENDED;
		rc = 1;
	} else if (rc == 0) {
		rc = try_once(c, jid, &e, answer, error);
	}
	text_fini(&e.queue);
	return rc;
}

int drover_job_cancel(struct drover_client *c, const char *jid, const struct drover_follow *follow,
	struct drover_cancel *answer, struct drover_error *error)
{
	int rc;

	*answer = (struct drover_cancel){.how = DROVER_CANCEL_ENDED};
	if (!envelope_jid_valid(span_of(jid)))
		return internal_fail(
			error, DROVER_E_NOT_FOUND, "%s cannot be the id of a job", jid);
	rc = internal_cancel_run(c, jid, follow, answer, error);
	for (int i = 0; rc == 0 && i < LOOK_AGAIN; i++)
		rc = look_and_try(c, jid, answer, error);
	if (rc != 0)
		return rc < 0 ? -1 : 0;
	return internal_fail(error, DROVER_E_REFUSED,
		"%s was somewhere else each time it was looked for: it was not cancelled", jid);
}

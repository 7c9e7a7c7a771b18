/*
 * client/cancel_run: the end of a run that iterates, with all its parts; see
 * include/drover/client.h. What waits in a list is named by its bytes: all of it is looked for,
 * and one script takes out what is still there and leaves a wish for the rest.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/must.h"
#include "client/internal.h"
#include "queue/run.h"
#include "queue/waiting.h"

#define LOOK_AGAIN 3 /* a job that moves each time has its wish, and ends by that */

struct sight {
	struct span jid;
	struct run_seen *seen;
	size_t n;
	struct text failed; /* its record in the failed list */
};

static void sight_fini(struct sight *s)
{
	for (size_t i = 0; i < s->n; i++) {
		text_fini(&s->seen[i].name);
		text_fini(&s->seen[i].jid);
		text_fini(&s->seen[i].bytes);
	}
	free(s->seen);
	text_fini(&s->failed);
	*s = (struct sight){.jid = s->jid};
}

static bool is_same(const struct text *a, struct span b)
{
	return a->len == b.len && b.len && memcmp(a->data, b.at, b.len) == 0;
}

static void add(struct sight *s, bool parked, struct span name, struct span jid, struct span bytes)
{
	struct run_seen *seen;

	s->seen = must_realloc(s->seen, (s->n + 1) * sizeof *s->seen);
	seen = &s->seen[s->n++];
	*seen = (struct run_seen){.parked = parked};
	text_add_span(&seen->name, name);
	text_add_span(&seen->jid, jid);
	text_add_span(&seen->bytes, bytes);
}

/* The run itself or a part of it. Most payloads do not hold its id at all. */
static void look(
	struct sight *s, bool parked, struct span name, struct span payload, struct span bytes)
{
	struct envelope e = {0};
	struct err unreadable;

	if (!memmem(payload.at, payload.len, s->jid.at, s->jid.len))
		return;
	if (envelope_read(&e, payload, &unreadable) == 0 &&
		(is_same(&e.jid, s->jid) || is_same(&e.parent, s->jid)))
		add(s, parked, name, (struct span){e.jid.data, e.jid.len}, bytes);
	envelope_fini(&e);
}

static bool look_queue(void *ctx, struct span queue, int64_t position, struct span payload)
{
	(void)position;
	look(ctx, false, queue, payload, payload);
	return true;
}

static bool look_parked(void *ctx, struct span class_name, int64_t position, struct span item)
{
	struct waiting w;

	(void)position;
	if (waiting_read_parked(&w, item))
		look(ctx, true, class_name, w.payload, item);
	return true;
}

static enum drover_next keep_failed(void *ctx, const struct drover_failed_info *failed)
{
	struct sight *s = ctx;

	text_clear(&s->failed);
	text_add_span(&s->failed, internal_span(failed->record));
	return DROVER_GO_ON;
}

/* Where they wait, in the order in which a job goes. */
static int look_around(struct drover_client *c, const char *jid, const struct internal_record *r,
	struct sight *s, struct drover_error *error)
{
	const struct drover_failed_filter by_jid = {.jid = jid};
	int rc = internal_walk_parked(c, look_parked, s, error);

	if (rc == 0)
		rc = internal_walk_queues(c, NULL, look_queue, s, error);
	if (rc == 0 && span_is(internal_span(r->info.state), "failed"))
		rc = drover_failed_each(c, &by_jid, keep_failed, s, error);
	return rc;
}

static int ask(struct drover_client *c, const struct internal_record *r, const struct sight *s,
	const struct drover_follow *follow, struct run_answer *a, struct err *err)
{
	const struct run_order o = {.jid = s->jid, .by = c->by, .now_ms = clock_wall_ms()};
	struct run_cancel how = {.seen = s->seen,
		.n_seen = s->n,
		.class_name = internal_span(r->info.class_name),
		.args = r->info.args.len ? internal_span(r->info.args) : SPAN_LIT("[]"),
		.failed = {s->failed.data ? s->failed.data : "", s->failed.len},
		.runs_kept_ms = c->runs_kept_ms,
		.ids_kept_ms = c->ids_kept_ms};

	if (follow) {
		how.follow_queue =
			follow->queue ? span_of(follow->queue) : internal_span(r->info.queue);
		how.follow_class = span_of(follow->class_name);
		how.follow_args = span_of(follow->args ? follow->args : "[]");
	}
	return run_cancel(&c->in, &o, &how, a, err);
}

static int tell(const struct run_answer *a, const char *jid, struct drover_cancel *answer,
	struct drover_error *error)
{
	struct drover_run_change change;

	if (!*answer->state)
		snprintf(answer->state, sizeof answer->state, "%s", a->state);
	answer->how = a->outcome == RUN_OK	? DROVER_CANCELLED
		      : a->outcome == RUN_ENDED ? DROVER_CANCEL_ENDED
						: DROVER_CANCEL_ASKED;
	if (a->outcome == RUN_AGAIN)
		return 1;
	return internal_judge_run(a, jid, "cancelled", &change, error) < 0 ? -1 : 1;
}

int internal_cancel_run(struct drover_client *c, const char *jid,
	const struct drover_follow *follow, struct drover_cancel *answer,
	struct drover_error *error)
{
	struct internal_record r;
	struct sight s = {.jid = span_of(jid)};
	struct run_answer a = {.outcome = RUN_AGAIN};
	struct err err = {0};
	int rc = internal_record_load(c, jid, false, &r, error);

	if (rc == 1 && !r.info.each && !span_is(internal_span(r.info.state), "paused"))
		rc = 0;
	for (int i = 0; rc == 1 && a.outcome == RUN_AGAIN && i < LOOK_AGAIN; i++) {
		sight_fini(&s);
		rc = look_around(c, jid, &r, &s, error);
		if (rc == 0) {
			rc = ask(c, &r, &s, follow, &a, &err);
			if (rc < 0)
				internal_write_failed(error, rc, &err, "it was cancelled");
		}
		if (rc == 0)
			rc = tell(&a, jid, answer, error);
	}
	sight_fini(&s);
	internal_record_fini(&r);
	return rc < 0 ? -1 : rc;
}

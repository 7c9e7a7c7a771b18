/* client/run: what is said about a run; see include/drover/client.h. Part of libdrover. */
#include <stdio.h>

#include "base/clock.h"
#include "client/internal.h"
#include "queue/run.h"

#define RATE_MOST_ITEMS	 1000000000LL
#define RATE_MOST_PER_MS 86400000LL

static struct run_order order(const struct drover_client *c, const char *jid)
{
	return (struct run_order){.jid = span_of(jid), .by = c->by, .now_ms = clock_wall_ms()};
}

/* `verb`: paused, resumed .. */
int internal_judge_run(const struct run_answer *a, const char *jid, const char *verb,
	struct drover_run_change *change, struct drover_error *error)
{
	snprintf(change->state, sizeof change->state, "%s", a->state);
	change->items = a->items;
	switch (a->outcome) {
	case RUN_NONE:
		return internal_fail(error, DROVER_E_NOT_FOUND, "no record of a run %s", jid);
	case RUN_REFUSED:
		return internal_fail(
			error, DROVER_E_REFUSED, "%s is %s: it cannot be %s", jid, a->state, verb);
	case RUN_PLAIN:
		return internal_fail(error, DROVER_E_REFUSED,
			"%s is %s and does not iterate: it cannot be %s", jid, a->state, verb);
	case RUN_LOST:
		return internal_fail(error, DROVER_E_REFUSED,
			"%s is %s, but its job is not among those that were put by: fsck tells "
			"more",
			jid, a->state);
	case RUN_NOTHING:
		return internal_fail(error, DROVER_E_REFUSED,
			"%s is %s and none of its items failed: nothing to retry", jid, a->state);
	case RUN_AGAIN:
		return internal_fail(
			error, DROVER_E_REFUSED, "somebody else has %s %s meanwhile", verb, jid);
	default:
		return 0;
	}
}

static int check(const char *jid, struct drover_run_change *change, struct drover_error *error)
{
	*change = (struct drover_run_change){.items = DROVER_UNKNOWN};
	if (!envelope_jid_valid(span_of(jid)))
		return internal_fail(
			error, DROVER_E_NOT_FOUND, "%s cannot be the id of a job", jid);
	return 0;
}

int drover_run_pause(struct drover_client *c, const char *jid, const char *reason,
	struct drover_run_change *change, struct drover_error *error)
{
	const struct run_order o = order(c, jid);
	struct run_answer a;
	struct err err = {0};
	int rc = check(jid, change, error);

	if (rc < 0)
		return rc;
	rc = run_pause(&c->in, &o, reason, &a, &err);
	if (rc < 0)
		return internal_write_failed(error, rc, &err, "it was paused");
	if (a.outcome == RUN_REFUSED && span_is(span_of(a.state), "paused"))
		return internal_fail(error, DROVER_E_REFUSED, "%s is paused already", jid);
	return internal_judge_run(&a, jid, "paused", change, error);
}

int drover_run_resume(struct drover_client *c, const char *jid, struct drover_run_change *change,
	struct drover_error *error)
{
	const struct run_order o = order(c, jid);
	struct run_answer a;
	struct err err = {0};
	int rc = check(jid, change, error);

	if (rc < 0)
		return rc;
	rc = run_resume(&c->in, &o, &a, &err);
	if (rc < 0)
		return internal_write_failed(error, rc, &err, "it was resumed");
	return internal_judge_run(&a, jid, "resumed", change, error);
}

int drover_run_rate(struct drover_client *c, const char *jid, long long items, long long per_ms,
	struct drover_run_change *change, struct drover_error *error)
{
	const struct run_order o = order(c, jid);
	struct run_answer a;
	struct err err = {0};
	int rc = check(jid, change, error);

	if (rc < 0)
		return rc;
	if (items < 0 || items > RATE_MOST_ITEMS ||
		(items > 0 && (per_ms < 1 || per_ms > RATE_MOST_PER_MS)))
		return internal_fail(error, DROVER_E_INVALID,
			"a rate is 1 to %lld items in at most a day", RATE_MOST_ITEMS);
	rc = run_rate(&c->in, &o, items, per_ms, &a, &err);
	if (rc < 0)
		return internal_write_failed(error, rc, &err, "its rate was changed");
	return internal_judge_run(&a, jid, "given a rate", change, error);
}

/* -- items that failed --------------------------------------------------------------------- */

static int retry(struct drover_client *c, const char *jid, const struct internal_record *r,
	struct drover_run_change *change, struct drover_error *error)
{
	const struct run_order o = order(c, jid);
	const struct run_retry again = {.class_name = internal_span(r->info.class_name),
		.args = r->info.args.len ? internal_span(r->info.args) : SPAN_LIT("[]"),
		.queue = internal_span(r->info.queue),
		.csv = internal_span(r->info.csv),
		.round = r->info.round};
	struct run_answer a;
	struct err err = {0};
	int rc;

	if (again.class_name.len == 0 || again.queue.len == 0)
		return internal_fail(error, DROVER_E_REFUSED,
			"the record of %s does not say its class and queue", jid);
	rc = run_retry_errors(&c->in, &o, &again, &a, &err);
	if (rc < 0)
		return internal_write_failed(error, rc, &err, "they are tried again");
	if (a.outcome == RUN_REFUSED && span_is(span_of(a.state), "failed"))
		return internal_fail(error, DROVER_E_REFUSED,
			"%s is failed: it goes on with `retry %s`; the items that failed are for "
			"when it is done",
			jid, jid);
	return internal_judge_run(&a, jid, "retried", change, error);
}

int drover_run_retry_errors(struct drover_client *c, const char *jid,
	struct drover_run_change *change, struct drover_error *error)
{
	struct internal_record r;
	int rc = check(jid, change, error);

	if (rc < 0)
		return rc;
	rc = internal_record_load(c, jid, false, &r, error);
	if (rc == 0)
		rc = internal_fail(error, DROVER_E_NOT_FOUND, "no record of a run %s", jid);
	if (rc == 1)
		rc = retry(c, jid, &r, change, error);
	internal_record_fini(&r);
	return rc;
}

/* client/enqueue: jobs put into Redis; see include/drover/client.h. Part of libdrover. */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "client/internal.h"
#include "queue/enqueue.h"

#define UNIQUE_FOR_MS 86400000
#define FARTHEST_MS   253402300799000 /* the last second of the year 9999 */

static int check_time(const struct drover_request *r, struct drover_error *error)
{
	if (r->tick_ms && (r->in_ms || r->at_ms))
		return internal_fail(error, DROVER_E_INVALID, "a scheduled job is due now");
	if (r->in_ms && r->at_ms)
		return internal_fail(error, DROVER_E_INVALID,
			"a job is due after some time or at some time, not both");
	if (r->in_ms < 0 || r->at_ms < 0)
		return internal_fail(error, DROVER_E_INVALID, "a job cannot be due before 1970");
	if (r->in_ms > FARTHEST_MS || r->at_ms > FARTHEST_MS)
		return internal_fail(
			error, DROVER_E_INVALID, "a job cannot be due after the year 9999");
	return 0;
}

/* By the clock of Redis, which is the one that is looked at later. A time that is over is now. */
static int set_due(struct drover_client *c, const struct drover_request *r, struct enqueue *e,
	struct drover_error *error)
{
	struct err err = {0};
	int64_t now_ms = 0, due_ms;
	int rc;

	if (check_time(r, error) < 0)
		return -1;
	if (!r->in_ms && !r->at_ms)
		return 0;
	rc = inspect_time(&c->in, &now_ms, &err);
	if (rc < 0)
		return internal_read_failed(error, rc, &err);
	due_ms = r->in_ms ? now_ms + r->in_ms : r->at_ms;
	if (due_ms > FARTHEST_MS)
		due_ms = FARTHEST_MS;
	if (due_ms <= now_ms)
		return 0;
	e->due_ms = due_ms;
	e->delay_ms = due_ms - now_ms;
	return 0;
}

static int tell(const struct drover_request *r, const struct enqueue *e,
	const struct enqueue_answer *said, struct drover_enqueued *answer,
	struct drover_error *error)
{
	static const enum drover_enqueued_how how[] = {[ENQUEUE_NEW] = DROVER_ENQUEUED,
		[ENQUEUE_SAME] = DROVER_SAME_REQUEST,
		[ENQUEUE_DUPLICATE] = DROVER_DUPLICATE,
		[ENQUEUE_OVERLAP] = DROVER_OVERLAP};

	if (said->outcome == ENQUEUE_OTHER)
		return internal_fail(error, DROVER_E_REFUSED,
			"the request id %s stands for job %s, whose queue, class or arguments are "
			"others: nothing was enqueued",
			r->id, said->jid);
	answer->how = how[said->outcome];
	snprintf(answer->jid, sizeof answer->jid, "%s", said->jid);
	snprintf(answer->state, sizeof answer->state, "%s", said->state);
	answer->at_ms = said->outcome == ENQUEUE_NEW && e->due_ms ? e->due_ms : DROVER_UNKNOWN;
	return 0;
}

static int ask(struct drover_client *c, const struct drover_request *r, const struct enqueue *e,
	struct drover_enqueued *answer, struct drover_error *error)
{
	struct enqueue_answer said;
	struct err err = {0};
	int rc = enqueue_job(&c->in, e, &said, &err);

	if (rc == ASK_LOST && r->id)
		return internal_fail(error, DROVER_E_UNKNOWN,
			"unknown whether it was enqueued; asking again with the same id does no "
			"harm: %s",
			err.text);
	if (rc < 0)
		return internal_write_failed(error, rc, &err, "it was enqueued");
	return tell(r, e, &said, answer, error);
}

static int64_t or_absent(long long n, int64_t absent)
{
	return n < 0 ? absent : n;
}

static struct envelope_each read_each(const struct drover_each *each)
{
	return (struct envelope_each){.from = or_absent(each->from, -1),
		.to = or_absent(each->to, -1),
		.limit = or_absent(each->limit, -1),
		.parallel = or_absent(each->parallel, 0),
		.csv = span_of(each->csv),
		.part = ENVELOPE_NO_PART};
}

int drover_enqueue(struct drover_client *c, const struct drover_request *r,
	struct drover_enqueued *answer, struct drover_error *error)
{
	struct err err = {0};
	struct internal_durable durable = {0};
	struct envelope_each each = {ENVELOPE_EACH};
	struct enqueue e = {.queue = span_of(r->queue),
		.class_name = span_of(r->class_name),
		.args = span_of(r->args ? r->args : "[]"),
		.track = r->track || r->id || r->each,
		.id = r->id ? span_of(r->id) : (struct span){0},
		.ids_kept_ms = c->ids_kept_ms,
		.unique = r->unique,
		.unique_for_ms = r->unique_for_ms > 0 ? r->unique_for_ms : UNIQUE_FOR_MS,
		.tick_ms = r->tick_ms,
		.overlap = r->tick_ms ? r->overlap : NULL,
		.now_ms = clock_wall_ms()};

	*answer = (struct drover_enqueued){.at_ms = DROVER_UNKNOWN};
	if (r->each) {
		each = read_each(r->each);
		e.each = &each;
	}
	if (enqueue_check(&e, &err) < 0)
		return internal_fail(error, DROVER_E_INVALID, "%s", err.text);
	if (set_due(c, r, &e, error) < 0)
		return -1;
	if (r->durable && internal_durable_begin(c, &durable, error) < 0)
		return -1;
	if (ask(c, r, &e, answer, error) < 0)
		return -1;
	if (r->durable)
		internal_durable_wait(c, &durable, &answer->durable);
	return 0;
}

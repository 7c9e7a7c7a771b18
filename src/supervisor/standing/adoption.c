/* adoption: see adoption.h. droverd. */
#include "supervisor/standing/adoption.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/must.h"
#include "queue/failure.h"
#include "supervisor/job/iteration.h"
#include "supervisor/job/record.h"
#include "supervisor/job/verdict_tell.h"
#include "supervisor/supervisor.h"

#include <stdlib.h>
#include <string.h>

/* One that is asked for by name. */
struct named {
	char *lease;
	adoption_done_fn *done;
	void *ctx;
	struct named *next;
};

struct adoption {
	struct supervisor *supervisor;
	int64_t number;	  /* of the last one asked */
	int64_t answered; /* of the last one answered */
	bool under_way;
	bool refusal_said;
	bool look_due;	     /* one that expired is wanted, too */
	struct named *named; /* first to be asked; the one under way stays in front */
	bool asked_named;    /* the one asked is the first of these */
};

struct adoption *adoption_new(struct supervisor *s)
{
	struct adoption *a = must_alloc(sizeof *a);

	*a = (struct adoption){.supervisor = s};
	return a;
}

static void free_named(struct named *n)
{
	free(n->lease);
	free(n);
}

void adoption_free(struct adoption *a)
{
	if (a == NULL)
		return;
	for (struct named *n = a->named, *next; n; n = next) {
		next = n->next;
		free_named(n);
	}
	free(a);
}

struct verbs_pool_mark adoption_mark(const struct adoption *a)
{
	return (struct verbs_pool_mark){SPAN_LIT(ADOPTION_MARK), a->answered};
}

bool adoption_is_under_way(const struct adoption *a)
{
	return a->number != a->answered;
}

/* -- what becomes of an entry ------------------------------------------------------------------------ */

static void send_verdict(
	struct supervisor *s, const struct job *j, struct verdict *v, struct record *r)
{
	struct text place = {0}, follow = {0};

	v->order = j->sequence;
	v->token = span_of(j->token);
	v->worker = (struct span){"", 0}; /* it is gone, or has another job in hand by now */
	v->queue = j->entry.queue;
	v->locks = true;
	v->jid = j->jid;
	if (job_is_tracked(j)) /* a part's state is that of its run, too */
		iteration_add_place(&place, j);
	v->position = (struct span){place.data ? place.data : "", place.len};
	verdict_add_follows(&follow, j, v->kind);
	v->follow = (struct span){follow.data ? follow.data : "", follow.len};
	v->record = record_view(r);
	outbox_add(s->outbox, v, NULL);
	record_fini(r);
	text_fini(&place);
	text_fini(&follow);
}

static void give_back(struct supervisor *s, const struct job *j)
{
	struct text payload = {0};
	struct record record;
	struct verdict v = {.kind = VERDICT_HEAD};

	log_event(LOG_WARN, "job.recovered", LOG_SPAN("jid", j->jid),
		LOG_SPAN("class", job_class_name(j)), LOG_SPAN("queue", j->entry.queue),
		LOG_SPAN("worker", j->entry.worker),
		LOG_NUM("recoveries", j->envelope.recoveries + 1));
	job_add_payload(&payload, j, JOB_RECOVERED);
	v.text = (struct span){payload.data, payload.len};
	record_init(&record, j, "recovered", j->entry.worker, (struct span){"", 0});
	record_add(&record, "state", span_of("queued"));
	if (job_part(j) == 0) /* those of parts add up when they start */
		record_add_number(&record, "recoveries", j->envelope.recoveries + 1);
	send_verdict(s, j, &v, &record);
	text_fini(&payload);
}

/* Marked `started`: a job that is never started twice. Nobody knows how far it came. */
static void fail(struct supervisor *s, const struct job *j)
{
	static const struct span EXCEPTION = SPAN_LIT("Drover::SupervisorLost"),
				 ERROR = SPAN_LIT("its supervisor was lost while it ran; "
						  "at-most-once, so it is not run again");
	struct text text = {0};
	struct record record;
	struct failure f = {.failed_at_ms = clock_wall_ms(),
		.payload = j->entry.payload,
		.payload_readable = j->readable,
		.exception = EXCEPTION,
		.error = ERROR,
		.backtrace_json = SPAN_LIT("[]"),
		.worker = j->entry.worker,
		.queue = j->entry.queue};
	struct verdict v = {.kind = VERDICT_FAILED};

	log_event(LOG_WARN, "job.failed", LOG_SPAN("jid", j->jid),
		LOG_SPAN("class", job_class_name(j)), LOG_SPAN("queue", j->entry.queue),
		LOG_SPAN("worker", j->entry.worker), LOG_SPAN("exception", EXCEPTION),
		LOG_SPAN("error", ERROR));
	failure_write(&text, &f);
	v.text = (struct span){text.data, text.len};
	record_init(&record, j, "failed", j->entry.worker, ERROR);
	record_add(&record, "state", span_of("failed"));
	record_add_now(&record, "ended_at");
	record_add(&record, "exception", EXCEPTION);
	record_add(&record, "error", ERROR);
	send_verdict(s, j, &v, &record);
	text_fini(&text);
}

void adoption_judge(struct supervisor *s, struct span token, struct span entry, bool orphan)
{
	struct err err;
	struct job *j = job_new(s->settings, token, entry, &err);

	if (j == NULL) {
		log_event(LOG_ERROR, "lease.nonsense", LOG_SPAN("token", token),
			LOG_STR("error", err.text));
		return;
	}
	if (orphan)
		log_event(
			LOG_WARN, "job.orphan", LOG_SPAN("jid", j->jid), LOG_SPAN("token", token));
	if (j->entry.started)
		fail(s, j);
	else
		give_back(s, j);
	job_free(j);
	supervisor_turn(s);
}

/* -- asking ------------------------------------------------------------------------------------------- */

static void ask(struct adoption *a);

static void tell_named(struct adoption *a)
{
	struct named *n = a->named;

	if (!a->asked_named || n == NULL)
		return;
	a->asked_named = false;
	a->named = n->next;
	n->done(n->ctx, true);
	free_named(n);
}

static void read_jobs(struct adoption *a, const struct redis_reply *r)
{
	struct span lease = r->items[1]->text;

	a->answered = a->number;
	if (lease.len > 0)
		log_event(LOG_WARN, "lease.adopted", LOG_SPAN("lease", lease),
			LOG_NUM("jobs", (int64_t)(r->n - 2) / 2));
	for (size_t i = 2; i + 1 < r->n; i += 2)
		adoption_judge(a->supervisor, r->items[i]->text, r->items[i + 1]->text, false);
	a->look_due = lease.len > 0 && !a->asked_named; /* there may be more */
	tell_named(a);
}

/* It may last; once each way. */
static void say_refusal(struct adoption *a, const struct redis_reply *why)
{
	if (why && !a->refusal_said)
		log_event(LOG_ERROR, "adopt.refused", LOG_SPAN("error", why->text));
	else if (!why && a->refusal_said)
		log_event(LOG_INFO, "adopt.accepted");
	a->refusal_said = why != NULL;
}

static void on_answer(void *arg, const struct redis_reply *r)
{
	struct adoption *a = arg;

	a->under_way = false;
	if (r == NULL)
		return; /* not known: asked again under the same number */
	say_refusal(a, r->type == REDIS_ARRAY ? NULL : r);
	if (r->type == REDIS_ARRAY && r->n >= 2 && span_is(r->items[0]->text, "JOBS")) {
		read_jobs(a, r);
		ask(a);
	} else if (r->type == REDIS_ARRAY && r->n > 0 && span_is(r->items[0]->text, "OLD")) {
		log_event(LOG_WARN, "adopt.old", LOG_NUM("number", a->number));
		a->answered = a->number;
	} else if (r->type == REDIS_ARRAY) {
		lease_beat_now(a->supervisor->lease); /* our own lease is not known */
	}
}

/* While an answer is not known the same is asked again, and nothing else. */
static void ask(struct adoption *a)
{
	struct supervisor *s = a->supervisor;

	if (a->under_way || !lease_is_held(s->lease))
		return;
	if (!adoption_is_under_way(a)) {
		if (a->named == NULL && !a->look_due)
			return;
		a->number++;
		a->asked_named = a->named != NULL;
		a->look_due = a->look_due && a->asked_named;
	}
	a->under_way = verbs_adopt(
		&s->verbs, a->number, a->asked_named ? a->named->lease : NULL, on_answer, a);
}

void adoption_look(struct adoption *a)
{
	a->look_due = true;
	ask(a);
}

void adoption_take(struct adoption *a, const char *lease, adoption_done_fn *done, void *ctx)
{
	struct named *n = must_alloc(sizeof *n), **at = &a->named;

	*n = (struct named){.lease = must_strdup(lease), .done = done, .ctx = ctx};
	while (*at)
		at = &(*at)->next;
	*at = n;
	ask(a);
}

void adoption_go_on(struct adoption *a)
{
	ask(a);
}

/* What was adopted under the old id is another's now. */
void adoption_reset(struct adoption *a)
{
	a->number = a->answered = 0;
	a->asked_named = false;
}

/*
 * starts: see supervisor.h. droverd. The script `start`, between fetch and running, for the jobs whose
 * class asks for it: all that came in one turn of the loop are asked for together.
 */
#include "base/log.h"
#include "base/must.h"
#include "supervisor/job/record.h"
#include "supervisor/supervisor.h"

#include <stdlib.h>
#include <string.h>

enum { BATCH_MAX = 64 };

/* What is asked of one job, with the texts it points into. */
struct question {
	struct record record;
	struct job_start_texts texts;
};

/* One call under way. A slot is found again by its token: it may have moved on. */
struct call {
	struct supervisor *supervisor;
	size_t n;
	char *tokens[BATCH_MAX];
};

static void free_call(struct call *c)
{
	for (size_t i = 0; i < c->n; i++)
		free(c->tokens[i]);
	free(c);
}

/* What a part has of this its run has already. */
static void describe(struct record *r, const struct slot *slot)
{
	const struct job *j = slot->job;

	record_add(r, "class", job_class_name(j));
	record_add(r, "queue", j->entry.queue);
	record_add(r, "args", j->envelope.args);
	record_add(r, "worker", span_of(slot->worker_id));
	record_add(r, "origin", span_of(job_origin(j)));
	record_add(r, "tick", (struct span){j->envelope.tick.data, j->envelope.tick.len});
	record_add_number(r, "attempt", j->envelope.attempt);
	record_add_number(r, "interruptions", j->envelope.interruptions);
	record_add_number(r, "recoveries", j->envelope.recoveries);
	if (j->envelope.at_ms > 0)
		record_add_time(r, "enqueued_at", j->envelope.at_ms);
}

/* A run record begins here, or goes on; the script sets state and start. */
static void ask(struct verbs_start *start, struct question *q, const struct slot *slot)
{
	const struct job *j = slot->job;
	struct record *r = &q->record;

	job_describe_start(j, start, &q->texts);
	record_init(r, j, "started", span_of(slot->worker_id), span_of(job_origin(j)));
	if (job_is_each(j))
		record_add(r, "each", SPAN_LIT("1"));
	if (job_part(j) == 0)
		describe(r, slot);
	start->record = record_view(r);
}

static struct slot *find_starting(const struct supervisor *s, const char *token)
{
	FLEET_EACH_SLOT (s, slot)
		if (slot->state == SLOT_STARTING && strcmp(slot->job->token, token) == 0)
			return slot;
	return NULL;
}

static void note_duplicate(struct slot *slot, struct span answer)
{
	const size_t skip = strlen("duplicate ");

	text_clear(&slot->said.note);
	text_add_span(&slot->said.note, (struct span){answer.at + skip, answer.len - skip});
}

static void read_answer(struct slot *slot, struct span answer)
{
	if (span_is(answer, "go")) {
		slot_handle(slot, SLOT_EV_GO);
	} else if (answer.len > 3 && memcmp(answer.at, "go\n", 3) == 0) {
		slot_read_start(slot, answer);
	} else if (span_is(answer, "cancelled")) {
		slot_handle(slot, SLOT_EV_CANCELLED);
	} else if (answer.len > 10 && memcmp(answer.at, "duplicate ", 10) == 0) {
		note_duplicate(slot, answer);
		slot_handle(slot, SLOT_EV_DUPLICATE);
	} else if (answer.len > 6 && memcmp(answer.at, "error ", 6) == 0) {
		log_event(LOG_ERROR, "start.refused", LOG_SPAN("jid", slot->job->jid),
			LOG_SPAN("error", ((struct span){answer.at + 6, answer.len - 6})));
	} else {
		log_event(LOG_INFO,
			span_is(answer, "parked")   ? "job.parked"
			: span_is(answer, "paused") ? "job.paused"
						    : "job.stale",
			LOG_SPAN("jid", slot->job->jid),
			LOG_SPAN("class", job_class_name(slot->job)),
			LOG_SPAN("queue", slot->job->entry.queue));
		slot_handle(slot, SLOT_EV_STALE);
	}
}

/* No answer, or none that says anything: each slot asks again by itself. */
static void on_started(void *arg, const struct redis_reply *r)
{
	struct call *c = arg;

	if (r && r->type == REDIS_ERROR)
		log_event(LOG_ERROR, "start.refused", LOG_SPAN("error", r->text));
	for (size_t i = 0; r && r->type == REDIS_ARRAY && r->n == c->n + 1 && i < c->n; i++) {
		struct slot *slot = find_starting(c->supervisor, c->tokens[i]);

		if (slot)
			read_answer(slot, r->items[i + 1]->text);
	}
	supervisor_turn(c->supervisor);
	free_call(c);
}

static size_t collect(struct supervisor *s, struct slot **slots, bool again)
{
	size_t n = 0;

	FLEET_EACH_SLOT (s, slot) {
		bool runs = slot->job && slot->state > SLOT_STARTING &&
			    slot->state < SLOT_VERDICT && job_wants_start(slot->job);

		if (n < BATCH_MAX && slot->start_due &&
			(again ? runs : slot->state == SLOT_STARTING))
			slots[n++] = slot;
	}
	return n;
}

static bool send_batch(struct supervisor *s, bool again)
{
	struct slot *slots[BATCH_MAX];
	struct verbs_start starts[BATCH_MAX];
	struct question questions[BATCH_MAX] = {0};
	struct call *c;
	size_t n = collect(s, slots, again);
	bool sent;

	if (n == 0)
		return false;
	c = must_alloc(sizeof *c);
	c->supervisor = s;
	c->n = n;
	for (size_t i = 0; i < n; i++) {
		slots[i]->start_due = false;
		c->tokens[i] = must_strdup(slots[i]->job->token);
		ask(&starts[i], &questions[i], slots[i]);
		starts[i].again = again;
	}
	sent = verbs_start(&s->verbs, starts, n, on_started, c);
	if (!sent)
		free_call(c); /* asked again on the next connection */
	for (size_t i = 0; i < n; i++) {
		record_fini(&questions[i].record);
		text_fini(&questions[i].texts.unique);
		text_fini(&questions[i].texts.parked);
		text_fini(&questions[i].texts.place);
	}
	return sent && n == BATCH_MAX;
}

void starts_send(struct supervisor *s)
{
	while (send_batch(s, false))
		;
}

void starts_ask_again(struct supervisor *s)
{
	FLEET_EACH_SLOT (s, slot)
		slot->start_due = slot->state == SLOT_STARTING;
	supervisor_turn(s);
}

void starts_lock_again(struct supervisor *s)
{
	FLEET_EACH_SLOT (s, slot) {
		slot->start_due = true;
		slot->iteration.plan_due = slot->iteration.planned;
	}
	while (send_batch(s, true))
		;
	starts_ask_again(s);
}

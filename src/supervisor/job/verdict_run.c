/* verdict_run: see verdict_tell.h. droverd. */
#include "base/clock.h"
#include "base/crash.h"
#include "base/log.h"
#include "supervisor/job/verdict_tell.h"

#define SPAN_TEXT(t) ((struct span){(t).data ? (t).data : "", (t).len})

void verdict_add_position(struct text *out, const struct slot *s)
{
	const struct iteration *it = &s->iteration;

	if (it->on)
		iteration_add_position(out, it, s->job, false);
	else if (job_is_tracked(s->job))
		iteration_add_place(out, s->job);
}

static void add_follow(
	struct text *out, const struct job *j, const char *state, const struct conf_follow *f)
{
	struct text payload = {0};
	struct span args = f->args_json ? span_of(f->args_json) : SPAN_LIT("[]");
	char jid[JID_OWN + 1];

	if (f->class_name == NULL)
		return;
	envelope_new_jid(jid);
	envelope_compose(&payload, &(struct envelope_new){.class_name = span_of(f->class_name),
					   .args_json = args,
					   .jid = jid,
					   .now_ms = clock_wall_ms()});
	verbs_add_follow(
		out, state, f->queue ? span_of(f->queue) : j->entry.queue, SPAN_TEXT(payload));
	text_fini(&payload);
}

/* The last of several parts decides how the run ends, so each brings all that may follow. */
void verdict_add_follows(struct text *out, const struct job *j, enum verdict_kind kind)
{
	const struct conf_class *c = j->class ? j->class->conf : NULL;
	struct text payload = {0};

	if (c == NULL || kind >= VERDICT_HEAD)
		return;
	if (c->on_complete && job_is_each(j) && job_part(j) > 0) {
		job_add_part(&payload, j, ENVELOPE_END);
		verbs_add_follow(out, "complete", j->entry.queue, SPAN_TEXT(payload));
		text_fini(&payload);
	}
	add_follow(out, j, "done", &c->then);
	add_follow(out, j, "failed", &c->on_failure);
	add_follow(out, j, "cancelled", &c->on_cancel);
}

/* Told to stop it may say when it wants to go on; a signal says nothing. */
static bool says_when(const struct slot *s, const struct outcome *out)
{
	return !out->cut_off && s->said.delay_ms >= 0 && s->ending.signal == 0 &&
	       s->ending.exit_code == OUTCOME_TRY_LATER;
}

static void log_interrupted(const struct slot *s, const struct outcome *out)
{
	const struct iteration *it = &s->iteration;

	log_event(out->cut_off ? LOG_WARN : LOG_INFO,
		out->cut_off ? "job.cut_off" : "job.interrupted", LOG_SPAN("jid", s->job->jid),
		LOG_SPAN("class", job_class_name(s->job)), LOG_SPAN("queue", s->job->entry.queue),
		LOG_STR("worker", s->worker_id), LOG_NUM("wall_ms", s->ending.wall_ms),
		it->on ? LOG_SPAN("cursor", SPAN_TEXT(it->cursor)) : LOG_NOTHING,
		s->job && job_is_each(s->job) ? LOG_NUM("done", it->done) : LOG_NOTHING);
}

/* By a stop: to the head; by itself behind a checkpoint: to the tail, so that others have their turn. */
void verdict_tell_interrupted(struct slot *s, const struct outcome *out)
{
	struct text payload = {0};
	bool later = says_when(s, out);

	job_add_payload(&payload, s->job, out->cut_off ? JOB_CUT_OFF : JOB_INTERRUPTED);
	log_interrupted(s, out);
	verdict_tell_redis(s, &(struct decision){.kind = later ? VERDICT_LATER : out->verdict,
				      .what = "interrupted",
				      .state = later ? "interrupted" : "queued",
				      .error = SPAN_TEXT(out->error),
				      .text = SPAN_TEXT(payload),
				      .interrupted = !out->cut_off,
				      .delay_ms = later ? s->said.delay_ms : 0,
				      .why = later ? "interrupted" : NULL});
	text_fini(&payload);
}

/* A long wait holds no worker. */
void verdict_tell_waits(struct slot *s)
{
	const struct iteration *it = &s->iteration;
	bool throttled = it->wait != JOB_WAIT_BACKOFF;
	struct text payload = {0};

	job_add_payload(&payload, s->job, JOB_GAVE_WAY);
	log_event(LOG_INFO, throttled ? "job.throttled" : "job.backs_off",
		LOG_SPAN("jid", s->job->jid), LOG_SPAN("class", job_class_name(s->job)),
		LOG_STR("worker", s->worker_id), LOG_NUM("again_in_ms", it->wait_ms),
		LOG_SPAN("reason", SPAN_TEXT(it->reason)));
	verdict_tell_redis(s, &(struct decision){.kind = VERDICT_LATER,
				      .what = throttled ? "throttled" : "interrupted",
				      .state = throttled ? "throttled" : "interrupted",
				      .text = SPAN_TEXT(payload),
				      .reason = SPAN_TEXT(it->reason),
				      .delay_ms = it->wait_ms,
				      .why = job_wait_name(it->wait)});
	text_fini(&payload);
}

void verdict_tell_paused(struct slot *s, const struct outcome *out)
{
	struct text payload = {0};

	(void)out;
	CRASH_POINT("verdict.paused");
	job_add_payload(&payload, s->job, JOB_INTERRUPTED);
	log_event(LOG_INFO, "job.paused", LOG_SPAN("jid", s->job->jid),
		LOG_SPAN("class", job_class_name(s->job)), LOG_STR("worker", s->worker_id),
		s->iteration.reason.len ? LOG_SPAN("reason", SPAN_TEXT(s->iteration.reason))
					: LOG_NOTHING,
		LOG_SPAN("cursor", SPAN_TEXT(s->iteration.cursor)),
		job_is_each(s->job) ? LOG_NUM("done", s->iteration.done) : LOG_NOTHING);
	verdict_tell_redis(s, &(struct decision){.kind = VERDICT_PAUSED,
				      .why = s->iteration.hold ? "item" : NULL,
				      .what = "paused",
				      .state = "paused",
				      .text = SPAN_TEXT(payload),
				      .interrupted = true,
				      .reason = SPAN_TEXT(s->iteration.reason)});
	text_fini(&payload);
}

void verdict_send_divided(struct slot *s)
{
	struct text parts = {0};

	CRASH_POINT("verdict.divided");
	iteration_add_parts(&parts, &s->iteration, s->job);
	log_event(LOG_INFO, "job.divided", LOG_SPAN("jid", s->job->jid),
		LOG_SPAN("class", job_class_name(s->job)), LOG_STR("worker", s->worker_id),
		LOG_NUM("parts", iteration_parts_wanted(s->job)),
		LOG_NUM("total", s->iteration.total));
	verdict_tell_redis(s, &(struct decision){.kind = VERDICT_DIVIDED,
				      .what = "divided",
				      .state = "queued",
				      .text = SPAN_TEXT(parts)});
	text_fini(&parts);
}

void verdict_tell_divided(struct slot *s, const struct outcome *out)
{
	(void)out;
	verdict_send_divided(s);
}

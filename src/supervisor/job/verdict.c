/* verdict: see verdict.h. droverd. */
#include "supervisor/job/verdict_tell.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/random.h"
#include "queue/failure.h"
#include "supervisor/job/record.h"
#include "supervisor/job/retry.h"

#include <string.h>

#define SPAN_TEXT(t) ((struct span){(t).data, (t).len})

enum { SHOWN_PAYLOAD_MAX = 65536, NO_CHILD_DELAY_MS = 30000 };

static const struct span NOTHING = {"", 0};

/* What Resque is shown of the job this worker goes on with; the same form as in fetch.lua. */
static void add_worker_record(struct text *out, const struct job *next)
{
	char now[CLOCK_TEXT_SIZE];

	text_add_str(out, "{\"queue\":");
	text_add_json(out, next->entry.queue);
	text_addf(out, ",\"run_at\":\"%s\",\"payload\":", clock_iso_second(clock_wall_ms(), now));
	if (next->entry.payload.len < SHOWN_PAYLOAD_MAX)
		text_add_span(out, next->entry.payload);
	else
		text_add_str(out, "{}");
	text_add_char(out, '}');
}

static void describe_end(struct record *r, const struct slot *s, const struct decision *d)
{
	bool ends = d->kind == VERDICT_DONE || d->kind == VERDICT_FAILED ||
		    d->kind == VERDICT_CANCELLED;

	record_add(r, "state", span_of(d->state));
	if (ends)
		record_add_now(r, "ended_at");
	if (d->kind == VERDICT_LATER)
		record_add_time(r, "next_at", clock_wall_ms() + d->delay_ms);
	record_add(r, "exception", d->exception);
	record_add(r, "error", d->error);
	record_add(r, "result", SPAN_TEXT(s->said.result));
	record_add(r, "note", SPAN_TEXT(s->said.note));
	record_add(r, "reason", d->reason);
	if (s->iteration.plan_due) {
		record_add_number(r, "planned", 1);
		if (s->iteration.total >= 0)
			record_add_number(r, "total", s->iteration.total);
		record_add(r, "bounds", SPAN_TEXT(s->iteration.bounds));
	}
	if (d->interrupted && job_part(s->job) == 0)
		record_add_number(r, "interruptions", s->job->envelope.interruptions + 1);
	if (s->said.progress_total >= 0 || s->said.progress_done > 0)
		record_add_number(r, "progress_done", s->said.progress_done);
	if (s->said.progress_total >= 0)
		record_add_number(r, "progress_total", s->said.progress_total);
}

void verdict_tell_redis(struct slot *s, const struct decision *d)
{
	struct text next = {0}, position = {0}, follow = {0};
	struct record record;
	struct verdict v = {.kind = d->kind,
		.order = s->job->sequence,
		.token = span_of(s->job->token),
		.worker = span_of(s->worker_id),
		.queue = s->job->entry.queue,
		.text = d->text.len ? d->text : NOTHING,
		.delay_ms = d->delay_ms,
		.why = d->why ? span_of(d->why) : NOTHING,
		.locks = job_wants_start(s->job),
		.jid = s->job->jid};

	if (s->state != SLOT_VERDICT) {
		add_worker_record(&next, s->ahead.first);
		v.next_record = SPAN_TEXT(next);
	}
	record_init(
		&record, s->job, d->what, span_of(s->worker_id), d->error.len ? d->error : NOTHING);
	describe_end(&record, s, d);
	v.record = record_view(&record);
	verdict_add_position(&position, s);
	v.position = SPAN_TEXT(position);
	if (!d->follows_nobody)
		verdict_add_follows(&follow, s->job, d->kind);
	v.follow = SPAN_TEXT(follow);
	s->ops->tell_last(s->ctx, s);
	s->ops->send_verdict(s->ctx, s, &v, s->state == SLOT_VERDICT);
	record_fini(&record);
	text_fini(&next);
	text_fini(&position);
	text_fini(&follow);
}

/* -- how it went ------------------------------------------------------------------------------------- */

static void log_done(const struct slot *s)
{
	const struct rusage *u = &s->ending.usage;
	int64_t cpu_ms = outcome_cpu_ms(u);

	log_event(LOG_INFO, "job.done", LOG_SPAN("jid", s->job->jid),
		LOG_SPAN("class", job_class_name(s->job)), LOG_STR("worker", s->worker_id),
		LOG_NUM("wall_ms", s->ending.wall_ms),
		s->said.done ? LOG_NOTHING : LOG_NUM("cpu_ms", cpu_ms),
		s->said.done ? LOG_NOTHING : LOG_NUM("maxrss_kb", u->ru_maxrss));
}

static void log_failed(const struct slot *s, struct span exception, struct span error)
{
	log_event(LOG_WARN, "job.failed", LOG_SPAN("jid", s->job->jid),
		LOG_SPAN("class", job_class_name(s->job)), LOG_SPAN("queue", s->job->entry.queue),
		LOG_STR("worker", s->worker_id), LOG_NUM("wall_ms", s->ending.wall_ms),
		LOG_SPAN("exception", exception), LOG_SPAN("error", error));
}

static void tell_done(struct slot *s, const struct outcome *out)
{
	struct text payload = {0};

	(void)out;
	if (job_part(s->job) > 0) /* should it turn out that it is not at its end */
		job_add_payload(&payload, s->job, JOB_GAVE_WAY);
	log_done(s);
	verdict_tell_redis(s, &(struct decision){.kind = VERDICT_DONE,
				      .what = "done",
				      .state = "done",
				      .text = SPAN_TEXT(payload)});
	text_fini(&payload);
}

static bool stops_others(const struct slot *s)
{
	return s->job->class && job_part(s->job) > 0 && s->job->class->conf->on_part_failure_stop;
}

static void send_failed(struct slot *s, struct span exception, struct span error)
{
	size_t keep = s->job->class ? (size_t)s->job->class->conf->keep_output_bytes : 0;
	struct text record = {0}, whole = {0}, sentence = {0};
	struct failure f = {.failed_at_ms = clock_wall_ms(),
		.payload = s->job->entry.payload,
		.payload_readable = s->job->readable,
		.exception = exception,
		.error = error,
		.backtrace_lines = output_tail(&s->output, keep),
		.worker = span_of(s->worker_id),
		.queue = s->job->entry.queue};

	if (s->said.backtrace_json.len)
		f.backtrace_json = SPAN_TEXT(s->said.backtrace_json);
	if (job_part(s->job) > 0) { /* what is tried again from the list of failures is the run */
		job_add_whole(&whole, s->job);
		f.payload = SPAN_TEXT(whole);
		f.exception = SPAN_LIT("Drover::PartFailed");
		text_addf(&sentence, "part %lld failed: ", (long long)job_part(s->job));
		text_add_span(&sentence, error);
		f.error = SPAN_TEXT(sentence);
	}
	failure_write(&record, &f);
	log_failed(s, exception, error);
	verdict_tell_redis(s, &(struct decision){.kind = VERDICT_FAILED,
				      .what = "failed",
				      .state = "failed",
				      .text = SPAN_TEXT(record),
				      .exception = f.exception,
				      .error = f.error,
				      .why = stops_others(s) ? "stop" : NULL});
	text_fini(&record);
	text_fini(&whole);
	text_fini(&sentence);
}

static struct span exception_of(const struct slot *s, const struct outcome *out)
{
	return out->exception ? span_of(out->exception) : SPAN_TEXT(s->said.exception);
}

static void tell_failed(struct slot *s, const struct outcome *out)
{
	send_failed(s, exception_of(s, out), SPAN_TEXT(out->error));
}

static void tell_retry(struct slot *s, const struct outcome *out)
{
	struct text payload = {0};
	struct decision d = {.kind = VERDICT_LATER,
		.what = "retry",
		.state = "retrying",
		.exception = exception_of(s, out),
		.error = SPAN_TEXT(out->error),
		.delay_ms = s->said.delay_ms,
		.why = "retry"};
	char at[CLOCK_TEXT_SIZE];

	if (d.delay_ms < 0)
		d.delay_ms = retry_delay_ms(
			&s->job->class->conf->backoff, s->job->envelope.attempt, random_fraction());
	job_add_payload(&payload, s->job, JOB_RETRIED);
	d.text = SPAN_TEXT(payload);
	log_event(LOG_WARN, "job.retry", LOG_SPAN("jid", s->job->jid),
		LOG_SPAN("class", job_class_name(s->job)), LOG_SPAN("queue", s->job->entry.queue),
		LOG_STR("worker", s->worker_id), LOG_NUM("wall_ms", s->ending.wall_ms),
		LOG_NUM("attempt", s->job->envelope.attempt),
		LOG_STR("at", clock_rfc3339(clock_wall_ms() + d.delay_ms, at)),
		LOG_SPAN("exception", d.exception), LOG_SPAN("error", d.error));
	verdict_tell_redis(s, &d);
	text_fini(&payload);
}

static void tell_later(struct slot *s, const struct outcome *out)
{
	if (out->waits)
		verdict_tell_waits(s);
	else
		tell_retry(s, out);
}

static void send_cancelled(struct slot *s, struct span how)
{
	log_event(LOG_INFO, "job.cancelled", LOG_SPAN("jid", s->job->jid),
		LOG_SPAN("class", job_class_name(s->job)), LOG_SPAN("queue", s->job->entry.queue),
		LOG_STR("worker", s->worker_id), LOG_NUM("wall_ms", s->ending.wall_ms));
	verdict_tell_redis(s, &(struct decision){.kind = VERDICT_CANCELLED,
				      .what = "cancelled",
				      .state = "cancelled",
				      .error = how});
}

static void tell_cancelled(struct slot *s, const struct outcome *out)
{
	send_cancelled(s, SPAN_TEXT(out->error));
}

static void (*const TELL[VERDICT_KINDS])(struct slot *, const struct outcome *) = {
	[VERDICT_DONE] = tell_done,
	[VERDICT_FAILED] = tell_failed,
	[VERDICT_CANCELLED] = tell_cancelled,
	[VERDICT_HEAD] = verdict_tell_interrupted,
	[VERDICT_TAIL] = verdict_tell_interrupted,
	[VERDICT_LATER] = tell_later,
	[VERDICT_PAUSED] = verdict_tell_paused,
	[VERDICT_DIVIDED] = verdict_tell_divided,
};

/* It is another supervisor's job by now: nothing is told but the log. */
static void drop_lost(struct slot *s)
{
	log_event(LOG_WARN, "job.dropped", LOG_SPAN("jid", s->job->jid),
		LOG_SPAN("class", job_class_name(s->job)), LOG_STR("worker", s->worker_id));
	slot_handle(s, SLOT_EV_CONFIRMED);
}

static void describe_ending(struct slot *s)
{
	const struct iteration *it = &s->iteration;
	struct ending *e = &s->ending;

	e->said_exception = SPAN_TEXT(s->said.exception);
	e->said_message = SPAN_TEXT(s->said.message);
	e->iterates = it->on;
	e->each = s->each != NULL;
	e->moved = it->number > it->started_number;
	e->in_item = e->each && it->hand > 0;
	e->stop = it->stop;
	e->slice = it->slice;
	e->hold = it->hold;
	e->divides = it->divides;
	e->wait_ms = it->wait_ms;
}

/* Of an item, where one was in hand. */
static void note_death(struct iteration *it, const struct ending *e)
{
	if (it->hand > 0) {
		it->item = it->hand;
		it->tries += !it->resting;
	}
	it->hand = 0;
	it->forget = it->listed > it->number ? it->listed : 0;
	it->aside.number = 0;
	text_clear(&it->died);
	outcome_add_death(&it->died, e);
}

bool verdict_goes_on(struct slot *s)
{
	struct outcome out;

	if (!slot_iterates(s) || s->ending.reason == END_LOST)
		return false;
	describe_ending(s);
	outcome_decide(&out, &s->ending);
	if (out.again)
		note_death(&s->iteration, &s->ending);
	if (job_is_retry(s->job)) /* it was set aside before */
		s->iteration.forget = 0;
	text_fini(&out.error);
	return out.again;
}

void verdict_send(struct slot *s)
{
	struct outcome out;

	if (s->ending.reason == END_LOST) {
		drop_lost(s);
		return;
	}
	describe_ending(s);
	outcome_decide(&out, &s->ending);
	output_end(&s->output, s->job->jid);
	TELL[out.verdict](s, &out);
	text_fini(&out.error);
}

/* -- without a run ------------------------------------------------------------------------------------ */

static void send_worn_out(struct slot *s)
{
	const struct envelope *e = &s->job->envelope;
	int64_t times = s->iteration.on ? s->iteration.stuck : e->recoveries;
	struct text error = {0};

	text_addf(&error,
		"its supervisor was lost %lld times while it was in hand%s, max_recoveries is %lld",
		(long long)times, s->iteration.on ? " and got no further" : "",
		(long long)s->job->class->conf->max_recoveries);
	if (e->lost_by.len)
		text_addf(&error, "; the last time with worker %s", e->lost_by.data);
	send_failed(s, SPAN_LIT("Drover::TooManyRecoveries"), SPAN_TEXT(error));
	text_fini(&error);
}

void verdict_send_bad(struct slot *s)
{
	struct text error = {0};

	if (!s->job->readable) {
		send_failed(s, SPAN_LIT("Drover::BadPayload"), span_of(s->job->why.text));
		return;
	}
	if (s->iteration.trouble.len > 0) {
		send_failed(s, SPAN_LIT("Drover::Collection"), SPAN_TEXT(s->iteration.trouble));
		return;
	}
	if (s->job->class) {
		send_worn_out(s);
		return;
	}
	text_add_str(&error, "no entry under `jobs` matches the class ");
	text_add_span(&error, job_class_name(s->job));
	send_failed(s, SPAN_LIT("Drover::UnknownClass"), SPAN_TEXT(error));
	text_fini(&error);
}

void verdict_send_back(struct slot *s)
{
	struct text payload = {0};

	if (s->ending.reason == END_LOST) {
		drop_lost(s);
		return;
	}
	if (s->ending.reason == END_CANCEL) {
		verdict_send_cancelled(s);
		return;
	}
	log_event(LOG_INFO, "job.returned", LOG_SPAN("jid", s->job->jid),
		LOG_SPAN("queue", s->job->entry.queue), LOG_STR("worker", s->worker_id));
	job_add_unbegun(&payload, s->job);
	verdict_tell_redis(s, &(struct decision){.kind = VERDICT_HEAD,
				      .what = "returned",
				      .state = "queued",
				      .text = SPAN_TEXT(payload)});
	text_fini(&payload);
}

/* Not for ever in this slot: another supervisor may have more luck. It never began. */
void verdict_send_later(struct slot *s)
{
	static const struct span ERROR = SPAN_LIT("no process could be made for it");
	struct text payload = {0};

	log_event(LOG_ERROR, "job.put_off", LOG_SPAN("jid", s->job->jid),
		LOG_SPAN("class", job_class_name(s->job)), LOG_SPAN("queue", s->job->entry.queue),
		LOG_STR("worker", s->worker_id), LOG_NUM("again_in_ms", NO_CHILD_DELAY_MS),
		LOG_SPAN("error", ERROR));
	job_add_unbegun(&payload, s->job);
	verdict_tell_redis(s, &(struct decision){.kind = VERDICT_LATER,
				      .what = "delayed",
				      .state = "delayed",
				      .text = SPAN_TEXT(payload),
				      .error = ERROR,
				      .delay_ms = NO_CHILD_DELAY_MS,
				      .why = "spawn"});
	text_fini(&payload);
}

void verdict_send_cancelled(struct slot *s)
{
	send_cancelled(s, SPAN_LIT("cancelled before it began"));
}

/* The jid of the other is what `start` answered. */
void verdict_send_duplicate(struct slot *s)
{
	log_event(LOG_INFO, "job.duplicate", LOG_SPAN("jid", s->job->jid),
		LOG_SPAN("of", SPAN_TEXT(s->said.note)), LOG_SPAN("class", job_class_name(s->job)),
		LOG_SPAN("queue", s->job->entry.queue));
	verdict_tell_redis(s, &(struct decision){.kind = VERDICT_DONE,
				      .what = "duplicate",
				      .state = "done",
				      .follows_nobody = true,
				      .error = SPAN_TEXT(s->said.note)});
}

/* verdict: see verdict.h. droverd. */
#include "supervisor/verdict.h"
#include "base/clock.h"
#include "base/log.h"
#include "queue/failure.h"

#include <string.h>

#define SPAN_TEXT(t) ((struct span){(t).data, (t).len})

enum { PAIRS_MAX = 16, SHOWN_PAYLOAD_MAX = 65536 };

/* A run record's fields at the end, put together in place. */
struct fields {
	struct span pairs[2 * PAIRS_MAX];
	size_t n;
};

static void add_field(struct fields *f, const char *name, struct span value)
{
	if (value.len == 0)
		return;
	f->pairs[f->n++] = span_of(name);
	f->pairs[f->n++] = value;
}

static void describe_end(struct fields *f, const struct slot *s, const struct verdict *v,
	struct span exception, struct span error, const char *now)
{
	static const char *const STATES[] = {
		[VERDICT_DONE] = "done", [VERDICT_FAILED] = "failed", [VERDICT_HEAD] = "queued"};

	add_field(f, "state", span_of(STATES[v->kind]));
	if (v->kind != VERDICT_HEAD)
		add_field(f, "ended_at", span_of(now));
	add_field(f, "exception", exception);
	add_field(f, "error", error);
	add_field(f, "result", SPAN_TEXT(s->said.result));
	add_field(f, "note", SPAN_TEXT(s->said.note));
}

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

/* Sends what is decided; `text` is the failure record or the payload that goes back. */
static void tell_redis(struct slot *s, enum verdict_kind kind, const struct text *text,
	struct span exception, struct span error)
{
	char now[CLOCK_TEXT_SIZE], done[24], total[24];
	struct fields fields = {.n = 0};
	struct text next = {0};
	struct verdict v = {.kind = kind,
		.order = s->job->sequence,
		.token = span_of(s->job->token),
		.worker = span_of(s->worker_id),
		.queue = s->job->entry.queue,
		.text = text ? SPAN_TEXT(*text) : (struct span){"", 0}};

	if (s->state != SLOT_VERDICT) {
		add_worker_record(&next, s->ahead.first);
		v.next_record = SPAN_TEXT(next);
	}
	if (job_is_tracked(s->job)) {
		describe_end(&fields, s, &v, exception, error, clock_rfc3339(clock_wall_ms(), now));
		if (s->said.progress_total >= 0 || s->said.progress_done > 0) {
			snprintf(done, sizeof done, "%lld", (long long)s->said.progress_done);
			snprintf(total, sizeof total, "%lld", (long long)s->said.progress_total);
			add_field(&fields, "progress_done", span_of(done));
			if (s->said.progress_total >= 0)
				add_field(&fields, "progress_total", span_of(total));
		}
		v.record = (struct verbs_record){s->job->jid, fields.pairs, fields.n};
	}
	s->ops->send_verdict(s->ctx, s, &v, s->state == SLOT_VERDICT);
	text_fini(&next);
}

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

static void send_failed(struct slot *s, struct span exception, struct span error)
{
	size_t keep = s->job->class ? (size_t)s->job->class->conf->keep_output_bytes : 0;
	struct text record = {0};
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
	failure_write(&record, &f);
	log_failed(s, exception, error);
	tell_redis(s, VERDICT_FAILED, &record, exception, error);
	text_fini(&record);
}

void verdict_add_payload(struct text *out, const struct job *j, enum verdict_why why)
{
	struct envelope_change c = {.jid = j->jid,
		.attempt = j->envelope.attempt,
		.interruptions = j->envelope.interruptions,
		.recoveries = j->envelope.recoveries,
		.track = j->envelope.track};

	if (why == VERDICT_INTERRUPTED) {
		c.interruptions++;
		c.origin = "resumed";
	} else {
		c.recoveries += why == VERDICT_RECOVERED;
		c.origin = "recovered";
	}
	if (j->readable)
		envelope_rewrite(out, j->entry.payload, &c);
	else
		text_add_span(out, j->entry.payload);
}

static void send_interrupted(struct slot *s)
{
	struct text payload = {0};

	verdict_add_payload(&payload, s->job, VERDICT_INTERRUPTED);
	log_event(LOG_INFO, "job.interrupted", LOG_SPAN("jid", s->job->jid),
		LOG_SPAN("class", job_class_name(s->job)), LOG_SPAN("queue", s->job->entry.queue),
		LOG_STR("worker", s->worker_id), LOG_NUM("wall_ms", s->ending.wall_ms));
	tell_redis(s, VERDICT_HEAD, &payload, (struct span){0}, (struct span){0});
	text_fini(&payload);
}

static void send_cut_off(struct slot *s)
{
	struct text payload = {0};

	verdict_add_payload(&payload, s->job, VERDICT_CUT_OFF);
	log_event(LOG_WARN, "job.cut_off", LOG_SPAN("jid", s->job->jid),
		LOG_SPAN("class", job_class_name(s->job)), LOG_SPAN("queue", s->job->entry.queue),
		LOG_STR("worker", s->worker_id), LOG_NUM("wall_ms", s->ending.wall_ms));
	tell_redis(s, VERDICT_HEAD, &payload, (struct span){0}, (struct span){0});
	text_fini(&payload);
}

static void tell(struct slot *s, const struct outcome *out)
{
	if (out->verdict == VERDICT_DONE) {
		log_done(s);
		tell_redis(s, VERDICT_DONE, NULL, (struct span){0}, (struct span){0});
	} else if (out->verdict == VERDICT_FAILED) {
		send_failed(s,
			out->exception ? span_of(out->exception) : SPAN_TEXT(s->said.exception),
			SPAN_TEXT(out->error));
	} else if (out->cut_off) {
		send_cut_off(s);
	} else {
		send_interrupted(s);
	}
}

/* It is another supervisor's job by now: nothing is told but the log. */
static void drop_lost(struct slot *s)
{
	log_event(LOG_WARN, "job.dropped", LOG_SPAN("jid", s->job->jid),
		LOG_SPAN("class", job_class_name(s->job)), LOG_STR("worker", s->worker_id));
	slot_handle(s, SLOT_EV_CONFIRMED);
}

void verdict_send(struct slot *s)
{
	struct outcome out;

	if (s->ending.reason == END_LOST) {
		drop_lost(s);
		return;
	}
	s->ending.said_exception = SPAN_TEXT(s->said.exception);
	s->ending.said_message = SPAN_TEXT(s->said.message);
	outcome_decide(&out, &s->ending);
	output_end(&s->output, s->job->jid);
	tell(s, &out);
	text_fini(&out.error);
}

void verdict_send_bad(struct slot *s)
{
	struct text error = {0};

	if (!s->job->readable) {
		send_failed(s, SPAN_LIT("Drover::BadPayload"), span_of(s->job->why.text));
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
	text_add_span(&payload, s->job->entry.payload);
	log_event(LOG_INFO, "job.returned", LOG_SPAN("jid", s->job->jid),
		LOG_SPAN("queue", s->job->entry.queue), LOG_STR("worker", s->worker_id));
	tell_redis(s, VERDICT_HEAD, &payload, (struct span){0}, (struct span){0});
	text_fini(&payload);
}

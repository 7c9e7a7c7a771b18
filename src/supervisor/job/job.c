/* job: see job.h. droverd; pure but for memory. */
#include "supervisor/job/job.h"
#include "base/clock.h"
#include "base/must.h"
#include "queue/canonical.h"
#include "wire/job_message.h"

#include <stdlib.h>

struct job *job_new(
	struct settings *settings, struct span token, struct span entry, struct err *err)
{
	static int64_t last_sequence;
	struct job *j = must_alloc(sizeof *j);

	j->bytes = must_strndup(entry.at, entry.len);
	if (entry_read(&j->entry, (struct span){j->bytes, entry.len}, err) < 0) {
		free(j->bytes);
		free(j);
		return NULL;
	}
	j->sequence = ++last_sequence;
	j->token = must_strndup(token.at, token.len);
	j->settings = settings_ref(settings);
	j->readable = envelope_read(&j->envelope, j->entry.payload, &j->why) == 0;
	j->jid = j->envelope.jid.len ? (struct span){j->envelope.jid.data, j->envelope.jid.len}
				     : j->entry.jid;
	if (j->readable)
		j->class = settings_find(settings, job_class_name(j));
	return j;
}

void job_free(struct job *j)
{
	if (j == NULL)
		return;
	envelope_fini(&j->envelope);
	settings_unref(j->settings);
	free(j->token);
	free(j->bytes);
	free(j);
}

struct span job_class_name(const struct job *j)
{
	return (struct span){j->envelope.class_name.data, j->envelope.class_name.len};
}

const char *job_origin(const struct job *j)
{
	static const char *const KNOWN[] = {
		"enqueued", "scheduled", "delayed", "retry", "resumed", "recovered"};

	for (size_t i = 0; i < sizeof KNOWN / sizeof *KNOWN; i++)
		if (j->envelope.origin.len &&
			span_is((struct span){j->envelope.origin.data, j->envelope.origin.len},
				KNOWN[i]))
			return KNOWN[i];
	return KNOWN[0];
}

bool job_is_tracked(const struct job *j)
{
	return j->envelope.track || j->entry.marked || job_is_each(j) ||
	       (j->class && j->class->conf->track);
}

bool job_is_each(const struct job *j)
{
	return j->class && j->class->conf->handler == CONF_HANDLER_EACH;
}

struct span job_run(const struct job *j)
{
	const struct envelope *e = &j->envelope;

	return e->parent.len ? (struct span){e->parent.data, e->parent.len} : j->jid;
}

int64_t job_part(const struct job *j)
{
	return j->envelope.parent.len && j->envelope.part != ENVELOPE_NO_PART ? j->envelope.part
									      : 0;
}

bool job_is_retry(const struct job *j)
{
	return job_is_each(j) && j->envelope.retry > 0;
}

static void add_payload(struct text *out, const struct job *j, struct envelope_change *c)
{
	c->jid = j->jid;
	c->track = job_is_tracked(j); /* whoever takes it next may have another configuration */
	if (j->readable)
		envelope_rewrite(out, j->entry.payload, c);
	else
		text_add_span(out, j->entry.payload);
}

/* Fired by a schedule, and its class does not let such jobs run beside each other. */
static bool counts_overlap(const struct job *j)
{
	return j->envelope.overlap && j->class->conf->overlap != CONF_OVERLAP_ALLOW;
}

static int64_t most_running(const struct job *j)
{
	const struct conf_class *c = j->class->conf;

	if (counts_overlap(j) && job_part(j) == 0)
		return 1;
	return c->max_running == CONF_NONE ? 0 : c->max_running;
}

bool job_wants_start(const struct job *j)
{
	const struct conf_class *c = j->class ? j->class->conf : NULL;

	return c && (c->at_most_once || c->exclusive || c->unique || most_running(j) > 0 ||
			    counts_overlap(j) || job_is_tracked(j));
}

/* Its locks and its record know it by its jid, which it was given when it was taken. */
static bool must_be_marked(const struct job *j)
{
	return j->readable && job_wants_start(j) &&
	       (j->envelope.jid.len == 0 || (job_is_tracked(j) && !j->envelope.track));
}

void job_add_unbegun(struct text *out, const struct job *j)
{
	if (!must_be_marked(j)) {
		text_add_span(out, j->entry.payload);
		return;
	}
	add_payload(out, j,
		&(struct envelope_change){.attempt = j->envelope.attempt,
			.interruptions = j->envelope.interruptions,
			.recoveries = j->envelope.recoveries,
			.origin = j->envelope.origin.len ? job_origin(j) : NULL});
}

/* Where it is what it was when it was fetched: what a run that has a record may go on from. */
static void add_place(struct text *out, const struct job *j)
{
	text_add_span(out, job_run(j));
	text_addf(out, " %lld %lld %lld %lld %d", (long long)job_part(j),
		(long long)j->envelope.interruptions, (long long)j->envelope.recoveries,
		(long long)j->envelope.retry, job_is_each(j));
}

void job_describe_start(
	const struct job *j, struct verbs_start *start, struct job_start_texts *texts)
{
	const struct conf_class *c = j->class->conf;

	*start = (struct verbs_start){.token = span_of(j->token),
		.jid = j->jid,
		.class_name = job_class_name(j),
		.once = c->at_most_once,
		.max_running = most_running(j),
		.unique_for_ms = c->unique_for_ms,
		.overlap = counts_overlap(j)};
	if (c->unique && job_part(j) == 0) { /* the run has it for all its parts */
		canonical_add_job(&texts->unique, job_class_name(j), j->envelope.args);
		start->unique = (struct span){texts->unique.data, texts->unique.len};
	}
	if (must_be_marked(j) && (start->max_running > 0 || job_is_tracked(j))) {
		job_add_unbegun(&texts->parked, j);
		start->parked = (struct span){texts->parked.data, texts->parked.len};
	}
	if (job_is_tracked(j)) {
		add_place(&texts->place, j);
		start->place = (struct span){texts->place.data, texts->place.len};
	}
}

bool job_is_worn_out(const struct job *j)
{
	/* One that says where it is may be taken over more often: `start` tells how often in one place. */
	return j->class && !job_is_tracked(j) &&
	       j->envelope.recoveries > j->class->conf->max_recoveries;
}

void job_add_payload(struct text *out, const struct job *j, enum job_return why)
{
	struct envelope_change c = {.attempt = j->envelope.attempt,
		.interruptions = j->envelope.interruptions,
		.recoveries = j->envelope.recoveries};

	if (why == JOB_INTERRUPTED || why == JOB_GAVE_WAY) {
		c.interruptions += why == JOB_INTERRUPTED;
		c.origin = "resumed";
	} else if (why == JOB_RETRIED) {
		c.attempt++;
		c.origin = "retry";
	} else {
		c.recoveries += why == JOB_RECOVERED;
		c.origin = "recovered";
		c.lost_by = why == JOB_RECOVERED ? j->entry.worker : (struct span){"", 0};
	}
	add_payload(out, j, &c);
}

/* Tokens count anew in every lease; what a job is given names one start of all there ever are. */
static void add_start_token(struct text *out, const struct job *j, const char *lease)
{
	text_add_str(out, lease);
	text_add_char(out, '/');
	text_add_str(out, j->token);
}

/* A job of this one's class and args, with counters of its own. */
static void add_relative(
	struct text *out, const struct job *j, struct span jid, struct span parent, int64_t part)
{
	const struct envelope *e = &j->envelope;

	envelope_compose(out, &(struct envelope_new){.class_name = job_class_name(j),
				      .args_json = e->args,
				      .jid = jid.at,
				      .now_ms = clock_wall_ms(),
				      .track = true,
				      .origin = job_origin(j),
				      .each = &(struct envelope_each){.from = e->from,
					      .to = e->to,
					      .limit = e->limit,
					      .parallel = e->parallel,
					      .csv = {e->csv.data ? e->csv.data : "", e->csv.len},
					      .parent = parent,
					      .part = part}});
}

void job_add_part(struct text *out, const struct job *j, int64_t part)
{
	struct span run = job_run(j);
	struct text jid = {0};

	text_add_span(&jid, run);
	if (part == ENVELOPE_END)
		text_add_str(&jid, ".end");
	else
		text_addf(&jid, ".p%lld", (long long)part);
	add_relative(out, j, (struct span){jid.data, jid.len}, run, part);
	text_fini(&jid);
}

void job_add_whole(struct text *out, const struct job *j)
{
	struct text jid = {0};

	text_add_span(&jid, job_run(j));
	add_relative(
		out, j, (struct span){jid.data, jid.len}, (struct span){"", 0}, ENVELOPE_NO_PART);
	text_fini(&jid);
}

void job_add_message(struct text *out, const struct job *j, const char *lease, struct span cursor,
	const struct job_each_source *each)
{
	struct text token = {0};
	struct job_source source = {
		.counts = {.attempt = (uint64_t)j->envelope.attempt,
			.interruptions = (uint64_t)j->envelope.interruptions,
			.recoveries = (uint64_t)j->envelope.recoveries},
		.jid = j->jid,
		.class_name = job_class_name(j),
		.queue = j->entry.queue,
		.origin = span_of(job_origin(j)),
		.lease = span_of(lease),
		.tick = {j->envelope.tick.len ? j->envelope.tick.data : NULL, j->envelope.tick.len},
		.args = j->envelope.args,
		.cursor = cursor,
		.each = each,
	};

	add_start_token(&token, j, lease);
	source.token = (struct span){token.data, token.len};
	job_message_add(out, (struct span){j->class->part.data, j->class->part.len}, &source);
	text_fini(&token);
}

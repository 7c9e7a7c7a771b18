/* job: see job.h. droverd; pure but for memory. */
#include "supervisor/job/job.h"
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
	return j->envelope.track || (j->class && j->class->conf->track);
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

	if (counts_overlap(j))
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

void job_describe_start(
	const struct job *j, struct verbs_start *start, struct text *unique, struct text *parked)
{
	const struct conf_class *c = j->class->conf;

	*start = (struct verbs_start){.token = span_of(j->token),
		.jid = j->jid,
		.class_name = job_class_name(j),
		.once = c->at_most_once,
		.max_running = most_running(j),
		.unique_for_ms = c->unique_for_ms,
		.overlap = counts_overlap(j)};
	if (c->unique) {
		text_clear(unique);
		canonical_add_job(unique, job_class_name(j), j->envelope.args);
		start->unique = (struct span){unique->data, unique->len};
	}
	if (start->max_running > 0 && must_be_marked(j)) {
		text_clear(parked);
		job_add_unbegun(parked, j);
		start->parked = (struct span){parked->data, parked->len};
	}
}

bool job_is_worn_out(const struct job *j)
{
	return j->class && j->envelope.recoveries > j->class->conf->max_recoveries;
}

void job_add_payload(struct text *out, const struct job *j, enum job_return why)
{
	struct envelope_change c = {.attempt = j->envelope.attempt,
		.interruptions = j->envelope.interruptions,
		.recoveries = j->envelope.recoveries};

	if (why == JOB_INTERRUPTED) {
		c.interruptions++;
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

void job_add_message(struct text *out, const struct job *j, const char *lease)
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
	};

	add_start_token(&token, j, lease);
	source.token = (struct span){token.data, token.len};
	job_message_add(out, (struct span){j->class->part.data, j->class->part.len}, &source);
	text_fini(&token);
}

/* job: see job.h. droverd; pure but for memory. */
#include "supervisor/job.h"
#include "base/must.h"
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

bool job_wants_start(const struct job *j)
{
	return j->class && (j->class->conf->at_most_once || job_is_tracked(j));
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
		.args = j->envelope.args,
	};

	add_start_token(&token, j, lease);
	source.token = (struct span){token.data, token.len};
	job_message_add(out, (struct span){j->class->part.data, j->class->part.len}, &source);
	text_fini(&token);
}

/* nursery/job_api: what drover/job.h offers to a C function. In the child, called by its job. */
#include <drover/job.h>

#include "nursery/function.h"
#include "nursery/job_socket.h"
#include "wire/job_line.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

enum { NOTE_MAX = 4000, EXCEPTION_MAX = 200, MESSAGE_MAX = 8000, RESULT_MAX = 65536 };

/* Malformed arguments do not get better by trying again. */
enum { STATUS_BAD_PAYLOAD = 100 };

const char *drover_job_jid(const struct drover_job *job)
{
	return job->message->jid;
}

const char *drover_job_class(const struct drover_job *job)
{
	return job->message->class_name;
}

const char *drover_job_queue(const struct drover_job *job)
{
	return job->message->queue;
}

const char *drover_job_origin(const struct drover_job *job)
{
	return job->message->origin;
}

uint64_t drover_job_attempt(const struct drover_job *job)
{
	return job->message->counts.attempt;
}

uint64_t drover_job_interruptions(const struct drover_job *job)
{
	return job->message->counts.interruptions;
}

uint64_t drover_job_recoveries(const struct drover_job *job)
{
	return job->message->counts.recoveries;
}

const char *drover_job_cursor(const struct drover_job *job)
{
	return job->message->cursor;
}

/* Not before it is asked for: a job that never looks does not pay for the tree. */
json_t *drover_job_args(struct drover_job *job)
{
	struct err err;

	if (!job->args)
		job->args = job->source->decode(job->message->args, &err);
	if (!job->args) {
		job_socket_error(SPAN_LIT("Drover::BadPayload"), span_of(err.text));
		_exit(STATUS_BAD_PAYLOAD);
	}
	return job->args;
}

/* -- what a job can say ------------------------------------------------------------------------ */

/* "WORD TEXT\n", with spaces for newlines; a text longer than `max` is cut. */
static int say(const char *word, const char *value, size_t max)
{
	struct text line = {0};
	int done;

	text_add_str(&line, word);
	text_add_char(&line, ' ');
	text_add(&line, value, strnlen(value, max));
	for (char *p = strchr(line.data, '\n'); p; p = strchr(p, '\n'))
		*p = ' ';
	text_add_char(&line, '\n');
	done = job_socket_say(line.data, line.len);
	text_fini(&line);
	return done;
}

static int invalid(void)
{
	errno = EINVAL;
	return -1;
}

int drover_checkpoint(struct drover_job *job, const char *cursor)
{
	char answer[8];

	if (job->item_error || !*cursor || strlen(cursor) > JOB_CURSOR_MAX || strchr(cursor, '\n'))
		return invalid();
	if (say("cursor", cursor, JOB_CURSOR_MAX) != 0)
		return -1;
	if (job_socket_answer(answer, sizeof answer) != 0 || strcmp(answer, "go") != 0)
		return DROVER_INTERRUPTED;
	return 0;
}

int drover_progress(struct drover_job *job, int64_t done, int64_t total)
{
	struct text line = {0};
	int said;

	(void)job;
	if (done < 0 || total < -1)
		return invalid();
	text_add_str(&line, "progress ");
	text_add_int(&line, done);
	if (total >= 0) {
		text_add_char(&line, ' ');
		text_add_int(&line, total);
	}
	text_add_char(&line, '\n');
	said = job_socket_say(line.data, line.len);
	text_fini(&line);
	return said;
}

int drover_note(struct drover_job *job, const char *text)
{
	(void)job;
	return say("note", text, NOTE_MAX);
}

/* A newline in JSON only ever stands between two tokens, where a space does as well. */
int drover_result(struct drover_job *job, const char *json)
{
	(void)job;
	return strlen(json) > RESULT_MAX ? invalid() : say("result", json, RESULT_MAX);
}

int drover_delay(struct drover_job *job, int64_t delay_ms)
{
	struct text value = {0};
	int said;

	(void)job;
	if (delay_ms < 0)
		return invalid();
	text_add_int(&value, delay_ms);
	text_add_str(&value, "ms");
	said = say("delay", value.data, value.len);
	text_fini(&value);
	return said;
}

int drover_error(struct drover_job *job, const char *exception, const char *message)
{
	if (job->item_error) {
		text_clear(job->item_error);
		text_add(job->item_error, message, strnlen(message, MESSAGE_MAX));
		return DROVER_FAILED;
	}
	job_socket_error((struct span){exception, strnlen(exception, EXCEPTION_MAX)},
		(struct span){message, strnlen(message, MESSAGE_MAX)});
	return DROVER_FAILED;
}

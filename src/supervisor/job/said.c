/* said: see said.h. droverd. A line that is none is the job's mistake: said once, then ignored. */
#include "supervisor/job/said.h"
#include "base/clock.h"
#include "base/crash.h"
#include "base/log.h"
#include "wire/job_line.h"

#include <jansson.h>
#include <string.h>

static void keep(struct text *into, struct span s)
{
	text_clear(into);
	text_add_utf8(into, s);
}

static void keep_json_string(struct text *into, json_t *value)
{
	text_clear(into);
	if (json_is_string(value))
		text_add(into, json_string_value(value), json_string_length(value));
}

/* Only strings are wanted in a backtrace: resque-web joins them. */
static void keep_backtrace(struct text *into, json_t *array)
{
	json_t *line;
	size_t i;

	text_clear(into);
	if (!json_is_array(array))
		return;
	text_add_char(into, '[');
	json_array_foreach(array, i, line)
	{
		if (i > 0)
			text_add_char(into, ',');
		text_add_json(into, json_is_string(line) ? (struct span){json_string_value(line),
								   json_string_length(line)}
							 : SPAN_LIT("?"));
	}
	text_add_char(into, ']');
}

static void warn_once(struct slot *s, const char *why)
{
	if (!s->said.warned)
		log_event(LOG_WARN, "job.line_ignored", LOG_SPAN("jid", s->job->jid),
			LOG_STR("error", why));
	s->said.warned = true;
}

/* It has had its turn (max_items, max_runtime): the others shall have theirs. */
static bool ends_slice(const struct slot *s)
{
	const struct conf_class *c = s->job->class->conf;
	const struct iteration *it = &s->iteration;

	return (c->max_items != CONF_NONE && it->number - it->started_number >= c->max_items) ||
	       (c->max_runtime_ms != CONF_NONE &&
		       clock_mono_ms() - s->started_mono_us / 1000 >= c->max_runtime_ms);
}

/*
 * On the board before it is answered: should we die, it is found there. Its lease entry, too, is marked
 * with the next checkpoint, so that whoever adopts it knows that it has a record.
 */
static void say_cursor(struct slot *s, const struct job_line *line)
{
	static const struct scoreboard_orders NO_ORDERS = {.end = INT64_MAX, .granted = INT64_MAX};
	struct iteration *it = &s->iteration;
	bool stop;

	if (!s->marks) {
		iteration_begin_cursors(it);
		s->record_due = !job_is_tracked(s->job);
		s->mark_due = true;
		s->job->entry.marked = true;
		s->output.keeps = true;
		s->ops->tell_soon(s->ctx, s);
		scoreboard_iterates(s->place, job_run(s->job), job_part(s->job), &NO_ORDERS);
		s->marks = true;
	}
	it->number++;
	text_clear(&it->cursor);
	text_add_span(&it->cursor, line->text);
	scoreboard_put_mark(s->place, it->number, line->text);
	CRASH_POINT("cursor.kept");
	slot_item_begins(s);
	stop = s->stop_asked || ends_slice(s);
	log_event(LOG_DEBUG, "job.cursor", LOG_SPAN("jid", s->job->jid),
		LOG_NUM("pid", s->child.pid), LOG_NUM("number", it->number),
		LOG_STR("answer", stop ? "stop" : "go"), LOG_SPAN("cursor", line->text));
	child_say(&s->child, stop ? JOB_STOP : JOB_GO);
}

/* -- what the runtime of an `each` says ------------------------------------------------------------- */

static void say_plan(struct slot *s, const struct job_line *line)
{
	struct iteration *it = &s->iteration;

	it->total = line->total;
	keep(&it->bounds, line->text);
	it->planned = it->plan_due = true;
	it->divides = iteration_can_divide(it, s->job);
	CRASH_POINT("plan.seen");
	child_say(&s->child, it->divides || s->stop_asked ? JOB_STOP : JOB_GO);
	s->ops->tell_soon(s->ctx, s);
}

static void set_aside(struct slot *s, int64_t number, struct span json)
{
	struct iteration_aside *a = &s->iteration.aside;

	a->number = number;
	a->sent = false;
	s->iteration.listed = number;
	s->iteration.forget = 0;
	keep(&a->json, json);
	CRASH_POINT("aside.seen");
	s->ops->tell_soon(s->ctx, s);
}

/* Its words, and not the item: what is in it may be nothing for a log. */
static void log_aside(const struct slot *s, const struct job_line *line)
{
	json_t *root = json_loadb(line->text.at, line->text.len, JSON_ALLOW_NUL, NULL);
	const char *error = json_string_value(json_object_get(root, "error"));

	log_event(LOG_WARN, "job.item_aside", LOG_SPAN("jid", s->job->jid),
		LOG_SPAN("class", job_class_name(s->job)), LOG_STR("worker", s->worker_id),
		LOG_NUM("item", line->number),
		LOG_NUM("tries", json_integer_value(json_object_get(root, "attempts"))),
		LOG_STR("error", error ? error : ""));
	json_decref(root);
}

static void say_aside(struct slot *s, const struct job_line *line)
{
	log_aside(s, line);
	set_aside(s, line->number, line->text);
}

static void say_healed(struct slot *s, const struct job_line *line)
{
	set_aside(s, line->number, (struct span){"", 0});
}

/* What a run shows where nobody said more. */
static const char *const WAITS_FOR[JOB_WAITS] = {
	[JOB_WAIT_THROTTLE] = "its throttle command does not let it go on",
	[JOB_WAIT_BACKOFF] = "an item is to be tried again",
	[JOB_WAIT_RATE] = "its rate is used up",
};

static void say_wait(struct slot *s, const struct job_line *line)
{
	struct iteration *it = &s->iteration;

	it->wait = line->wait;
	it->wait_ms = line->delay_ms;
	keep(&it->reason, line->text);
	if (line->text.len == 0)
		text_add_str(&it->reason, WAITS_FOR[line->wait]);
	it->told_state_due = true;
}

static void say_working(struct slot *s, const struct job_line *line)
{
	(void)line;
	s->iteration.wait_ms = -1;
	text_clear(&s->iteration.reason);
	s->iteration.told_state_due = true;
}

static void say_slice(struct slot *s, const struct job_line *line)
{
	(void)line;
	s->iteration.slice = true;
}

static void say_hold(struct slot *s, const struct job_line *line)
{
	s->iteration.hold = true;
	keep(&s->iteration.reason, line->text);
}

static void say_item(struct slot *s, const struct job_line *line)
{
	log_event(LOG_DEBUG, "job.item", LOG_SPAN("jid", s->job->jid), LOG_NUM("pid", s->child.pid),
		LOG_NUM("number", line->number), LOG_STR("step", job_item_step_name(line->step)),
		LOG_NUM("tries", line->tries), LOG_SPAN("text", line->text));
}

static void say_progress(struct slot *s, const struct job_line *line)
{
	s->said.news = job_is_tracked(s->job);
	s->said.progress_done = line->done;
	s->said.progress_total = line->total;
}

static void say_note(struct slot *s, const struct job_line *line)
{
	s->said.news = job_is_tracked(s->job);
	keep(&s->said.note, line->text);
}

static void say_result(struct slot *s, const struct job_line *line)
{
	s->said.news = job_is_tracked(s->job);
	keep(&s->said.result, line->text);
}

static void say_error(struct slot *s, const struct job_line *line)
{
	json_error_t where;
	json_t *root = json_loadb(
		line->text.at, line->text.len, JSON_ALLOW_NUL | JSON_DECODE_INT_AS_REAL, &where);

	if (!json_is_object(root)) {
		warn_once(s, "the word behind `error` is no JSON object");
	} else {
		keep_json_string(&s->said.exception, json_object_get(root, "exception"));
		keep_json_string(&s->said.message, json_object_get(root, "message"));
		keep_backtrace(&s->said.backtrace_json, json_object_get(root, "backtrace"));
	}
	json_decref(root);
}

static void say_delay(struct slot *s, const struct job_line *line)
{
	s->said.delay_ms = line->delay_ms;
}

static void say_done(struct slot *s, const struct job_line *line)
{
	s->said.done = true;
	s->said.done_status = line->status;
}

static void (*const SAY[])(struct slot *, const struct job_line *) = {
	[JOB_LINE_CURSOR] = say_cursor,
	[JOB_LINE_PROGRESS] = say_progress,
	[JOB_LINE_NOTE] = say_note,
	[JOB_LINE_RESULT] = say_result,
	[JOB_LINE_ERROR] = say_error,
	[JOB_LINE_DELAY] = say_delay,
	[JOB_LINE_DONE] = say_done,
	[JOB_LINE_PLAN] = say_plan,
	[JOB_LINE_ASIDE] = say_aside,
	[JOB_LINE_HEALED] = say_healed,
	[JOB_LINE_WAIT] = say_wait,
	[JOB_LINE_WORKING] = say_working,
	[JOB_LINE_SLICE] = say_slice,
	[JOB_LINE_HOLD] = say_hold,
	[JOB_LINE_ITEM] = say_item,
};

bool said_read_line(struct slot *s, struct span text)
{
	struct job_line line;
	struct err err;

	if (job_line_parse(&line, text, &err) < 0) {
		warn_once(s, err.text);
		return false;
	}
	if (s->each ? line.kind == JOB_LINE_CURSOR : line.kind > JOB_LINE_DONE) {
		warn_once(s, s->each ? "`cursor` is for jobs that are no `each`"
				     : "only the runtime of an `each` says that");
		return false;
	}
	if (line.kind == JOB_LINE_DONE && s->child_class == NULL) {
		warn_once(s, "`done` is only for children that are reused");
		return false;
	}
	SAY[line.kind](s, &line);
	return line.kind == JOB_LINE_DONE;
}

void said_fini(struct slot_said *said)
{
	text_fini(&said->exception);
	text_fini(&said->message);
	text_fini(&said->backtrace_json);
	text_fini(&said->result);
	text_fini(&said->note);
	*said = (struct slot_said){.progress_total = -1, .delay_ms = -1};
}

/* wire/job_line: reads the lines a job says. In droverd. Pure; every byte is a stranger's. */
#include "wire/job_line.h"

#include "base/json_scan.h"
#include "base/units.h"

#include <limits.h>
#include <string.h>

#define RESULT_MAX 65536

/* Digits alone, no sign, no space. */
static int parse_number(struct span s, int64_t max, int64_t *out)
{
	int64_t n = 0;

	if (s.len == 0)
		return -1;
	for (size_t i = 0; i < s.len; i++) {
		int digit = s.at[i] - '0';

		if (digit < 0 || digit > 9 || n > (max - digit) / 10)
			return -1;
		n = n * 10 + digit;
	}
	*out = n;
	return 0;
}

/* The part before the first space; what stands behind it stays in `s` (.at NULL: no space). */
static struct span cut_word(struct span *s)
{
	const char *space = memchr(s->at, ' ', s->len);
	struct span word = *s;

	if (!space) {
		*s = (struct span){NULL, 0};
		return word;
	}
	word.len = (size_t)(space - s->at);
	*s = (struct span){space + 1, s->len - word.len - 1};
	return word;
}

static int read_cursor(struct job_line *l, struct err *err)
{
	if (l->text.len == 0)
		return err_set(err, "cursor: no text behind it");
	if (l->text.len > JOB_CURSOR_MAX)
		return err_set(err, "cursor: %zu bytes, at most %d", l->text.len, JOB_CURSOR_MAX);
	if (memchr(l->text.at, '\0', l->text.len))
		return err_set(err, "cursor: a NUL byte in it");
	return 0;
}

static int read_progress(struct job_line *l, struct err *err)
{
	struct span rest = l->text;
	struct span done;

	l->total = -1;
	if (!rest.at)
		return err_set(err, "progress: a number is due");
	done = cut_word(&rest);
	if (parse_number(done, INT64_MAX, &l->done) != 0)
		return err_set(err, "progress: not a number");
	if (rest.at && parse_number(rest, INT64_MAX, &l->total) != 0)
		return err_set(err, "progress: the total is not a number");
	return 0;
}

static int read_note(struct job_line *l, struct err *err)
{
	(void)err;
	if (!l->text.at)
		l->text = SPAN_LIT("");
	return 0;
}

static int read_result(struct job_line *l, struct err *err)
{
	if (l->text.len > RESULT_MAX)
		return err_set(err, "result: %zu bytes, at most %d", l->text.len, RESULT_MAX);
	if (!l->text.at || json_scan(l->text, NULL, NULL, err) < 0)
		return l->text.at ? err_at(err, "result") : err_set(err, "result: JSON is due");
	return 0;
}

static int read_error(struct job_line *l, struct err *err)
{
	int kind;

	if (!l->text.at)
		return err_set(err, "error: a JSON object is due");
	kind = json_scan(l->text, NULL, NULL, err);
	if (kind < 0)
		return err_at(err, "error");
	if (kind != JSON_KIND_OBJECT)
		return err_set(err, "error: a JSON object is due");
	return 0;
}

static int read_delay(struct job_line *l, struct err *err)
{
	char text[32];

	if (!l->text.at || l->text.len >= sizeof text || memchr(l->text.at, '\0', l->text.len))
		return err_set(err, "delay: a duration is due, as 30s");
	memcpy(text, l->text.at, l->text.len);
	text[l->text.len] = '\0';
	if (units_parse_duration(text, &l->delay_ms) != 0 || l->delay_ms == UNITS_NONE)
		return err_set(err, "delay: a duration is due, as 30s");
	return 0;
}

static int read_done(struct job_line *l, struct err *err)
{
	int64_t status;

	if (!l->text.at || parse_number(l->text, 255, &status) != 0)
		return err_set(err, "done: an exit status is due");
	l->status = (int)status;
	return 0;
}

/* -- what only the runtime of an `each` says --------------------------------------------------- */

static int read_plan(struct job_line *l, struct err *err)
{
	struct span rest = l->text, total;

	if (!rest.at)
		return err_set(err, "plan: a number is due");
	total = cut_word(&rest);
	l->total = -1;
	if (!span_is(total, "-") && parse_number(total, INT64_MAX, &l->total) != 0)
		return err_set(err, "plan: the total is not a number");
	l->text = rest.at ? rest : SPAN_LIT("");
	return 0;
}

static int read_item_number(struct job_line *l, struct err *err)
{
	struct span rest = l->text;

	if (!rest.at || parse_number(cut_word(&rest), INT64_MAX, &l->number) != 0 || l->number < 1)
		return err_set(err, "the number of an item is due");
	l->text = rest.at ? rest : SPAN_LIT("");
	return 0;
}

static int read_aside(struct job_line *l, struct err *err)
{
	if (read_item_number(l, err) < 0)
		return err_at(err, "aside");
	if (json_scan(l->text, NULL, NULL, err) != JSON_KIND_OBJECT)
		return err_set(err, "aside: a JSON object is due");
	return 0;
}

static int read_healed(struct job_line *l, struct err *err)
{
	return read_item_number(l, err) < 0 ? err_at(err, "healed") : 0;
}

static const char *const WAITS[JOB_WAITS] = {
	[JOB_WAIT_THROTTLE] = "throttle", [JOB_WAIT_BACKOFF] = "backoff", [JOB_WAIT_RATE] = "rate"};

const char *job_wait_name(enum job_wait wait)
{
	return WAITS[wait];
}

static int read_wait(struct job_line *l, struct err *err)
{
	struct span rest = l->text.at ? l->text : SPAN_LIT(""), why = cut_word(&rest);
	bool known = false;

	for (int i = 0; i < JOB_WAITS; i++)
		if (span_is(why, WAITS[i])) {
			l->wait = (enum job_wait)i;
			known = true;
		}
	if (!known || !rest.at || parse_number(cut_word(&rest), INT64_MAX, &l->delay_ms) != 0)
		return err_set(err, "wait: throttle, backoff or rate and milliseconds are due");
	l->text = rest.at ? rest : SPAN_LIT("");
	return 0;
}

static const char *const STEPS[JOB_ITEM_STEPS] = {[JOB_ITEM_BEGUN] = "begun",
	[JOB_ITEM_DONE] = "done",
	[JOB_ITEM_RETRY] = "retry",
	[JOB_ITEM_FAILED] = "failed",
	[JOB_ITEM_MALFORMED] = "malformed",
	[JOB_ITEM_ABORTED] = "aborted",
	[JOB_ITEM_DIED] = "died",
	[JOB_ITEM_UNTOUCHED] = "untouched",
	[JOB_ITEM_ASIDE] = "aside"};

const char *job_item_step_name(enum job_item_step step)
{
	return STEPS[step];
}

static int read_item(struct job_line *l, struct err *err)
{
	struct span rest, word;
	bool known = false;

	if (read_item_number(l, err) < 0)
		return err_at(err, "item");
	rest = l->text;
	word = cut_word(&rest);
	for (int i = 0; i < JOB_ITEM_STEPS; i++)
		if (span_is(word, STEPS[i])) {
			l->step = (enum job_item_step)i;
			known = true;
		}
	if (!known || !rest.at || parse_number(cut_word(&rest), INT64_MAX, &l->tries) != 0)
		return err_set(err, "item: what became of it, and its tries are due");
	l->text = rest.at ? rest : SPAN_LIT("");
	return 0;
}

static const struct {
	const char *word;
	int (*read)(struct job_line *l, struct err *err);
} words[] = {
	[JOB_LINE_CURSOR] = {"cursor", read_cursor},
	[JOB_LINE_PROGRESS] = {"progress", read_progress},
	[JOB_LINE_NOTE] = {"note", read_note},
	[JOB_LINE_RESULT] = {"result", read_result},
	[JOB_LINE_ERROR] = {"error", read_error},
	[JOB_LINE_DELAY] = {"delay", read_delay},
	[JOB_LINE_DONE] = {"done", read_done},
	[JOB_LINE_PLAN] = {"plan", read_plan},
	[JOB_LINE_ASIDE] = {"aside", read_aside},
	[JOB_LINE_HEALED] = {"healed", read_healed},
	[JOB_LINE_WAIT] = {"wait", read_wait},
	[JOB_LINE_WORKING] = {"working", read_note},
	[JOB_LINE_SLICE] = {"slice", read_note},
	[JOB_LINE_HOLD] = {"hold", read_note},
	[JOB_LINE_ITEM] = {"item", read_item},
};

int job_line_parse(struct job_line *out, struct span line, struct err *err)
{
	struct span rest = line;
	struct span word;

	*out = (struct job_line){.total = -1};
	if (line.len > JOB_LINE_MAX)
		return err_set(err, "a line of %zu bytes, at most %d", line.len, JOB_LINE_MAX);
	if (line.len == 0)
		return err_set(err, "an empty line");
	word = cut_word(&rest);
	for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
		if (!span_is(word, words[i].word))
			continue;
		out->kind = (enum job_line_kind)i;
		out->text = rest;
		return words[i].read(out, err);
	}
	return err_set(err, "an unknown word");
}

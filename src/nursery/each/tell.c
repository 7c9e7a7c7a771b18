/* nursery/each/tell: see tell.h. */
#include "nursery/each/tell.h"

#include "base/clock.h"
#include "base/crash.h"
#include "nursery/job_socket.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

/* A line has JOB_LINE_MAX bytes: item, cursor and error take theirs in JSON, escapes included. */
enum {
	ITEM_MAX = 16384,
	ITEM_JSON_MAX = 20000,
	ERROR_MAX = 4000,
	ERROR_JSON_MAX = 16000,
	TEXT_MAX = 4000,
};

static void say(struct text *line)
{
	text_add_char(line, '\n');
	job_socket_say(line->data, line->len);
	text_fini(line);
}

static enum told ask(struct text *line, const char *point)
{
	char answer[8];

	(void)point;
	say(line);
	CRASH_POINT(point);
	if (job_socket_answer(answer, sizeof answer) != 0)
		return TOLD_NOTHING;
	return strcmp(answer, "go") == 0 ? TOLD_GO : TOLD_STOP;
}

/* Not in the middle of a character. */
static struct span cut(struct span s, size_t max)
{
	if (s.len <= max)
		return s;
	while (max > 0 && ((unsigned char)s.at[max] & 0xc0) == 0x80)
		max--;
	return (struct span){s.at, max};
}

/*
 * As much of `s` as becomes at most `json_max` bytes: control characters take six each. False where that
 * is not what it was.
 */
static bool add_json_cut(struct text *line, struct span s, size_t max, size_t json_max)
{
	size_t before = line->len, whole = s.len;

	for (s = cut(s, max);; s = cut(s, s.len * json_max / (line->len - before))) {
		if (line->len > before)
			line->data[line->len = before] = '\0';
		text_add_json(line, s);
		if (line->len - before <= json_max)
			return s.len == whole && utf8_valid(s);
	}
}

/* Of one line, and UTF-8. */
static void add_text(struct text *line, struct span s)
{
	size_t start = line->len;

	text_add_utf8(line, cut(s, TEXT_MAX));
	for (size_t i = start; i < line->len; i++)
		if (line->data[i] == '\n' || line->data[i] == '\0')
			line->data[i] = ' ';
}

enum told tell_aside(const struct tell_aside *a)
{
	struct text line = {0};
	char at[CLOCK_TEXT_SIZE];
	bool whole;

	text_addf(&line, "aside %lld {\"item\":", (long long)a->number);
	whole = add_json_cut(&line, a->item, ITEM_MAX, ITEM_JSON_MAX);
	text_add_str(&line, ",\"cursor\":");
	text_add_json(&line, a->cursor_before);
	text_add_str(&line, ",\"error\":");
	add_json_cut(&line, a->error, ERROR_MAX, ERROR_JSON_MAX);
	text_addf(&line, ",\"attempts\":%lld,\"at\":\"%s\"", (long long)a->attempts,
		clock_rfc3339(clock_wall_ms(), at));
	if (a->count > 1)
		text_addf(&line, ",\"count\":%lld", (long long)a->count);
	/* To be tried again it must be read again. */
	text_add_str(&line, whole && !a->part ? "}" : ",\"cut\":true}");
	return ask(&line, "child.aside");
}

enum told tell_healed(int64_t number)
{
	struct text line = {0};

	text_addf(&line, "healed %lld", (long long)number);
	return ask(&line, "child.healed");
}

/* Every second one goes; the first stays, for it is where all begins. */
static void thin_out(struct text *bounds)
{
	struct text kept = {0};
	char *rest = bounds->data, *bound;

	for (int i = 0; (bound = strsep(&rest, " ")); i++) {
		if (i % 2 != 0)
			continue;
		if (kept.len > 0)
			text_add_char(&kept, ' ');
		text_add_str(&kept, bound);
	}
	text_fini(bounds);
	*bounds = kept;
}

enum told tell_plan(int64_t total, struct span bounds)
{
	struct text line = {0}, fit = {0};

	text_add_span(&fit, bounds);
	while (fit.len > JOB_LINE_MAX - 64)
		thin_out(&fit);
	if (total < 0)
		text_add_str(&line, "plan -");
	else
		text_addf(&line, "plan %lld", (long long)total);
	if (fit.len > 0) {
		text_add_char(&line, ' ');
		text_add(&line, fit.data, fit.len);
	}
	text_fini(&fit);
	return ask(&line, "child.plan");
}

void tell_wait(enum job_wait why, int64_t ms, struct span text)
{
	struct text line = {0};

	text_addf(&line, "wait %s %lld", job_wait_name(why), (long long)ms);
	if (text.len > 0) {
		text_add_char(&line, ' ');
		add_text(&line, text);
	}
	say(&line);
}

static void say_word(const char *word)
{
	struct text line = {0};

	text_add_str(&line, word);
	say(&line);
}

void tell_working(void)
{
	say_word("working");
}

void tell_slice(void)
{
	say_word("slice");
}

void tell_hold(struct span text)
{
	struct text line = {0};

	text_add_str(&line, "hold ");
	add_text(&line, text);
	say(&line);
}

void tell_item(int64_t number, enum job_item_step step, int64_t tries, struct span text)
{
	struct text line = {0};

	text_addf(&line, "item %lld %s %lld ", (long long)number, job_item_step_name(step),
		(long long)tries);
	if (text.len > 0)
		add_text(&line, text);
	say(&line);
}

void tell_error(const char *exception, struct span message)
{
	struct text shown = {0};

	text_add_utf8(&shown, cut(message, 2 * TEXT_MAX));
	job_socket_error(span_of(exception), (struct span){shown.data, shown.len});
	text_fini(&shown);
}

/* As one write, where that can be: no line of the job's own comes in between. */
static void print(int fd, struct span bytes)
{
	struct text line = {0};
	size_t done = 0;

	text_add_span(&line, bytes);
	if (bytes.len == 0 || bytes.at[bytes.len - 1] != '\n')
		text_add_char(&line, '\n');
	while (done < line.len) {
		ssize_t n = write(fd, line.data + done, line.len - done);

		if (n < 0 && errno != EINTR)
			break; /* droverd is gone */
		if (n > 0)
			done += (size_t)n;
	}
	text_fini(&line);
}

void tell_log(const char *text)
{
	print(STDERR_FILENO, span_of(text));
}

void tell_output(struct span bytes)
{
	print(STDOUT_FILENO, bytes);
}

/*
 * cli/try_log: see try.h. In drover. What droverd's log tells of the job, and the blows that fall on
 * what it tells. It must never signal a process that is no child of the droverd we started.
 */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/process.h"
#include "cli/show.h"
#include "cli/try/try.h"

enum { IDLE_STARTS = 3, PARENT = 4 /* its place in /proc/PID/stat */ };

static struct span text_of(const json_t *event, const char *name)
{
	const json_t *value = json_object_get(event, name);

	return json_is_string(value)
		       ? (struct span){json_string_value(value), json_string_length(value)}
		       : (struct span){"", 0};
}

static long long number_of(const json_t *event, const char *name)
{
	return json_integer_value(json_object_get(event, name));
}

void try_give_up(struct try *t, const char *state, const char *why)
{
	t->over = true;
	text_clear(&t->state);
	text_clear(&t->trouble);
	text_add_str(&t->state, state);
	text_add_str(&t->trouble, why);
}

/* -- blows --------------------------------------------------------------------------------- */

static bool is_child(const struct try *t, pid_t pid)
{
	struct text stat = {0};
	bool is = process_read(&stat, pid, "stat") &&
		  process_stat_field(&stat, PARENT) == (unsigned long long)t->droverd;

	text_fini(&stat);
	return is;
}

/* If it is gone and its number another's, the signal goes nowhere. */
static bool kill_child(const struct try *t, pid_t pid)
{
	int fd = (int)syscall(SYS_pidfd_open, pid, 0);
	bool done = fd >= 0 && is_child(t, pid) &&
		    syscall(SYS_pidfd_send_signal, fd, SIGKILL, NULL, 0) == 0;

	if (fd >= 0)
		close(fd);
	return done;
}

static void strike(struct try *t, const json_t *event)
{
	t->since_kill++;
	if (t->kill_every == 0 || t->since_kill < t->kill_every ||
		!kill_child(t, (pid_t)number_of(event, "pid")))
		return;
	t->kills++;
	t->deaths_due++;
	t->since_kill = 0;
}

/* -- events -------------------------------------------------------------------------------- */

static void on_start(struct try *t, const json_t *event)
{
	(void)event;
	try_ledger_start(&t->ledger);
	if (t->ledger.idle_starts >= IDLE_STARTS)
		try_give_up(t, "stuck",
			"it does not get on: what it is started again for is done "
			"already");
}

static void on_item(struct try *t, const json_t *event)
{
	struct span step = text_of(event, "step");

	try_ledger_item(&t->ledger, number_of(event, "number"), step.at, text_of(event, "text"));
	if (span_is(step, "begun"))
		strike(t, event);
}

static void on_cursor(struct try *t, const json_t *event)
{
	try_ledger_cursor(
		&t->ledger, text_of(event, "cursor"), span_is(text_of(event, "answer"), "stop"));
	strike(t, event);
}

static void on_output(struct try *t, const json_t *event)
{
	struct text line = {0};

	text_add_str(&line, "| ");
	show_add_safe(&line, text_of(event, "line"));
	fprintf(stderr, "%s\n", line.data);
	if (strstr(line.data, "may be buffering its output"))
		t->buffers = true;
	text_fini(&line);
}

static void on_interrupted(struct try *t, const json_t *event)
{
	(void)event;
	t->interruptions++;
}

/* The process that was killed is the one that died. */
static void on_death(struct try *t, const json_t *event)
{
	struct span error = text_of(event, "error");

	if (t->deaths_due > 0)
		t->deaths_due--;
	else if (++t->failures > t->class->retries &&
		 !span_is(text_of(event, "event"), "job.item_tried"))
		try_give_up(t, "failed", error.at);
	try_ledger_death(&t->ledger);
}

static void on_end(struct try *t, const json_t *event)
{
	struct text why = {0};

	text_add_span(&why, text_of(event, "error"));
	text_add_span(&why, text_of(event, "reason"));
	try_give_up(t, text_of(event, "event").at + strlen("job."), why.data ? why.data : "");
	text_fini(&why);
}

static void on_ignored(struct try *t, const json_t *event)
{
	struct text line = {0};

	t->lines_ignored++;
	text_add_str(&line, "| a line on DROVER_FD was ignored: ");
	show_add_safe(&line, text_of(event, "error"));
	fprintf(stderr, "%s\n", line.data);
	text_fini(&line);
}

static void on_trouble(struct try *t, const json_t *event)
{
	try_give_up(t, "failed", text_of(event, "error").at);
}

static const struct {
	const char *event;
	void (*take)(struct try *t, const json_t *event);
} EVENTS[] = {
	{"job.start", on_start},
	{"job.item", on_item},
	{"job.cursor", on_cursor},
	{"job.output", on_output},
	{"job.interrupted", on_interrupted},
	{"job.retry", on_death},
	{"job.item_tried", on_death},
	{"job.line_ignored", on_ignored},
	{"job.done", on_end},
	{"job.failed", on_end},
	{"job.paused", on_end},
	{"job.cancelled", on_end},
	{"supervisor.failed", on_trouble},
	{"nursery.missing", on_trouble},
};

/* -- lines --------------------------------------------------------------------------------- */

static void take_line(struct try *t, const char *at, size_t len)
{
	json_t *event = json_loadb(at, len, JSON_ALLOW_NUL, NULL);
	struct span name = text_of(event, "event");

	for (size_t i = 0; i < sizeof EVENTS / sizeof *EVENTS && !t->over; i++)
		if (span_is(name, EVENTS[i].event)) {
			EVENTS[i].take(t, event);
			t->heard_ms = clock_mono_ms();
		}
	json_decref(event);
}

static void take_lines(struct try *t)
{
	size_t done = 0;
	const char *end;

	while (!t->over && (end = memchr(t->rest.data + done, '\n', t->rest.len - done)) != NULL) {
		size_t len = (size_t)(end - t->rest.data) - done;

		take_line(t, t->rest.data + done, len);
		done += len + 1;
	}
	text_drop_front(&t->rest, done);
}

bool try_read_log(struct try *t)
{
	char bytes[65536];
	ssize_t n = read(t->log, bytes, sizeof bytes);

	if (n <= 0)
		return false;
	text_add(&t->rest, bytes, (size_t)n);
	take_lines(t);
	return true;
}

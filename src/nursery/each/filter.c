/* nursery/each/filter: see filter.h. */
#include "nursery/each/filter.h"

#include "base/clock.h"
#include "base/must.h"
#include "nursery/each/terminal.h"
#include "nursery/each/tell.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* READ_SIZE: there is always room for so much, also where what came before is too long. */
enum { SILENCE_MS = 5000, END_MS = 2000, READ_SIZE = 4096 };

static void on_broken_pipe(int signal)
{
	(void)signal;
}

/* A handler, not SIG_IGN: that would be inherited by every program we start. */
void filter_init(struct filter *f, const struct job_message *m)
{
	const struct sigaction broken = {.sa_handler = on_broken_pipe, .sa_flags = SA_RESTART};

	*f = (struct filter){.m = m, .in = -1, .out = -1};
	f->is_known = (m->each.flags & JOB_EACH_TTY) != 0;
	f->bytes = must_alloc(FILTER_ANSWER_MAX + READ_SIZE);
	sigaction(SIGPIPE, &broken, NULL);
}

static const char *name_of(const struct filter *f)
{
	return job_argv(f->m)[0];
}

/* -- its life ---------------------------------------------------------------------------------- */

static int open_output(const struct filter *f, int ends[2], struct err *err)
{
	if (f->m->each.flags & JOB_EACH_TTY)
		return terminal_open(ends, err);
	return program_pipe(ends, 0, err);
}

static int start(struct filter *f, struct err *err)
{
	int in[2], out[2], started;

	if (program_pipe(in, 1, err) != 0)
		return -1;
	if (open_output(f, out, err) != 0) {
		close(in[0]);
		close(in[1]);
		return -1;
	}
	f->in = in[1];
	f->out = out[0];
	f->has_answered = false;
	started = program_start(&f->program, f->m, f->m->lists[JOB_ARGV], in[0], out[1], err);
	close(in[0]);
	close(out[1]);
	return started;
}

static void hang_up(struct filter *f)
{
	if (f->in >= 0)
		close(f->in);
	if (f->out >= 0)
		close(f->out);
	f->in = f->out = -1;
}

/* So much of what it was given it has not even read. */
static size_t unread(const struct filter *f)
{
	int n = 0;

	return ioctl(f->in, FIONREAD, &n) == 0 && n > 0 ? (size_t)n : 0;
}

/* It has closed its output, or is gone. */
static void bury(struct filter *f, struct err *err)
{
	struct text how = {0};
	bool over = program_is_over(&f->program, END_MS);

	hang_up(f);
	program_kill(&f->program);
	text_add_str(&how, "the filter ");
	if (over)
		program_add_end(&how, &f->program);
	else
		text_add_str(&how, "closed its output");
	err_set(err, "%s", how.data);
	text_fini(&how);
}

/* -- question and answer ----------------------------------------------------------------------- */

/* 1: something came; 0: nothing more ever will; -1: nothing is there. */
static int fill(struct filter *f)
{
	ssize_t n;

	if (f->len > FILTER_ANSWER_MAX) {
		f->is_cut = true;
		f->len = FILTER_ANSWER_MAX;
	}
	do
		n = read(f->out, f->bytes + f->len, FILTER_ANSWER_MAX + READ_SIZE - f->len);
	while (n < 0 && errno == EINTR);
	if (n > 0)
		f->len += (size_t)n;
	else if (n < 0 && errno == EAGAIN)
		return -1;
	return n > 0;
}

/* Who prints to a terminal that is closed on the other side is told so by EIO, as we are. */
static bool wait_for_output(struct filter *f)
{
	struct pollfd p[] = {{f->out, POLLIN, 0}, {f->program.held, POLLIN, 0}};
	int n;

	do
		n = poll(p, 2, f->is_known ? -1 : SILENCE_MS);
	while (n < 0 && errno == EINTR);
	if (n == 0) {
		struct text hint = {0};

		text_addf(&hint,
			"%s may be buffering its output: flush after each line, or set filter_tty",
			name_of(f));
		tell_log(hint.data);
		text_fini(&hint);
		f->is_known = true;
	}
	return n == 0 || p[0].revents != 0;
}

static void take_stray(struct filter *f, const char *at, size_t len)
{
	if (len == 0)
		return;
	if (!f->was_talkative)
		tell_log("the filter prints more than a line an item: the first is its answer");
	f->was_talkative = true;
	tell_output((struct span){at, len});
}

/* What comes after the line is no answer to anything. */
static void take_line(struct filter *f, char *end, struct span *answer)
{
	size_t len = (size_t)(end - f->bytes);

	take_stray(f, end + 1, f->len - len - 1);
	if (len > FILTER_ANSWER_MAX) {
		f->is_cut = true;
		len = FILTER_ANSWER_MAX;
	}
	if (len > 0 && f->bytes[len - 1] == '\r')
		len--;
	*answer = (struct span){f->bytes, len};
	f->has_answered = f->is_known = true;
}

static bool find_line(struct filter *f, size_t from, struct span *answer)
{
	char *end = from < f->len ? memchr(f->bytes + from, '\n', f->len - from) : NULL;

	if (!end)
		return false;
	take_line(f, end, answer);
	return true;
}

/* False: it died. */
static bool receive(struct filter *f, struct span *answer)
{
	if (find_line(f, 0, answer))
		return true;
	while (wait_for_output(f)) {
		size_t from = f->len > FILTER_ANSWER_MAX ? FILTER_ANSWER_MAX : f->len;
		int got = fill(f);

		if (got == 0)
			return false;
		if (got > 0 && find_line(f, from, answer))
			return true;
	}
	return false;
}

/* A long line does not fit into the pipe; it may even print before it has read all of it. */
static bool wait_for_room(struct filter *f)
{
	struct pollfd p[] = {
		{f->in, POLLOUT, 0}, {f->out, POLLIN, 0}, {f->program.held, POLLIN, 0}};

	while (poll(p, 3, -1) < 0 && errno == EINTR)
		continue;
	if (p[1].revents && fill(f) == 0)
		return false;
	return p[0].revents || p[1].revents;
}

/* False: it died. */
static bool send_line(struct filter *f, struct span line)
{
	while (line.len > 0) {
		ssize_t n = write(f->in, line.at, line.len);

		if (n >= 0) {
			line.at += n;
			line.len -= (size_t)n;
			f->sent += (size_t)n;
		} else if (errno == EAGAIN) {
			if (!wait_for_room(f))
				return false;
		} else if (errno != EINTR) {
			return false;
		}
	}
	return true;
}

/*
 * What was printed since the last answer is to be gone before the next question, or it would be
 * taken for the next answer. False: it has ended meanwhile.
 */
static bool is_ready(struct filter *f)
{
	int got;

	f->len = f->sent = 0;
	f->is_cut = false;
	while ((got = fill(f)) > 0) {
		take_stray(f, f->bytes, f->len);
		f->len = 0;
	}
	return got < 0;
}

/*
 * One that ends after an answer, as some do after so many, has not begun the next item if it has
 * not read of it: another one is given it, as if nothing had been.
 */
int filter_ask(struct filter *f, struct span line, struct span *answer, struct err *err)
{
	bool begun;

	do {
		if (f->program.pid == 0 && start(f, err) != 0) {
			hang_up(f);
			return -1;
		}
		if (is_ready(f) && send_line(f, line) && receive(f, answer))
			return 1;
		begun = !f->has_answered || unread(f) < f->sent;
		bury(f, err);
	} while (!begun);
	return 0;
}

/* -- the end ----------------------------------------------------------------------------------- */

/* What it prints at its end is for the log. */
static void drain(struct filter *f, int64_t until_ms)
{
	struct pollfd p = {f->out, POLLIN, 0};

	for (;;) {
		int64_t left_ms = until_ms - clock_mono_ms();

		if (left_ms <= 0 || poll(&p, 1, (int)left_ms) <= 0)
			return;
		f->len = 0;
		if (fill(f) == 0)
			return;
		tell_output((struct span){f->bytes, f->len});
	}
}

static void say_end(const struct filter *f, bool over)
{
	struct text line = {0};

	text_addf(&line, "%s ", name_of(f));
	if (over)
		program_add_end(&line, &f->program);
	else
		text_add_str(&line, "was ended: it went on after the end of its input");
	tell_log(line.data);
	text_fini(&line);
}

void filter_close(struct filter *f)
{
	int64_t until_ms = clock_mono_ms() + END_MS, left_ms;
	bool over;

	if (f->program.pid != 0) {
		close(f->in);
		f->in = -1;
		drain(f, until_ms);
		left_ms = until_ms - clock_mono_ms();
		over = program_is_over(&f->program, left_ms > 0 ? (int)left_ms : 0);
		program_kill(&f->program);
		if (!over || f->program.status != 0)
			say_end(f, over);
	}
	hang_up(f);
	free(f->bytes);
	f->bytes = NULL;
}

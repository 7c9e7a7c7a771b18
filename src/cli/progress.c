/* cli/progress: see progress.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/clock.h"
#include "cli/jobs.h"
#include "cli/progress.h"
#include "cli/show.h"

#define EACH_MS 5000
#define BAR	24

void progress_init(struct progress *p)
{
	const char *term = getenv("TERM");
	struct winsize size;

	*p = (struct progress){.said_ms = clock_mono_ms()};
	p->terminal = isatty(STDERR_FILENO) && !(term && strcmp(term, "dumb") == 0);
	if (p->terminal && ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0)
		p->width = size.ws_col;
}

static void add_bar(struct text *out, const struct drover_job_info *job, size_t bar)
{
	long long passed = job->done + (job->errors > 0 ? job->errors : 0);
	size_t full;

	if (bar == 0 || job->total <= 0 || job->done < 0)
		return;
	full = passed < job->total ? (size_t)((double)passed / (double)job->total * (double)bar)
				   : bar;
	text_add_char(out, '[');
	for (size_t i = 0; i < bar; i++)
		text_add_char(out, i < full ? '#' : '.');
	text_add_str(out, "] ");
}

static void add_state(struct text *out, const struct drover_job_info *job)
{
	if (span_is(cli_span(job->state), "running"))
		return;
	text_add_str(out, out->len ? ", " : "");
	show_add_safe(out, cli_span(job->state));
	if (job->reason.len)
		text_add_str(out, ": ");
	show_add_safe(out, cli_span(job->reason));
}

void progress_write(struct text *out, const struct drover_job_info *job, size_t bar)
{
	char text[32];

	add_bar(out, job, bar);
	jobs_say_progress(out, job);
	if (job->speed > 0)
		text_addf(out, ", %s", jobs_say_speed(job->speed, text));
	if (job->eta_ms >= 0)
		text_addf(out, ", about %s left", show_age(job->eta_ms, text));
	if (job->errors > 0)
		text_addf(out, ", %lld failed", job->errors);
	add_state(out, job);
	if (job->note.len)
		text_add_str(out, ", ");
	show_add_safe(out, cli_span(job->note));
}

/* A line that is cut may not be cut within a character. */
static size_t fit(const struct text *line, size_t width)
{
	size_t at = 0;

	for (size_t n = 0; at < line->len && (width == 0 || n + 1 < width); n++) {
		size_t len = utf8_sequence(line->data + at, line->len - at);

		at += len ? len : 1;
	}
	return at;
}

static void draw(struct progress *p, const struct text *line)
{
	fprintf(stderr, "\r%.*s\033[K", (int)fit(line, p->width), line->data ? line->data : "");
	fflush(stderr);
	p->drawn = true;
}

void progress_look(void *ctx, const struct drover_job_info *job)
{
	struct progress *p = ctx;
	struct text line = {0};
	int64_t now = clock_mono_ms();

	if (!job) {
		if (p->drawn)
			fputc('\n', stderr);
		p->drawn = false;
		return;
	}
	if (!p->terminal && now - p->said_ms < EACH_MS)
		return;
	progress_write(&line, job, p->terminal ? BAR : 0);
	if (p->terminal)
		draw(p, &line);
	else
		fprintf(stderr, "%.*s: %s\n", (int)job->jid.len, job->jid.at,
			line.data ? line.data : "");
	p->said_ms = now;
	text_fini(&line);
}

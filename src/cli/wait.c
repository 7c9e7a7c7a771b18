/* cli/wait: see wait.h. */
#include <time.h>

#include "base/clock.h"
#include "base/units.h"
#include "cli/jobs.h"
#include "cli/wait.h"

#define POLL_MOST_MS  500
#define REDIS_AWAY_MS 30000 /* how long a Redis that is away is waited for */

int wait_read(const struct args *args, int64_t *most_ms)
{
	const char *text = args_value(args, "--wait");

	*most_ms = UNITS_NONE;
	if (text && units_parse_duration(text, most_ms) < 0)
		return cli_fail(CLI_USAGE, "--wait=%s is no duration such as 30s or 10m", text);
	return CLI_OK;
}

struct ending {
	struct cli *cli;
	bool over;
	int code;
	struct text why; /* of a failure */
	struct doc doc;
	wait_look_fn *look;
	void *ctx;
};

static void look(void *ctx, const struct drover_job_info *job)
{
	struct ending *e = ctx;
	struct span state = cli_span(job->state);
	bool done = span_is(state, "done");

	text_clear(&e->doc.text);
	e->doc.more = false;
	jobs_add_doc(&e->doc, job);
	e->over = done || span_is(state, "failed") || span_is(state, "cancelled");
	e->code = done ? CLI_OK : CLI_ERROR;
	if (e->look)
		e->look(e->ctx, job);
	if (!e->over || done)
		return;
	text_clear(&e->why);
	text_add_span(&e->why, state);
	if (job->exception.len)
		text_add_str(&e->why, ": ");
	text_add_span(&e->why, cli_span(job->exception));
	if (job->error.len)
		text_add_str(&e->why, ": ");
	text_add_span(&e->why, cli_span(job->error));
}

void wait_pause(int64_t *pause_ms, int64_t most_ms)
{
	int64_t ms = *pause_ms < most_ms ? *pause_ms : most_ms;

	nanosleep(&(struct timespec){.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000}, NULL);
	*pause_ms = *pause_ms * 3 / 2 < POLL_MOST_MS ? *pause_ms * 3 / 2 : POLL_MOST_MS;
}

/* Whoever looked on has the last word before ours. */
static int ends(const struct ending *e, int code)
{
	if (e->look)
		e->look(e->ctx, NULL);
	return code;
}

/* The record is only read, so a Redis that goes away is asked again. */
static int wait_for_end(struct ending *e, const char *jid, int64_t most_ms)
{
	int64_t begin = clock_mono_ms(), answered = begin, pause = WAIT_FIRST_MS;

	for (;;) {
		struct drover_error error;
		int rc = drover_job_find_run(e->cli->client, jid, look, e, &error);
		int64_t now = clock_mono_ms(),
			left = most_ms == UNITS_NONE ? pause : begin + most_ms - now;

		if (rc < 0 && error.kind == DROVER_E_NOT_FOUND)
			return cli_fail(ends(e, CLI_WAIT_ERROR),
				"there is no record of %s: nobody can say how it ended", jid);
		if (rc < 0 && error.kind != DROVER_E_UNREACHABLE)
			return cli_fail(ends(e, CLI_WAIT_ERROR), "%s", error.text);
		if (rc < 0 && now - answered > REDIS_AWAY_MS)
			return ends(e, 0), cli_fail_client(&error);
		answered = rc == 0 ? now : answered;
		if (rc == 0 && e->over)
			return ends(e, e->code);
		if (left <= 0)
			return cli_fail(ends(e, CLI_TIME_OVER), "%s has not ended in time", jid);
		wait_pause(&pause, left);
	}
}

int wait_until_ended(
	struct cli *cli, const char *jid, int64_t most_ms, wait_look_fn *look_too, void *ctx)
{
	struct ending e = {.cli = cli, .look = look_too, .ctx = ctx};
	int code = wait_for_end(&e, jid, most_ms);

	if (e.over && e.why.len)
		cli_fail(0, "%s %.*s", jid, (int)e.why.len, e.why.data);
	if (cli->json && e.doc.text.len)
		cli_add_doc(cli, &e.doc);
	text_fini(&e.doc.text);
	text_fini(&e.why);
	return code;
}

/* drover cancel JID: a waiting job is taken out, a running one is ended by its supervisor. */
#include <stdio.h>
#include <time.h>

#include "base/clock.h"
#include "base/units.h"
#include "cli/cli.h"

#define POLL_FIRST_MS 50
#define POLL_MOST_MS  500

static const struct args_option options[] = {
	{"--wait", ARGS_MAYBE, "DURATION", "until a running one has ended, or so long (30s, 10m)"},
	{0},
};

/* -- waiting ------------------------------------------------------------------------------- */

struct sight {
	bool held; /* a supervisor has it, or will take it and find that it is cancelled */
	char state[32];
};

static void look(void *ctx, const struct drover_job_info *job)
{
	struct sight *s = ctx;
	struct span state = cli_span(job->state);

	s->held = !span_is(state, "done") && !span_is(state, "failed") &&
		  !span_is(state, "cancelled");
	snprintf(s->state, sizeof s->state, "%.*s", (int)state.len, state.at);
}

static void sleep_ms(int64_t ms)
{
	nanosleep(&(struct timespec){.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000}, NULL);
}

/* A job without a record that is nowhere any more has ended: how, nobody noted. */
static int wait_for_end(struct cli *cli, const char *jid, int64_t most_ms, struct sight *s)
{
	int64_t begin = clock_mono_ms(), pause = POLL_FIRST_MS;

	for (;;) {
		struct drover_error error;
		int rc = drover_job_find(cli->client, jid, look, s, &error);

		if (rc < 0 && error.kind == DROVER_E_NOT_FOUND) {
			snprintf(s->state, sizeof s->state, "cancelled");
			return CLI_OK;
		}
		if (rc < 0)
			return cli_fail_client(&error);
		if (!s->held)
			return CLI_OK;
		if (most_ms != UNITS_NONE && clock_mono_ms() - begin >= most_ms)
			return cli_fail(CLI_TIME_OVER, "%s has not ended in time", jid);
		sleep_ms(pause);
		pause = pause * 3 / 2 < POLL_MOST_MS ? pause * 3 / 2 : POLL_MOST_MS;
	}
}

/* -- the verb ------------------------------------------------------------------------------ */

static void say(struct cli *cli, const char *jid, const struct drover_cancel *c)
{
	static const struct {
		const char *word, *before, *behind;
	} how[] = {[DROVER_CANCELLED] = {"cancelled", "cancelled; it was ", ""},
		[DROVER_CANCEL_ASKED] = {"asked", "it is ", ": its supervisor will end it"},
		[DROVER_CANCEL_ENDED] = {"ended", "it is ", " already"}};
	struct doc doc = {0};

	if (!cli->json) {
		text_addf(&cli->out, "%s%s%s\n", how[c->how].before, c->state, how[c->how].behind);
		return;
	}
	doc_open(&doc, NULL, '{');
	doc_text(&doc, "jid", span_of(jid));
	doc_text(&doc, "how", span_of(how[c->how].word));
	doc_text(&doc, "state", span_of(c->state));
	doc_close(&doc, '}');
	cli_add_doc(cli, &doc);
}

/* Whoever cancels wants it not to have been done: that is an error, twice cancelled is none. */
static int judge_end(const char *jid, const char *state)
{
	if (span_is(span_of(state), "cancelled"))
		return CLI_OK;
	return cli_fail(CLI_ERROR, "%s could not be cancelled: it %s already", jid,
		span_is(span_of(state), "failed") ? "has failed" : "is done");
}

static int cancel_and_wait(struct cli *cli, const char *jid, int64_t most_ms)
{
	struct drover_cancel c = {.how = DROVER_CANCELLED};
	struct sight s = {0};
	int code = wait_for_end(cli, jid, most_ms, &s);

	if (code != CLI_OK)
		return code;
	code = judge_end(jid, s.state);
	snprintf(c.state, sizeof c.state, "running");
	if (code == CLI_OK)
		say(cli, jid, &c);
	return code;
}

static int run(struct cli *cli)
{
	const char *jid = cli->args.words[0], *text = args_value(&cli->args, "--wait");
	int64_t most_ms = UNITS_NONE;
	struct drover_cancel answer;
	struct drover_error error;
	int code = CLI_OK;

	if (text && units_parse_duration(text, &most_ms) < 0)
		return cli_fail(CLI_USAGE, "--wait=%s is no duration such as 30s or 10m", text);
	if (drover_job_cancel(cli->client, jid, &answer, &error) < 0)
		return cli_fail_client(&error);
	if (answer.how == DROVER_CANCEL_ASKED && args_has(&cli->args, "--wait"))
		return cancel_and_wait(cli, jid, most_ms);
	if (answer.how == DROVER_CANCEL_ENDED)
		code = judge_end(jid, answer.state);
	if (code == CLI_OK || cli->json)
		say(cli, jid, &answer);
	return code;
}

const struct cli_verb verb_cancel = {.name = "cancel",
	.synopsis = "JID [--wait[=DURATION]]",
	.summary = "a job that waits is taken out, one that runs is ended by its supervisor",
	.words_min = 1,
	.words_max = 1,
	.options = options,
	.run = run};

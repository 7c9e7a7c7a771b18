/* drover cancel JID: a waiting job is taken out, a running one is ended by its supervisor. */
#include <stdio.h>

#include "base/clock.h"
#include "base/units.h"
#include "cli/wait.h"

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

/* A job without a record that is nowhere any more has ended: how, nobody noted. */
static int wait_for_end(struct cli *cli, const char *jid, int64_t most_ms, struct sight *s)
{
	int64_t begin = clock_mono_ms(), pause = WAIT_FIRST_MS;

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
		wait_pause(&pause, INT64_MAX);
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

/* A run whose jobs all wait has no supervisor that could tell what follows. */
struct follow {
	const struct conf *conf;
	struct drover_follow job;
};

static void find_follow(void *ctx, const struct drover_job_info *job)
{
	struct follow *f = ctx;
	const struct conf_class *c = conf_find_class(f->conf, cli_span(job->class_name));

	if (c && job->each)
		f->job = (struct drover_follow){.class_name = c->on_cancel.class_name,
			.queue = c->on_cancel.queue,
			.args = c->on_cancel.args_json};
}

static int cancel(struct cli *cli, const char *jid, struct drover_cancel *answer)
{
	struct follow f = {.conf = cli->conf};
	struct drover_error error = {0};
	int rc = 0;

	if (cli->conf->n_classes > 0)
		rc = drover_job_find_run(cli->client, jid, find_follow, &f, &error);
	if (rc == 0 || error.kind == DROVER_E_NOT_FOUND)
		rc = drover_job_cancel(
			cli->client, jid, f.job.class_name ? &f.job : NULL, answer, &error);
	return rc < 0 ? cli_fail_client(&error) : CLI_OK;
}

static int run(struct cli *cli)
{
	const char *jid = cli->args.words[0];
	struct drover_cancel answer;
	int64_t most_ms;
	int code = wait_read(&cli->args, &most_ms);

	if (code == CLI_OK)
		code = cancel(cli, jid, &answer);
	if (code != CLI_OK)
		return code;
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

/* drover resume JID | --all: what was paused goes on. */
#include "cli/runs.h"

static const struct args_option options[] = {
	{"--all", ARGS_FLAG, NULL, "what pause --all has paused"},
	{0},
};

static int resume_all(struct cli *cli)
{
	struct drover_error error;
	struct drover_stats stats;
	int was = drover_resume_all(cli->client, &error);

	if (was < 0 || drover_stats_read(cli->client, &stats, &error) < 0)
		return cli_fail_client(&error);
	runs_say_all(cli, stats.paused, was ? "resumed" : "it was not paused");
	if (stats.paused)
		cli_fail(0, "Resque's own pause-all-workers is set: nothing is started until it "
			    "is taken away");
	return CLI_OK;
}

static int run(struct cli *cli)
{
	const char *jid;
	struct drover_run_change change;
	struct drover_error error;
	int code = runs_read_which(cli, &jid);

	if (code != CLI_OK)
		return code;
	if (!jid)
		return resume_all(cli);
	if (drover_run_resume(cli->client, jid, &change, &error) < 0)
		return cli_fail_client(&error);
	if (span_is(span_of(change.state), "paused"))
		runs_say(cli, jid, "resumed", &change,
			"resumed: it goes on when its turn in its queue comes");
	else
		runs_say(cli, jid, "resumed", &change, "resumed: it had not been stopped yet");
	return CLI_OK;
}

const struct cli_verb verb_resume = {.name = "resume",
	.synopsis = "JID | --all",
	.summary = "a paused run goes on, from the end of its queue; or everything does",
	.words_max = 1,
	.options = options,
	.run = run};

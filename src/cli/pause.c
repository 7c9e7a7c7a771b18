/* drover pause JID | --all --reason TEXT: runs stop behind the item in hand. */
#include "cli/runs.h"

static const struct args_option options[] = {
	{"--all", ARGS_FLAG, NULL, "everything, everywhere: nothing is started any more"},
	{"--reason", ARGS_VALUE, "TEXT", "why, for those who look"},
	{0},
};

static int pause_all(struct cli *cli, const char *reason)
{
	struct drover_error error;

	if (!reason || !*reason)
		return cli_fail(CLI_USAGE, "--all wants a --reason: others will ask for it");
	if (drover_pause_all(cli->client, reason, &error) < 0)
		return cli_fail_client(&error);
	runs_say_all(cli, true,
		"everything is paused: no job is started, runs stop behind the item in hand");
	return CLI_OK;
}

static int run(struct cli *cli)
{
	const char *jid, *reason = args_value(&cli->args, "--reason");
	struct drover_run_change change;
	struct drover_error error;
	int code = runs_read_which(cli, &jid);

	if (code != CLI_OK)
		return code;
	if (!jid)
		return pause_all(cli, reason);
	if (drover_run_pause(cli->client, jid, reason, &change, &error) < 0)
		return cli_fail_client(&error);
	if (span_is(span_of(change.state), "running") || span_is(span_of(change.state), "pausing"))
		runs_say(cli, jid, "asked", &change, "it stops behind the item in hand");
	else
		runs_say(cli, jid, "asked", &change,
			"it has not begun to run: it is held back when its turn comes");
	return CLI_OK;
}

const struct cli_verb verb_pause = {.name = "pause",
	.synopsis = "JID | --all [--reason TEXT]",
	.summary = "a run stops behind the item in hand; or everything is paused",
	.words_max = 1,
	.options = options,
	.run = run};

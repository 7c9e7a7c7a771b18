/* drover retry-errors JID: the items of a run that failed are tried again, and no others. */
#include <stdio.h>

#include "cli/runs.h"

static int run(struct cli *cli)
{
	const char *jid = cli->args.words[0];
	struct drover_run_change change;
	struct drover_error error;
	char sentence[80];

	if (drover_run_retry_errors(cli->client, jid, &change, &error) < 0)
		return cli_fail_client(&error);
	snprintf(sentence, sizeof sentence, "%lld item%s tried again", change.items,
		change.items == 1 ? " is" : "s are");
	runs_say(cli, jid, "queued", &change, sentence);
	return CLI_OK;
}

const struct cli_verb verb_retry_errors = {.name = "retry-errors",
	.synopsis = "JID",
	.summary = "the items of a run that failed are tried again, in the same run",
	.words_min = 1,
	.words_max = 1,
	.run = run};

/* drover rate JID N/s: how fast a run may go, from now on. */
#include <stdio.h>

#include "base/units.h"
#include "cli/runs.h"

static int run(struct cli *cli)
{
	const char *jid = cli->args.words[0], *text = cli->args.words[1];
	struct drover_run_change change;
	struct drover_error error;
	int64_t items, per_ms;
	char sentence[80], rate[32];

	if (units_parse_rate(text, &items, &per_ms) < 0)
		return cli_fail(CLI_USAGE, "%s is no rate such as 50/s, 1000/m or none", text);
	if (drover_run_rate(cli->client, jid, items, per_ms, &change, &error) < 0)
		return cli_fail_client(&error);
	if (items)
		snprintf(sentence, sizeof sentence, "at most %s from now on",
			units_format_rate(items, per_ms, rate));
	else
		snprintf(sentence, sizeof sentence, "as fast as it goes, from now on");
	runs_say(cli, jid, "changed", &change, sentence);
	return CLI_OK;
}

const struct cli_verb verb_rate = {.name = "rate",
	.synopsis = "JID N/s | N/m | N/h | none",
	.summary = "how fast a run may go, all its parts together, from now on",
	.words_min = 2,
	.words_max = 2,
	.run = run};

/* cli/runs: see runs.h. */
#include "cli/runs.h"

void runs_say(struct cli *cli, const char *jid, const char *how,
	const struct drover_run_change *change, const char *sentence)
{
	struct doc doc = {0};

	if (!cli->json) {
		text_addf(&cli->out, "%s\n", sentence);
		return;
	}
	doc_open(&doc, NULL, '{');
	doc_text(&doc, "jid", span_of(jid));
	doc_text(&doc, "how", span_of(how));
	doc_text(&doc, "state", span_of(change->state));
	if (change->items >= 0)
		doc_number(&doc, "items", change->items);
	doc_close(&doc, '}');
	cli_add_doc(cli, &doc);
}

void runs_say_all(struct cli *cli, bool paused, const char *sentence)
{
	struct doc doc = {0};

	if (!cli->json) {
		text_addf(&cli->out, "%s\n", sentence);
		return;
	}
	doc_open(&doc, NULL, '{');
	doc_bool(&doc, "paused", paused);
	doc_close(&doc, '}');
	cli_add_doc(cli, &doc);
}

int runs_read_which(const struct cli *cli, const char **jid)
{
	*jid = cli->args.n_words ? cli->args.words[0] : NULL;
	if ((*jid != NULL) == args_has(&cli->args, "--all"))
		return cli_fail(CLI_USAGE, "either the jid of a run or --all");
	return CLI_OK;
}

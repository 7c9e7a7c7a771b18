/* drover job JID: everything known of one job. */
#include "cli/jobs.h"

static void print(void *ctx, const struct drover_job_info *job)
{
	struct cli *cli = ctx;
	struct doc doc = {0};

	if (!cli->json) {
		jobs_add_lines(&cli->out, job);
		return;
	}
	jobs_add_doc(&doc, job);
	cli_add_doc(cli, &doc);
}

static int run(struct cli *cli)
{
	struct drover_error error;

	if (drover_job_find(cli->client, cli->args.words[0], print, cli, &error) < 0)
		return cli_fail_client(&error);
	return CLI_OK;
}

const struct cli_verb verb_job = {.name = "job",
	.synopsis = "JID",
	.summary = "everything known of one job",
	.words_min = 1,
	.words_max = 1,
	.run = run};

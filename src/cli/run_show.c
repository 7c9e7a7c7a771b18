/* drover run-show JID: everything known of one run, and its parts. */
#include "cli/jobs.h"

struct showing {
	struct cli *cli;
	bool tracked;
};

static void print(void *ctx, const struct drover_job_info *job)
{
	struct showing *s = ctx;
	struct doc doc = {0};

	s->tracked = job->tracked;
	if (!job->tracked)
		return;
	if (s->cli->json) {
		jobs_add_doc(&doc, job);
		cli_add_doc(s->cli, &doc);
		return;
	}
	jobs_add_lines(&s->cli->out, job);
	jobs_add_parts(s->cli, job);
}

static int run(struct cli *cli)
{
	struct showing s = {.cli = cli};
	const char *jid = cli->args.words[0];
	struct drover_error error;

	if (drover_job_find(cli->client, jid, print, &s, &error) < 0)
		return cli_fail_client(&error);
	return s.tracked ? CLI_OK : cli_fail(CLI_NOT_FOUND, "no record of a run %s", jid);
}

const struct cli_verb verb_run_show = {.name = "run-show",
	.synopsis = "JID",
	.summary = "everything known of one run: how far it is, its parts, what happened to it",
	.words_min = 1,
	.words_max = 1,
	.run = run};

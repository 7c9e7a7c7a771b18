/* drover stats: how many of everything. */
#include "cli/cli.h"

static int run(struct cli *cli)
{
	struct drover_stats s;
	struct drover_error error;
	struct doc doc = {0};

	if (drover_stats_read(cli->client, &s, &error) < 0)
		return cli_fail_client(&error);

	const struct {
		const char *name;
		long long n;
	} rows[] = {{"processed", s.processed}, {"failed", s.failed}, {"waiting", s.waiting},
		{"delayed", s.delayed}, {"delayed_resque", s.delayed_resque}, {"parked", s.parked},
		{"failed_records", s.failed_records}, {"queues", s.queues}, {"workers", s.workers},
		{"working", s.working}, {"supervisors", s.supervisors}};

	doc_open(&doc, NULL, '{');
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		doc_number(&doc, rows[i].name, rows[i].n);
	doc_bool(&doc, "paused", s.paused);
	doc_number(&doc, "paused_jobs", s.paused_jobs);
	doc_close(&doc, '}');
	if (cli->json) {
		cli_add_doc(cli, &doc);
		return CLI_OK;
	}
	text_fini(&doc.text);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		text_addf(&cli->out, "%-15s %lld\n", rows[i].name, rows[i].n);
	text_addf(&cli->out, "%-15s %lld\n", "paused_jobs", s.paused_jobs);
	if (s.paused)
		text_add_str(&cli->out, "everything is paused\n");
	return CLI_OK;
}

const struct cli_verb verb_stats = {.name = "stats",
	.synopsis = "",
	.summary = "jobs processed, failed, waiting, delayed, parked; queues, workers, supervisors",
	.run = run};

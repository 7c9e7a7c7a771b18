/* drover runs: jobs with a record, the last that changed first. */
#include "cli/jobs.h"
#include "cli/show.h"

#define LIMIT 100

static const struct args_option options[] = {
	{"--state", ARGS_VALUE, "STATE", "in this state only"},
	{"--class", ARGS_VALUE, "NAME", "of this class only"},
	{"--limit", ARGS_VALUE, "N", "at most so many (100)"},
	{0},
};

static const struct table_column columns[] = {{"JID", false}, {"STATE", false}, {"CLASS", false},
	{"AGE", true}, {"DONE", false}, {"FAILED", true}, {"RATE", true}, {"LEFT", true},
	{"NOTE", false}};

static void add_run(void *ctx, const struct drover_job_info *job)
{
	struct cli_list *l = ctx;
	struct text progress = {0};
	char text[32];

	jobs_add_doc(&l->doc, job);
	table_add(&l->table, cli_span(job->jid));
	table_add_state(&l->table, cli_span(job->state), job->silent_ms);
	table_add(&l->table, cli_span(job->class_name));
	table_add_str(&l->table, show_age(jobs_age(job), text));
	jobs_say_progress(&progress, job);
	table_add(&l->table, (struct span){progress.data, progress.len});
	text_fini(&progress);
	table_add_number(&l->table, job->errors);
	table_add_str(&l->table, jobs_say_speed(job->speed, text));
	table_add_str(&l->table, show_age(job->eta_ms, text));
	table_add(&l->table, cli_span(job->reason.len ? job->reason : job->note));
}

static int run(struct cli *cli)
{
	const struct drover_run_filter filter = {.state = args_value(&cli->args, "--state"),
		.class_name = args_value(&cli->args, "--class")};
	const char *text = args_value(&cli->args, "--limit");
	long long limit = text ? args_number(text) : LIMIT;
	struct drover_error error;
	struct cli_list all;

	if (limit < 0)
		return cli_fail(CLI_USAGE, "--limit needs a number, not %s", text);
	cli_list_open(&all, columns, sizeof columns / sizeof *columns);
	return cli_list_close(&all, cli,
		drover_run_each(cli->client, &filter, limit, add_run, &all, &error), &error);
}

const struct cli_verb verb_runs = {.name = "runs",
	.synopsis = "[--state STATE] [--class NAME] [--limit N]",
	.summary = "jobs with a record: how far they are, how fast, and how long it will take",
	.options = options,
	.run = run};

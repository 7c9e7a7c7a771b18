/* drover jobs [--queue Q]: running and waiting ones. */
#include "cli/jobs.h"
#include "cli/show.h"

#define LIMIT 100

static const struct args_option options[] = {
	{"--queue", ARGS_VALUE, "NAME", "of this queue only"},
	{"--limit", ARGS_VALUE, "N",
		"at most so many waiting, delayed, parked, paused ones each (100)"},
	{0},
};

static const struct table_column columns[] = {{"JID", false}, {"STATE", false}, {"QUEUE", false},
	{"CLASS", false}, {"AGE", true}, {"WORKER", false}, {"ARGS", false}};

static void add_job(void *ctx, const struct drover_job_info *job)
{
	struct cli_list *j = ctx;
	char age[32];

	jobs_add_doc(&j->doc, job);
	table_add(&j->table, cli_span(job->jid));
	table_add_state(&j->table, cli_span(job->state), job->silent_ms);
	table_add(&j->table, cli_span(job->queue));
	table_add(&j->table, job->why.len ? SPAN_LIT("(no job)") : cli_span(job->class_name));
	table_add_str(&j->table, show_age(jobs_age(job), age));
	table_add(&j->table, cli_span(job->worker));
	table_add(&j->table, cli_span(job->why.len ? job->raw : job->args));
}

static int list(struct cli *cli, struct cli_list *all, long long limit, struct drover_error *error)
{
	const char *queue = args_value(&cli->args, "--queue");

	if (drover_job_each_running(cli->client, queue, add_job, all, error) < 0 ||
		drover_job_each_waiting(cli->client, queue, limit, add_job, all, error) < 0 ||
		drover_job_each_held(cli->client, queue, limit, add_job, all, error) < 0)
		return -1;
	return 0;
}

static int run(struct cli *cli)
{
	const char *text = args_value(&cli->args, "--limit");
	long long limit = text ? args_number(text) : LIMIT;
	struct drover_error error;
	struct cli_list all;

	if (limit < 0)
		return cli_fail(CLI_USAGE, "--limit needs a number, not %s", text);
	cli_list_open(&all, columns, sizeof columns / sizeof *columns);
	return cli_list_close(&all, cli, list(cli, &all, limit, &error), &error);
}

const struct cli_verb verb_jobs = {.name = "jobs",
	.synopsis = "[--queue NAME] [--limit N]",
	.summary = "running jobs, waiting ones in the order they will be taken, delayed, parked "
		   "and paused ones",
	.options = options,
	.run = run};

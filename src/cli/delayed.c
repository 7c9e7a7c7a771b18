/* drover delayed [list | remove ID]: jobs that wait for a time, ours and resque-scheduler's. */
#include <string.h>

#include "base/clock.h"
#include "cli/cli.h"
#include "cli/show.h"

#define LIMIT 100

static const struct args_option options[] = {
	{"--limit", ARGS_VALUE, "N", "list at most so many, the next ones first (100)"},
	{0},
};

static const struct table_column columns[] = {{"AT", false}, {"IN", true}, {"ID", false},
	{"WHY", false}, {"QUEUE", false}, {"CLASS", false}, {"ARGS", false}};

static void add(void *ctx, const struct drover_delayed_info *job)
{
	struct cli_list *all = ctx;
	struct doc *d = &all->doc;
	long long left = job->at_ms - clock_wall_ms();
	char at[CLOCK_TEXT_SIZE], age[32];

	doc_open(d, NULL, '{');
	doc_time(d, "at", job->at_ms);
	doc_text(d, "jid", cli_span(job->jid));
	doc_text(d, "class", cli_span(job->class_name));
	doc_text(d, "queue", cli_span(job->queue));
	doc_json(d, "args", cli_span(job->args));
	doc_text(d, "why", cli_span(job->why));
	doc_text(d, "id", cli_span(job->id));
	doc_text(d, "raw", cli_span(job->raw));
	doc_close(d, '}');

	table_add_str(&all->table, clock_rfc3339(job->at_ms, at));
	table_add_str(&all->table, left > 0 ? show_age(left, age) : "due");
	table_add(&all->table, cli_span(job->id));
	table_add(&all->table, cli_span(job->why));
	table_add(&all->table, cli_span(job->queue));
	table_add(&all->table, job->raw.len ? SPAN_LIT("(no job)") : cli_span(job->class_name));
	table_add(&all->table, cli_span(job->raw.len ? job->raw : job->args));
}

static int list(struct cli *cli)
{
	const char *text = args_value(&cli->args, "--limit");
	long long limit = text ? args_number(text) : LIMIT;
	struct cli_list all;
	struct drover_error error;

	if (limit < 0)
		return cli_fail(CLI_USAGE, "--limit needs a number, not %s", text);
	cli_list_open(&all, columns, sizeof columns / sizeof *columns);
	return cli_list_close(
		&all, cli, drover_delayed_each(cli->client, limit, add, &all, &error), &error);
}

static int remove_one(struct cli *cli)
{
	const char *id = cli->args.n_words > 1 ? cli->args.words[1] : NULL;
	struct drover_error error;
	struct doc doc = {0};

	if (!id)
		return cli_fail(CLI_USAGE, "usage: drover delayed remove ID");
	if (drover_delayed_remove(cli->client, id, &error) < 0)
		return cli_fail_client(&error);
	if (!cli->json) {
		text_add_str(&cli->out, "removed\n");
		return CLI_OK;
	}
	doc_open(&doc, NULL, '{');
	doc_text(&doc, "id", span_of(id));
	doc_bool(&doc, "removed", true);
	doc_close(&doc, '}');
	cli_add_doc(cli, &doc);
	return CLI_OK;
}

static int run(struct cli *cli)
{
	const char *what = cli->args.n_words ? cli->args.words[0] : "list";

	if (strcmp(what, "list") == 0 && cli->args.n_words <= 1)
		return list(cli);
	if (strcmp(what, "remove") == 0)
		return remove_one(cli);
	return cli_fail(CLI_USAGE, "usage: drover delayed %s", verb_delayed.synopsis);
}

const struct cli_verb verb_delayed = {.name = "delayed",
	.synopsis = "[list | remove ID]",
	.summary = "jobs that wait for a time: list them, remove one",
	.words_max = 2,
	.options = options,
	.run = run};

/* drover workers: every registered worker, Ruby's too, and what it works on. */
#include "base/clock.h"
#include "cli/cli.h"
#include "cli/show.h"

static const struct table_column columns[] = {{"WORKER", false}, {"POOL", false}, {"STATE", false},
	{"FOR", true}, {"QUEUE", false}, {"CLASS", false}, {"JID", false}};

static void add(void *ctx, const struct drover_worker_info *w)
{
	struct cli_list *all = ctx;
	struct doc *d = &all->doc;
	struct span state = w->lost   ? SPAN_LIT("lost")
			    : w->busy ? SPAN_LIT("running")
				      : SPAN_LIT("idle");
	char age[32];

	doc_open(d, NULL, '{');
	doc_text(d, "id", cli_span(w->id));
	doc_text(d, "pool", cli_span(w->pool));
	doc_text(d, "state", state);
	doc_text(d, "jid", cli_span(w->jid));
	doc_text(d, "class", cli_span(w->class_name));
	doc_text(d, "queue", cli_span(w->queue));
	doc_time(d, "started_at", w->started_at_ms);
	doc_text(d, "supervisor", cli_span(w->supervisor));
	doc_number(d, "pid", w->pid);
	doc_number(d, "silent_ms", w->silent_ms);
	doc_close(d, '}');

	table_add(&all->table, cli_span(w->id));
	table_add(&all->table, cli_span(w->pool));
	table_add_state(&all->table, state, w->silent_ms);
	table_add_str(&all->table,
		show_age(w->started_at_ms < 0 ? -1 : clock_wall_ms() - w->started_at_ms, age));
	table_add(&all->table, cli_span(w->queue));
	table_add(&all->table, cli_span(w->class_name));
	table_add(&all->table, cli_span(w->jid));
}

static int run(struct cli *cli)
{
	struct cli_list all;
	struct drover_error error;

	cli_list_open(&all, columns, sizeof columns / sizeof *columns);
	return cli_list_close(
		&all, cli, drover_worker_each(cli->client, add, &all, &error), &error);
}

const struct cli_verb verb_workers = {.name = "workers",
	.synopsis = "",
	.summary = "every worker and the job in its hands",
	.run = run};

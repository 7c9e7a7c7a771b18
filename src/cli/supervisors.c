/* drover supervisors: every droverd that holds a lease. */
#include "cli/cli.h"
#include "cli/show.h"

static const struct table_column columns[] = {{"SUPERVISOR", false}, {"HOST", false}, {"PID", true},
	{"VERSION", false}, {"STATE", false}, {"BUSY", true}, {"WORKERS", true}, {"HELD", true},
	{"LAST BEAT", true}};

static void add(void *ctx, const struct drover_supervisor_info *s)
{
	struct cli_list *all = ctx;
	struct doc *d = &all->doc;
	struct span state = s->lost ? SPAN_LIT("lost") : cli_span(s->state);
	char age[32];

	doc_open(d, NULL, '{');
	doc_text(d, "id", cli_span(s->id));
	doc_text(d, "host", cli_span(s->host));
	doc_number(d, "pid", s->pid);
	doc_text(d, "version", cli_span(s->version));
	doc_json(d, "pools", cli_span(s->pools));
	doc_number(d, "workers", s->workers);
	doc_number(d, "busy", s->busy);
	doc_time(d, "started_at", s->started_at_ms);
	doc_number(d, "beat_ms", s->beat_ms);
	doc_text(d, "state", state);
	doc_number(d, "held", s->held);
	doc_close(d, '}');

	table_add(&all->table, cli_span(s->id));
	table_add(&all->table, cli_span(s->host));
	table_add_number(&all->table, s->pid);
	table_add(&all->table, cli_span(s->version));
	table_add(&all->table, state);
	table_add_number(&all->table, s->busy);
	table_add_number(&all->table, s->workers);
	table_add_number(&all->table, s->held);
	table_add_str(&all->table, show_age(s->beat_ms, age));
}

static int run(struct cli *cli)
{
	struct cli_list all;
	struct drover_error error;

	cli_list_open(&all, columns, sizeof columns / sizeof *columns);
	return cli_list_close(
		&all, cli, drover_supervisor_each(cli->client, add, &all, &error), &error);
}

const struct cli_verb verb_supervisors = {.name = "supervisors",
	.synopsis = "",
	.summary = "every supervisor, and how long ago it was heard of",
	.run = run};

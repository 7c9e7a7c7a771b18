/* drover errors JID: the items of a run that were set aside. */
#include "base/clock.h"
#include "cli/cli.h"

static const struct table_column columns[] = {
	{"NUMBER", true}, {"ITEM", false}, {"ATTEMPTS", true}, {"AT", false}, {"ERROR", false}};

static void add(void *ctx, const struct drover_item_error *e)
{
	struct cli_list *l = ctx;
	char at[CLOCK_TEXT_SIZE];

	doc_open(&l->doc, NULL, '{');
	doc_number(&l->doc, "number", e->number);
	doc_json(&l->doc, "item", cli_span(e->item));
	doc_text(&l->doc, "cursor", cli_span(e->cursor));
	doc_text(&l->doc, "error", cli_span(e->error));
	doc_number(&l->doc, "attempts", e->attempts);
	doc_time(&l->doc, "at", e->at_ms);
	doc_number(&l->doc, "round", e->round);
	doc_close(&l->doc, '}');

	table_add_number(&l->table, e->number);
	table_add(&l->table, cli_span(e->item));
	table_add_number(&l->table, e->attempts);
	table_add_str(&l->table, e->at_ms < 0 ? "" : clock_rfc3339(e->at_ms, at));
	table_add(&l->table, cli_span(e->error));
}

static int run(struct cli *cli)
{
	struct drover_error error;
	struct cli_list all;

	cli_list_open(&all, columns, sizeof columns / sizeof *columns);
	return cli_list_close(&all, cli,
		drover_run_errors(cli->client, cli->args.words[0], add, &all, &error), &error);
}

const struct cli_verb verb_errors = {.name = "errors",
	.synopsis = "JID",
	.summary = "the items of a run that failed, with their errors",
	.words_min = 1,
	.words_max = 1,
	.run = run};

/*
 * cli/run_plan: see run_plan.h. In drover. What a job would go over is read here, by the same program
 * as there: a path is one of this machine.
 */
#include "cli/run_plan.h"

#include "cli/plan.h"
#include "cli/session.h"

enum { SHOWN = 5 };

static const struct table_column columns[] = {{"NUMBER", true}, {"ITEM", false}};

static void add_item(struct cli_list *l, const struct plan_item *i)
{
	doc_open(&l->doc, NULL, '{');
	doc_number(&l->doc, "number", i->number);
	doc_number(&l->doc, "last", i->last);
	doc_text(&l->doc, "cursor", (struct span){i->cursor.data, i->cursor.len});
	doc_text(&l->doc, "item", (struct span){i->item.data, i->item.len});
	doc_close(&l->doc, '}');

	table_add_number(&l->table, i->number);
	table_add(&l->table, (struct span){i->item.data, i->item.len});
}

static void show(struct cli *cli, const struct plan *p)
{
	struct cli_list l = {0};

	table_init(&l.table, columns, sizeof columns / sizeof *columns);
	doc_open(&l.doc, NULL, '{');
	doc_number(&l.doc, "total", p->total);
	doc_open(&l.doc, "items", '[');
	for (size_t i = 0; i < p->n; i++)
		add_item(&l, &p->items[i]);
	doc_close(&l.doc, ']');
	doc_close(&l.doc, '}');
	if (cli->json) {
		cli_add_doc(cli, &l.doc);
	} else {
		if (p->n > 0)
			cli_add_table(cli, &l.table);
		if (p->total >= 0)
			text_addf(&cli->out, "%lld item%s\n", (long long)p->total,
				p->total == 1 ? "" : "s");
		else
			text_add_str(&cli->out, "they cannot be counted without performing them\n");
	}
	text_fini(&l.doc.text);
	table_fini(&l.table);
}

int run_show_plan(struct cli *cli, const struct drover_request *request)
{
	const char *csv = args_value(&cli->args, "--csv");
	struct plan_request r = {.class = conf_find_class(cli->conf, span_of(request->class_name)),
		.class_name = request->class_name,
		.asked = {.args = span_of(request->args),
			.from = request->each->from,
			.to = request->each->to,
			.limit = request->each->limit,
			.uploaded = csv != NULL},
		.csv = csv,
		.most = SHOWN};
	struct plan plan;
	struct err err = {""};
	int code = CLI_OK;

	if (!r.class)
		return cli_fail(CLI_USAGE, "--dry-run needs a configuration that has the class");
	if (plan_read(&plan, &r, &err) < 0)
		code = cli_fail(CLI_ERROR, "%s", err.text);
	else
		show(cli, &plan);
	plan_fini(&plan);
	return code;
}

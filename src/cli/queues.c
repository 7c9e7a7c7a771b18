/* drover queues: all of them. And the row that `drover queue` prints as well. */
#include "cli/queues.h"
#include "cli/show.h"

static const struct table_column columns[] = {{"QUEUE", false}, {"SIZE", true}, {"OLDEST", true},
	{"DELAYED", true}, {"PARKED", true}, {"PAUSED JOBS", true}, {"PAUSED", false}};

void queues_init(struct queues *q)
{
	*q = (struct queues){0};
	table_init(&q->table, columns, sizeof columns / sizeof *columns);
}

void queues_add(void *ctx, const struct drover_queue_info *queue)
{
	struct queues *q = ctx;
	char age[32];

	doc_open(&q->doc, NULL, '{');
	doc_text(&q->doc, "name", cli_span(queue->name));
	doc_number(&q->doc, "size", queue->size);
	doc_number(&q->doc, "oldest_ms", queue->oldest_ms);
	doc_bool(&q->doc, "paused", queue->paused);
	doc_text(&q->doc, "reason", cli_span(queue->reason));
	doc_number(&q->doc, "delayed", queue->delayed);
	doc_number(&q->doc, "parked", queue->parked);
	doc_number(&q->doc, "paused_jobs", queue->paused_jobs);
	doc_close(&q->doc, '}');

	table_add(&q->table, cli_span(queue->name));
	table_add_number(&q->table, queue->size);
	table_add_str(&q->table, show_age(queue->oldest_ms, age));
	table_add_number(&q->table, queue->delayed);
	table_add_number(&q->table, queue->parked);
	table_add_number(&q->table, queue->paused_jobs);
	table_add(&q->table, !queue->paused	 ? SPAN_LIT("no")
			     : queue->reason.len ? cli_span(queue->reason)
						 : SPAN_LIT("yes"));
}

void queues_finish(struct queues *q, struct cli *cli)
{
	if (cli->json)
		cli_add_doc(cli, &q->doc);
	else
		cli_add_table(cli, &q->table);
	text_fini(&q->doc.text);
	table_fini(&q->table);
}

static int run(struct cli *cli)
{
	struct drover_error error;
	struct queues q;
	int code = CLI_OK;

	queues_init(&q);
	doc_open(&q.doc, NULL, '[');
	if (drover_queue_each(cli->client, queues_add, &q, &error) < 0)
		code = cli_fail_client(&error);
	doc_close(&q.doc, ']');
	if (code == CLI_OK)
		queues_finish(&q, cli);
	text_fini(&q.doc.text);
	table_fini(&q.table);
	return code;
}

const struct cli_verb verb_queues = {.name = "queues",
	.synopsis = "",
	.summary = "all queues: size, age of the oldest job, delayed, parked and paused ones, "
		   "paused or not",
	.run = run};

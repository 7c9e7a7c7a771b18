/* drover failed [list | show N|JID | remove ... | clear]: the failed list. */
#include <jansson.h>
#include <string.h>

#include "base/json_scan.h"
#include "cli/records.h"
#include "cli/show.h"

static const struct args_option options[] = {
	{RECORDS_CLASS},
	{RECORDS_QUEUE},
	{RECORDS_ERROR},
	{"--limit", ARGS_VALUE, "N", "list at most so many, the oldest first"},
	{0},
};

static const struct table_column columns[] = {{"N", true}, {"FAILED AT", false}, {"QUEUE", false},
	{"CLASS", false}, {"JID", false}, {"EXCEPTION", false}, {"ERROR", false}};

/* -- writing a record down ----------------------------------------------------------------- */

static void add_member(void *ctx, struct span key, enum json_kind kind, struct span value)
{
	struct doc *doc = ctx;
	char name[256];

	(void)kind;
	if (key.len >= sizeof name || span_is(key, "index") || span_is(key, "jid"))
		return;
	memcpy(name, key.at, key.len);
	name[key.len] = '\0';
	doc_json(doc, name, value);
}

/* Resque's own members, byte for byte, behind ours. */
static void add_doc(struct doc *doc, const struct drover_failed_info *failed)
{
	struct err unreadable;

	doc_open(doc, NULL, '{');
	doc_number(doc, "index", failed->index);
	doc_text(doc, "jid", cli_span(failed->jid));
	if (failed->readable)
		json_scan(cli_span(failed->record), add_member, doc, &unreadable);
	else
		doc_text(doc, "raw", cli_span(failed->record));
	doc_close(doc, '}');
}

static void add_row(struct table *table, const struct drover_failed_info *failed)
{
	bool job = failed->class_name.len > 0;

	table_add_number(table, failed->index);
	table_add(table, cli_span(failed->failed_at));
	table_add(table, cli_span(failed->queue));
	table_add(table, job ? cli_span(failed->class_name) : SPAN_LIT("(no job)"));
	table_add(table, cli_span(failed->jid));
	table_add(table, cli_span(failed->exception));
	table_add(table, failed->readable ? cli_span(failed->error) : cli_span(failed->record));
}

static void add_line(struct text *out, const char *name, struct drover_text value)
{
	if (value.len == 0)
		return;
	text_addf(out, "%-10s ", name);
	show_add_safe(out, cli_span(value));
	text_add_char(out, '\n');
}

static void add_backtrace(struct text *out, struct drover_text json)
{
	json_t *lines = json_loadb(json.at, json.len, 0, NULL);
	const json_t *line;
	size_t i;

	json_array_foreach(lines, i, line)
	{
		const char *text = json_string_value(line);

		text_add_str(out, i == 0 ? "backtrace  " : "           ");
		show_add_safe(out, span_of(text ? text : "?"));
		text_add_char(out, '\n');
	}
	json_decref(lines);
}

static void add_lines(struct text *out, const struct drover_failed_info *failed)
{
	if (!failed->readable) {
		add_line(out, "no record", failed->record);
		return;
	}
	add_line(out, "jid", failed->jid);
	add_line(out, "class", failed->class_name);
	add_line(out, "queue", failed->queue);
	add_line(out, "args", failed->args);
	if (failed->class_name.len == 0)
		add_line(out, "payload", failed->payload);
	add_line(out, "failed at", failed->failed_at);
	add_line(out, "worker", failed->worker);
	add_line(out, "exception", failed->exception);
	add_line(out, "error", failed->error);
	add_backtrace(out, failed->backtrace);
}

/* -- list, show ---------------------------------------------------------------------------- */

struct listing {
	struct doc doc;
	struct table table;
	bool json;
	long long left; /* below 0: all */
};

static enum drover_next list_one(void *ctx, const struct drover_failed_info *failed)
{
	struct listing *l = ctx;

	if (l->left == 0)
		return DROVER_STOP;
	if (l->json)
		add_doc(&l->doc, failed);
	else
		add_row(&l->table, failed);
	l->left -= l->left > 0;
	return DROVER_GO_ON;
}

static int list(struct cli *cli)
{
	const char *limit = args_value(&cli->args, "--limit");
	const struct drover_failed_filter filter = records_filter(&cli->args);
	struct listing l = {.json = cli->json, .left = limit ? args_number(limit) : -1};
	struct drover_error error;
	int code = CLI_OK;

	if (limit && l.left < 0)
		return cli_fail(CLI_USAGE, "--limit needs a number, not %s", limit);
	table_init(&l.table, columns, sizeof columns / sizeof *columns);
	doc_open(&l.doc, NULL, '[');
	if (drover_failed_each(cli->client, &filter, list_one, &l, &error) < 0)
		code = cli_fail_client(&error);
	doc_close(&l.doc, ']');
	if (code == CLI_OK && cli->json)
		cli_add_doc(cli, &l.doc);
	else if (code == CLI_OK)
		cli_add_table(cli, &l.table);
	text_fini(&l.doc.text);
	table_fini(&l.table);
	return code;
}

static enum drover_next show_one(void *ctx, const struct drover_failed_info *failed)
{
	struct cli *cli = ctx;
	struct doc doc = {0};

	text_clear(&cli->out);
	if (cli->json) {
		add_doc(&doc, failed);
		cli_add_doc(cli, &doc);
	} else {
		add_lines(&cli->out, failed);
	}
	return DROVER_GO_ON; /* of several with one jid the newest stays */
}

static int show(struct cli *cli)
{
	const char *name = cli->args.n_words > 1 ? cli->args.words[1] : NULL;
	const struct drover_failed_filter by_jid = {.jid = name};
	struct drover_error error;
	int rc;

	if (!name)
		return cli_fail(CLI_USAGE, "usage: drover failed show N | JID");
	if (args_number(name) >= 0)
		rc = drover_failed_at(cli->client, args_number(name), show_one, cli, &error);
	else
		rc = drover_failed_each(cli->client, &by_jid, show_one, cli, &error);
	if (rc < 0)
		return cli_fail_client(&error);
	if (cli->out.len == 0)
		return cli_fail(CLI_NOT_FOUND, "no failed record of a job %s", name);
	return CLI_OK;
}

/* -- remove, clear ------------------------------------------------------------------------- */

static void say_removed(struct cli *cli, long long n)
{
	struct doc doc = {0};

	if (!cli->json) {
		text_addf(&cli->out, "%lld record%s removed\n", n, n == 1 ? "" : "s");
		return;
	}
	doc_open(&doc, NULL, '{');
	doc_number(&doc, "removed", n);
	doc_close(&doc, '}');
	cli_add_doc(cli, &doc);
}

struct removal {
	struct drover_client *client;
	struct drover_error error; /* of the last one, where `broken` */
	bool broken;
	long long n;
};

static enum drover_next remove_one(void *ctx, const struct drover_failed_info *failed)
{
	struct removal *r = ctx;
	int rc = drover_failed_remove(r->client, failed->record, &r->error);

	r->broken = rc < 0;
	if (r->broken)
		return DROVER_STOP;
	r->n += rc;
	return DROVER_GONE;
}

static int remove_matching(struct cli *cli, const struct drover_failed_filter *filter)
{
	struct removal r = {.client = cli->client};

	if (drover_failed_each(cli->client, filter, remove_one, &r, &r.error) < 0 || r.broken)
		return cli_fail_client(&r.error);
	say_removed(cli, r.n);
	return CLI_OK;
}

static int remove_named(struct cli *cli, const char *name)
{
	struct text record = {0};
	struct drover_error error;
	long long index;
	int rc, code = records_find(cli, name, &record, &index);

	if (code != CLI_OK) {
		text_fini(&record);
		return code;
	}
	rc = drover_failed_remove(
		cli->client, (struct drover_text){record.data, record.len}, &error);
	text_fini(&record);
	if (rc < 0)
		return cli_fail_client(&error);
	if (rc == 0)
		return cli_fail(CLI_NOT_FOUND, "somebody else took record %s away", name);
	say_removed(cli, 1);
	return CLI_OK;
}

static int remove_some(struct cli *cli)
{
	const struct drover_failed_filter filter = records_filter(&cli->args);

	if (cli->args.n_words > 1 && !records_has_filter(&cli->args))
		return remove_named(cli, cli->args.words[1]);
	if (cli->args.n_words > 1 || !records_has_filter(&cli->args))
		return cli_fail(CLI_USAGE,
			"usage: drover failed remove N | JID, or with --class, --queue, --error");
	return remove_matching(cli, &filter);
}

static int clear(struct cli *cli)
{
	const struct drover_failed_filter filter = records_filter(&cli->args);
	struct drover_error error;
	long long n;

	if (records_has_filter(&cli->args))
		return remove_matching(cli, &filter);
	n = drover_failed_clear(cli->client, &error);
	if (n < 0)
		return cli_fail_client(&error);
	say_removed(cli, n);
	return CLI_OK;
}

static int run(struct cli *cli)
{
	static const struct {
		const char *word;
		size_t words_max;
		int (*act)(struct cli *cli);
	} acts[] = {{"list", 1, list}, {"show", 2, show}, {"remove", 2, remove_some},
		{"clear", 1, clear}};
	const char *what = cli->args.n_words ? cli->args.words[0] : "list";

	for (size_t i = 0; i < sizeof acts / sizeof *acts; i++)
		if (strcmp(acts[i].word, what) == 0 && cli->args.n_words <= acts[i].words_max)
			return acts[i].act(cli);
	return cli_fail(CLI_USAGE, "usage: drover failed %s", verb_failed.synopsis);
}

const struct cli_verb verb_failed = {.name = "failed",
	.synopsis = "[list | show N|JID | remove [N|JID] | clear]",
	.summary = "the failed jobs: list them, show one, remove some or all",
	.words_max = 2,
	.options = options,
	.run = run};

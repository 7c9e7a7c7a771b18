/*
 * drover fsck [--repair]: does everything in Redis keep what was promised? Exits 0 where it does,
 * 1 where a finding is left.
 */
#include "cli/cli.h"
#include "cli/show.h"

static const struct args_option options[] = {
	{"--repair", ARGS_FLAG, NULL, "mend what can be mended without a doubt"},
	{0},
};

struct fsck {
	struct cli *cli;
	struct doc doc;
	struct text lines;
	bool repair;
};

static void add_doc(struct doc *d, const struct drover_finding *f)
{
	doc_open(d, NULL, '{');
	doc_text(d, "kind", cli_span(f->kind));
	doc_text(d, "level", span_of(f->notice ? "notice" : "finding"));
	doc_text(d, "where", cli_span(f->where));
	doc_text(d, "text", cli_span(f->text));
	doc_text(d, "repair", cli_span(f->repair));
	doc_bool(d, "mended", f->mended);
	doc_close(d, '}');
}

static void add_line(struct fsck *k, const char *word, const char *colour, struct drover_text a,
	const char *between, struct drover_text b)
{
	text_addf(&k->lines, "%s%-8s%s ", k->cli->colour ? colour : "", word,
		k->cli->colour ? "\033[0m" : "");
	show_add_safe(&k->lines, cli_span(a));
	text_add_str(&k->lines, between);
	show_add_safe(&k->lines, cli_span(b));
	text_add_char(&k->lines, '\n');
}

/* Two lines for people: what and where; and what was or would be done about it. */
static void add_lines(struct fsck *k, const struct drover_finding *f)
{
	if (f->notice)
		add_line(k, "notice", "\033[33m", f->where, ": ", f->text);
	else
		add_line(k, "finding", "\033[31m", f->where, ": ", f->text);
	text_addf(&k->lines, "%8s ", "");
	show_add_safe(&k->lines, cli_span(f->kind));
	if (f->repair.len == 0)
		text_add_str(&k->lines, "; --repair leaves it alone");
	else
		text_addf(&k->lines, "; %s%.*s",
			f->mended   ? "mended: "
			: k->repair ? "not mended: "
				    : "--repair: ",
			(int)f->repair.len, f->repair.at);
	text_add_char(&k->lines, '\n');
}

static void add_finding(void *ctx, const struct drover_finding *f)
{
	struct fsck *k = ctx;

	if (k->cli->json)
		add_doc(&k->doc, f);
	else
		add_lines(k, f);
}

static void finish(struct fsck *k, const struct drover_fsck_sum *sum)
{
	doc_close(&k->doc, ']');
	doc_number(&k->doc, "keys", sum->keys);
	doc_number(&k->doc, "jobs", sum->jobs);
	doc_number(&k->doc, "found", sum->findings);
	doc_number(&k->doc, "notices", sum->notices);
	doc_number(&k->doc, "mended", sum->mended);
	doc_bool(&k->doc, "ok", sum->left == 0);
	doc_close(&k->doc, '}');
	text_addf(&k->lines, "%lld key%s and %lld job%s: %lld finding%s, %lld notice%s", sum->keys,
		sum->keys == 1 ? "" : "s", sum->jobs, sum->jobs == 1 ? "" : "s", sum->findings,
		sum->findings == 1 ? "" : "s", sum->notices, sum->notices == 1 ? "" : "s");
	if (k->repair)
		text_addf(&k->lines, ", %lld mended", sum->mended);
	text_add_char(&k->lines, '\n');
	if (k->cli->json)
		cli_add_doc(k->cli, &k->doc);
	else
		text_add(&k->cli->out, k->lines.data, k->lines.len);
}

/* What was told before an error is shown, too: it may have been mended. */
static int run(struct cli *cli)
{
	struct fsck k = {.cli = cli, .repair = args_has(&cli->args, "--repair")};
	struct drover_fsck_sum sum;
	struct drover_error error;
	int code;

	doc_open(&k.doc, NULL, '{');
	doc_open(&k.doc, "findings", '[');
	if (drover_fsck(cli->client, k.repair, add_finding, &k, &sum, &error) < 0) {
		code = cli_fail_client(&error);
		if (!cli->json && k.lines.len)
			text_add(&cli->out, k.lines.data, k.lines.len);
	} else {
		finish(&k, &sum);
		code = sum.left ? CLI_ERROR : CLI_OK;
	}
	text_fini(&k.doc.text);
	text_fini(&k.lines);
	return code;
}

const struct cli_verb verb_fsck = {.name = "fsck",
	.synopsis = "[--repair]",
	.summary = "what breaks an invariant among all keys, and mends it",
	.options = options,
	.run = run};

/* drover retry N | JID | --all: failed jobs go back into their queues, as attempt 1. */
#include "cli/records.h"

static const struct args_option options[] = {
	{"--all", ARGS_FLAG, NULL, "all of them, or all that the following let pass"},
	{RECORDS_CLASS},
	{RECORDS_QUEUE},
	{RECORDS_ERROR},
	{0},
};

struct retrying {
	struct cli *cli;
	struct doc doc;
	struct drover_error error;
	bool broken; /* `error` says how; the rest was not tried */
	long long retried, refused;
};

static void note(struct retrying *r, long long index, const char *jid, const char *refused)
{
	doc_open(&r->doc, NULL, '{');
	doc_number(&r->doc, "index", index);
	doc_text(&r->doc, "jid", span_of(jid));
	doc_bool(&r->doc, "retried", !refused);
	doc_text(&r->doc, "error", span_of(refused));
	doc_close(&r->doc, '}');
	if (refused)
		cli_fail(0, "record %lld: %s", index, refused);
}

static enum drover_next retry(struct retrying *r, struct drover_text record, long long index)
{
	char jid[DROVER_JID_SIZE];
	int rc = drover_failed_retry(r->cli->client, record, jid, &r->error);

	if (rc < 0 && r->error.kind != DROVER_E_REFUSED) {
		r->broken = true;
		return DROVER_STOP;
	}
	r->retried += rc == 1;
	r->refused += rc != 1;
	note(r, index, rc == 1 ? jid : NULL,
		rc == 1	  ? NULL
		: rc == 0 ? "somebody else took it away"
			  : r->error.text);
	return rc < 0 ? DROVER_GO_ON : DROVER_GONE;
}

static enum drover_next retry_one(void *ctx, const struct drover_failed_info *failed)
{
	return retry(ctx, failed->record, failed->index);
}

static int retry_all(struct retrying *r)
{
	const struct drover_failed_filter filter = records_filter(&r->cli->args);

	if (drover_failed_each(r->cli->client, &filter, retry_one, r, &r->error) < 0 || r->broken)
		return cli_fail_client(&r->error);
	return CLI_OK;
}

static int retry_named(struct retrying *r, const char *name)
{
	struct text record = {0};
	long long index;
	int code = records_find(r->cli, name, &record, &index);

	if (code == CLI_OK)
		retry(r, (struct drover_text){record.data, record.len}, index);
	text_fini(&record);
	return r->broken ? cli_fail_client(&r->error) : code;
}

static int run(struct cli *cli)
{
	struct retrying r = {.cli = cli};
	bool all = args_has(&cli->args, "--all");
	int code;

	if (all == (cli->args.n_words == 1) || (!all && records_has_filter(&cli->args)))
		return cli_fail(CLI_USAGE, "usage: drover retry %s", verb_retry.synopsis);
	doc_open(&r.doc, NULL, '[');
	code = all ? retry_all(&r) : retry_named(&r, cli->args.words[0]);
	doc_close(&r.doc, ']');
	if (cli->json)
		cli_add_doc(cli, &r.doc);
	else if (code == CLI_OK || r.retried)
		text_addf(&cli->out, "%lld job%s back in the queue\n", r.retried,
			r.retried == 1 ? "" : "s");
	text_fini(&r.doc.text);
	return code == CLI_OK && r.refused ? CLI_ERROR : code;
}

const struct cli_verb verb_retry = {.name = "retry",
	.synopsis = "N | JID | --all [--class NAME] [--queue NAME] [--error TEXT]",
	.summary = "failed jobs go back into their queues, as attempt 1",
	.words_max = 1,
	.options = options,
	.run = run};

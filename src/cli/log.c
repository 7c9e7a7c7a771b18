/* drover log JID [-f]: what a run printed. */
#include <poll.h>
#include <unistd.h>

#include "base/clock.h"
#include "cli/cli.h"
#include "cli/show.h"

#define WAIT_MS 1000 /* so often it is asked whether the run has ended */

static const struct args_option options[] = {
	{"-f", ARGS_FLAG, NULL, "go on with what it prints until it has ended"},
	{0},
};

struct logging {
	struct cli *cli;
	struct doc doc;
	bool live; /* one document a line, else one of all */
	bool ended;
};

static void add_json(struct logging *l, const struct drover_log_line *line)
{
	doc_open(&l->doc, NULL, '{');
	doc_time(&l->doc, "at", line->at_ms);
	doc_number(&l->doc, "part", line->part);
	doc_text(&l->doc, "line", cli_span(line->text));
	doc_close(&l->doc, '}');
	if (l->live) {
		cli_add_doc(l->cli, &l->doc);
		l->doc = (struct doc){.more = false};
	}
}

static void add(void *ctx, const struct drover_log_line *line)
{
	struct logging *l = ctx;
	struct text *out = &l->cli->out;
	char at[CLOCK_TEXT_SIZE];

	if (l->cli->json) {
		add_json(l, line);
		return;
	}
	text_add_str(out, line->at_ms < 0 ? "-" : clock_rfc3339(line->at_ms, at));
	if (line->part > 0)
		text_addf(out, "  p%lld", line->part);
	text_add_str(out, "  ");
	show_add_safe(out, cli_span(line->text));
	text_add_char(out, '\n');
}

static void look(void *ctx, const struct drover_job_info *job)
{
	struct logging *l = ctx;
	struct span state = cli_span(job->state);

	l->ended =
		span_is(state, "done") || span_is(state, "failed") || span_is(state, "cancelled");
}

static bool is_read(void)
{
	struct pollfd p = {.fd = STDOUT_FILENO};

	return poll(&p, 1, 0) <= 0 || !(p.revents & (POLLERR | POLLNVAL));
}

/* Its state is read before its lines: what it printed before it ended is not missed. */
static int follow(struct logging *l, const char *jid)
{
	char at[DROVER_LOG_AT_SIZE] = "";
	struct drover_error error;
	long long n;

	do {
		if (drover_job_find_run(l->cli->client, jid, look, l, &error) < 0) {
			if (!*at || error.kind != DROVER_E_NOT_FOUND)
				return cli_fail_client(&error);
			l->ended = true;
		}
		n = drover_run_log(l->cli->client, jid, at, l->ended ? 0 : WAIT_MS, add, l, &error);
		if (n < 0)
			return cli_fail_client(&error);
		if (cli_flush(l->cli) < 0)
			return CLI_ERROR;
	} while ((!l->ended || n > 0) && is_read());
	return CLI_OK;
}

static int print(struct logging *l, const char *jid)
{
	char at[DROVER_LOG_AT_SIZE] = "";
	struct drover_error error;

	doc_open(&l->doc, NULL, '[');
	if (drover_run_log(l->cli->client, jid, at, 0, add, l, &error) < 0)
		return cli_fail_client(&error);
	doc_close(&l->doc, ']');
	if (l->cli->json)
		cli_add_doc(l->cli, &l->doc);
	return CLI_OK;
}

static int run(struct cli *cli)
{
	struct logging l = {.cli = cli, .live = args_has(&cli->args, "-f")};
	const char *jid = cli->args.words[0];
	int code = l.live ? follow(&l, jid) : print(&l, jid);

	text_fini(&l.doc.text);
	return code;
}

const struct cli_verb verb_log = {.name = "log",
	.synopsis = "JID [-f]",
	.summary = "the last lines a run printed; with -f also those to come",
	.words_min = 1,
	.words_max = 1,
	.options = options,
	.run = run};

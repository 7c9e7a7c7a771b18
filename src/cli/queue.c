/* drover queue NAME [pause|resume|clear] */
#include <stdio.h>
#include <string.h>

#include "cli/queues.h"

static const struct args_option options[] = {
	{"--reason", ARGS_VALUE, "TEXT", "why it is paused, for those who look"},
	{0},
};

static int show(struct cli *cli, const char *name)
{
	struct drover_error error;
	struct queues q;
	int code = CLI_OK;

	queues_init(&q);
	if (drover_queue_find(cli->client, name, queues_add, &q, &error) < 0)
		code = cli_fail_client(&error);
	else
		queues_finish(&q, cli);
	text_fini(&q.doc.text);
	table_fini(&q.table);
	return code;
}

/* {"name": .., "KEY": n} or the sentence. */
static void say(
	struct cli *cli, const char *name, const char *key, long long n, const char *sentence)
{
	struct doc doc = {0};

	if (!cli->json) {
		text_addf(&cli->out, "%s\n", sentence);
		return;
	}
	doc_open(&doc, NULL, '{');
	doc_text(&doc, "name", span_of(name));
	if (strcmp(key, "paused") == 0)
		doc_bool(&doc, key, n != 0);
	else
		doc_number(&doc, key, n);
	doc_close(&doc, '}');
	cli_add_doc(cli, &doc);
}

static int pause_queue(struct cli *cli, const char *name)
{
	struct drover_error error;

	if (drover_queue_pause(cli->client, name, args_value(&cli->args, "--reason"), &error) < 0)
		return cli_fail_client(&error);
	say(cli, name, "paused", 1, "paused: no more jobs are started from it");
	return CLI_OK;
}

static int resume_queue(struct cli *cli, const char *name)
{
	struct drover_error error;
	int was = drover_queue_resume(cli->client, name, &error);

	if (was < 0)
		return cli_fail_client(&error);
	say(cli, name, "paused", 0, was ? "resumed" : "it was not paused");
	return CLI_OK;
}

static int clear_queue(struct cli *cli, const char *name)
{
	struct drover_error error;
	char sentence[64];
	long long gone = drover_queue_clear(cli->client, name, &error);

	if (gone < 0)
		return cli_fail_client(&error);
	snprintf(sentence, sizeof sentence, "%lld job%s thrown away", gone, gone == 1 ? "" : "s");
	say(cli, name, "cleared", gone, sentence);
	return CLI_OK;
}

static int run(struct cli *cli)
{
	static const struct {
		const char *word;
		int (*act)(struct cli *cli, const char *name);
	} acts[] = {{"pause", pause_queue}, {"resume", resume_queue}, {"clear", clear_queue}};
	const char *name = cli->args.words[0];
	const char *what = cli->args.n_words > 1 ? cli->args.words[1] : NULL;

	if (!what)
		return show(cli, name);
	for (size_t i = 0; i < sizeof acts / sizeof *acts; i++)
		if (strcmp(acts[i].word, what) == 0)
			return acts[i].act(cli, name);
	return cli_fail(
		CLI_USAGE, "a queue can be paused, resumed or cleared: %s is none of these", what);
}

const struct cli_verb verb_queue = {.name = "queue",
	.synopsis = "NAME [pause | resume | clear]",
	.summary = "one queue; or pause it, resume it, throw away what waits in it",
	.words_min = 1,
	.words_max = 2,
	.options = options,
	.run = run};

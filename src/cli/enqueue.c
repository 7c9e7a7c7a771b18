/* drover enqueue QUEUE CLASS [ARG...]: prints the jid; with --wait, stays until it is done. */
#include "cli/request.h"

static const struct args_option options[] = {
	{REQUEST_ARGS},
	{REQUEST_IN},
	{REQUEST_AT},
	{REQUEST_ID},
	{WAIT_OPTION},
	{"--durable", ARGS_FLAG, NULL, "wait for replicas and disk, and say how safe it is"},
	{0},
};

static int run(struct cli *cli)
{
	struct drover_request request = {
		.queue = cli->args.words[0], .class_name = cli->args.words[1]};
	struct drover_enqueued answer;
	struct text args_json = {0};
	int64_t most_ms;
	int code = wait_read(&cli->args, &most_ms);

	if (code == CLI_OK)
		code = request_read(cli, &request);
	if (code == CLI_OK)
		code = request_make_args(&cli->args, 2, &args_json);
	request.args = args_json.data;
	if (code == CLI_OK)
		code = request_enqueue(cli, &request, &answer);
	if (code == CLI_OK)
		code = request_finish(cli, &answer, most_ms, NULL, NULL);
	text_fini(&args_json);
	return code;
}

const struct cli_verb verb_enqueue = {.name = "enqueue",
	.synopsis = "QUEUE CLASS [ARG...]",
	.summary = "put a job at the end of a queue, now or later; prints its jid",
	.words_min = 2,
	.words_max = CLI_WORDS_ANY,
	.options = options,
	.run = run};

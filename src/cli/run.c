/* drover run CLASS [ARG...]: an iterating job; prints its jid, with --wait how far it is. */
#include <string.h>
#include <unistd.h>

#include "cli/progress.h"
#include "cli/request.h"
#include "cli/run_plan.h"
#include "cli/session.h"

#define QUEUE	"default"
#define DRY_RUN "--dry-run"

static const struct args_option options[] = {
	{"--queue", ARGS_VALUE, "NAME", "the queue to put it into (default)"},
	{REQUEST_ARGS},
	{REQUEST_IN},
	{REQUEST_AT},
	{REQUEST_ID},
	{"--csv", ARGS_VALUE, "FILE", "go over this file, in place of the one of the class"},
	{REQUEST_FROM},
	{REQUEST_TO},
	{REQUEST_LIMIT},
	{"--parallel", ARGS_VALUE, "N", "in so many parts at a time"},
	{DRY_RUN, ARGS_FLAG, NULL, "count the items here and show the first ones, no more"},
	{WAIT_OPTION},
	{0},
};

/* Without a file it is taken as said: another host knows the class. */
static int check_class(const struct cli *cli, const char *name)
{
	const char *path = session_find_file(&cli->args);
	const struct conf_class *c = conf_find_class(cli->conf, span_of(name));

	if (!path)
		return CLI_OK;
	if (!c)
		return cli_fail(CLI_USAGE, "%s has no class %s", path, name);
	if (c->handler != CONF_HANDLER_EACH)
		return cli_fail(CLI_USAGE,
			"%s does not iterate: there is no `each` in %s; drover enqueue starts it",
			name, path);
	if (args_has(&cli->args, "--csv") && c->each.kind != CONF_EACH_CSV)
		return cli_fail(
			CLI_USAGE, "%s does not go over a CSV file: --csv is not for it", name);
	if (args_has(&cli->args, "--parallel") && !conf_each_can_be_divided(&c->each))
		return cli_fail(CLI_USAGE,
			"what %s goes over cannot be divided: --parallel is not for it", name);
	return CLI_OK;
}

/* -- a file -------------------------------------------------------------------------------- */

static int upload(const struct cli *cli, struct drover_each *each, struct drover_upload *file)
{
	const char *path = args_value(&cli->args, "--csv");
	bool piped = path && strcmp(path, "-") == 0;
	const struct drover_upload_request request = {.path = piped ? NULL : path,
		.fd = STDIN_FILENO,
		.name = piped ? "standard input" : NULL};
	struct drover_error error;

	if (!path)
		return CLI_OK;
	if (drover_upload_file(cli->client, &request, file, &error) < 0)
		return cli_fail_client(&error);
	each->csv = file->id;
	return CLI_OK;
}

/* Nobody will read it where this request made no job. That it expires is enough otherwise. */
static void drop(const struct cli *cli, const struct drover_each *each)
{
	struct drover_error ignored;

	if (each->csv)
		drover_upload_remove(cli->client, each->csv, &ignored);
}

/* -- the verb ------------------------------------------------------------------------------ */

static int send_run(
	struct cli *cli, struct drover_request *request, struct drover_each *each, int64_t most_ms)
{
	struct drover_upload file;
	struct drover_enqueued answer;
	struct progress progress;
	int code = upload(cli, each, &file);

	if (code != CLI_OK)
		return code;
	code = request_enqueue(cli, request, &answer);
	if (code == CLI_OK ? answer.how != DROVER_ENQUEUED : code != CLI_UNREACHABLE)
		drop(cli, each);
	if (code != CLI_OK)
		return code;
	progress_init(&progress);
	return request_finish(cli, &answer, most_ms, progress_look, &progress);
}

static int run(struct cli *cli)
{
	const char *queue = args_value(&cli->args, "--queue");
	struct drover_each each = {
		.from = DROVER_UNKNOWN, .to = DROVER_UNKNOWN, .limit = DROVER_UNKNOWN};
	struct drover_request request = {
		.queue = queue ? queue : QUEUE, .class_name = cli->args.words[0], .each = &each};
	struct text args_json = {0};
	int64_t most_ms;
	int code = wait_read(&cli->args, &most_ms);

	if (code == CLI_OK)
		code = check_class(cli, request.class_name);
	if (code == CLI_OK)
		code = request_read_window(&cli->args, &each);
	if (code == CLI_OK)
		code = request_read(cli, &request);
	if (code == CLI_OK)
		code = request_make_args(&cli->args, 1, &args_json);
	request.args = args_json.data;
	if (code == CLI_OK)
		code = args_has(&cli->args, DRY_RUN) ? run_show_plan(cli, &request)
						     : send_run(cli, &request, &each, most_ms);
	text_fini(&args_json);
	return code;
}

const struct cli_verb verb_run = {.name = "run",
	.synopsis = "CLASS [ARG...]",
	.summary = "enqueue an iterating job; prints its jid, with --wait how far it is",
	.words_min = 1,
	.words_max = CLI_WORDS_ANY,
	.options = options,
	.offline = DRY_RUN,
	.run = run};

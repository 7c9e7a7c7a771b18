/*
 * drover: the command for people and scripts: enqueue, look, repair. It finds the verb, opens what
 * the verb needs, runs it and prints what it made. It must never decide anything about a job.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/session.h"

static const struct args_option everywhere[] = {
	{"-c", ARGS_VALUE, "FILE", "the configuration file"},
	{"--redis", ARGS_VALUE, "URL",
		"redis://, rediss://, unix://, redis+sentinel://; no file is needed then"},
	{"--namespace", ARGS_VALUE, "NAME", "in front of all keys (resque)"},
	{"--json", ARGS_FLAG, NULL, "one JSON document instead of a table"},
	{"--help", ARGS_FLAG, NULL, "of drover, or of one verb"},
	{"--version", ARGS_FLAG, NULL, "and no more"},
	{0},
};

static const struct cli_verb *const verbs[] = {
	&verb_enqueue,
	&verb_run,
	&verb_queues,
	&verb_queue,
	&verb_jobs,
	&verb_job,
	&verb_cancel,
	&verb_runs,
	&verb_run_show,
	&verb_pause,
	&verb_resume,
	&verb_rate,
	&verb_errors,
	&verb_retry_errors,
	&verb_log,
	&verb_delayed,
	&verb_schedule,
	&verb_failed,
	&verb_retry,
	&verb_workers,
	&verb_supervisors,
	&verb_stats,
	&verb_check,
	&verb_fsck,
	&verb_try,
	&verb_torture,
	&verb_checkpoint,
	&verb_progress,
	&verb_note,
	&verb_result,
};

static const char *const later[] = {"supervisor", "scale", "top", "demo"};

#define COUNT(a) (sizeof(a) / sizeof *(a))

static const struct cli_verb *find_verb(const char *name)
{
	for (size_t i = 0; i < COUNT(verbs); i++)
		if (strcmp(verbs[i]->name, name) == 0)
			return verbs[i];
	return NULL;
}

static int refuse_verb(const char *name)
{
	for (size_t i = 0; i < COUNT(later); i++)
		if (strcmp(later[i], name) == 0)
			return cli_fail(CLI_USAGE, "%s is not built yet", name);
	return cli_fail(CLI_USAGE, "there is no verb %s; drover --help lists them", name);
}

/* -- help ---------------------------------------------------------------------------------- */

static void add_options(struct text *out, const struct args_option *o)
{
	for (; o && o->name; o++) {
		const char *gap = !o->value ? "" : o->kind == ARGS_MAYBE ? "[=" : " ";
		char left[64];

		if (o->kind == ARGS_LATER)
			continue;
		snprintf(left, sizeof left, "%s%s%s%s", o->name, gap, o->value ? o->value : "",
			o->kind == ARGS_MAYBE ? "]" : "");
		text_addf(out, "  %-22s %s\n", left, o->help);
	}
}

static void add_help(struct text *out)
{
	text_add_str(out, "drover [-c FILE | --redis URL --namespace NAME] VERB ...\n\n");
	for (size_t i = 0; i < COUNT(verbs); i++)
		text_addf(out, "  %-12s %s\n", verbs[i]->name, verbs[i]->summary);
	text_add_str(out, "\n");
	add_options(out, everywhere);
	text_add_str(out, "\ndrover VERB --help says more of one verb; so does drover(1).\n");
}

static void add_verb_help(struct text *out, const struct cli_verb *verb)
{
	text_addf(out, "drover %s%s%s\n\n  %s\n", verb->name, *verb->synopsis ? " " : "",
		verb->synopsis, verb->summary);
	if (verb->options)
		text_add_char(out, '\n');
	add_options(out, verb->options);
}

/* -- run ----------------------------------------------------------------------------------- */

static void look_at_terminal(struct cli *cli)
{
	const char *term = getenv("TERM"), *none = getenv("NO_COLOR");
	struct winsize size;

	if (!isatty(STDOUT_FILENO))
		return;
	cli->colour = !(none && *none) && !(term && strcmp(term, "dumb") == 0);
	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0)
		cli->width = size.ws_col;
}

static int open_client(struct cli *cli, const struct cli_verb *verb)
{
	struct text faults = {0};
	int code = CLI_OK;

	cli->conf = session_load_conf(&cli->args, &faults);
	if (cli->conf && !(verb->offline && args_has(&cli->args, verb->offline)))
		code = session_open(&cli->args, cli->conf, &cli->client);
	else if (!cli->conf)
		code = cli_fail(CLI_BAD_CONFIG, "the configuration cannot be used"),
		fputs(faults.data ? faults.data : "", stderr);
	text_fini(&faults);
	return code;
}

static int run_verb(struct cli *cli, const struct cli_verb *verb)
{
	int code = CLI_OK;

	if (args_has(&cli->args, "--help")) {
		add_verb_help(&cli->out, verb);
		return CLI_OK;
	}
	if (cli->args.n_words < verb->words_min || cli->args.n_words > verb->words_max)
		return cli_fail(CLI_USAGE, "usage: drover %s%s%s", verb->name,
			*verb->synopsis ? " " : "", verb->synopsis);
	cli->json = args_has(&cli->args, "--json");
	if (!verb->alone)
		code = open_client(cli, verb);
	return code == CLI_OK ? verb->run(cli) : code;
}

static int without_verb(struct cli *cli)
{
	if (args_has(&cli->args, "--version"))
		text_add_str(&cli->out, "drover " DROVER_VERSION "\n");
	else if (args_has(&cli->args, "--help"))
		add_help(&cli->out);
	else
		return cli_fail(CLI_USAGE, "which verb? drover --help lists them");
	return CLI_OK;
}

static int run(struct cli *cli, char *const *argv)
{
	struct err err = {0};
	const struct cli_verb *verb;
	size_t at = 1;
	const char *name;

	if (argv[1] && strcmp(argv[1], "-h") == 0) {
		add_help(&cli->out);
		return CLI_OK;
	}
	if (args_parse(&cli->args, argv, &at, true, everywhere, NULL, &err) < 0)
		return cli_fail(CLI_USAGE, "%s", err.text);
	if (cli->args.n_words == 0)
		return without_verb(cli);
	name = cli->args.words[0];
	if (strcmp(name, "help") == 0) {
		add_help(&cli->out);
		return CLI_OK;
	}
	cli->args.n_words = 0;
	verb = find_verb(name);
	if (!verb)
		return refuse_verb(name);
	if (args_parse(&cli->args, argv, &at, false, everywhere, verb->options, &err) < 0)
		return cli_fail(CLI_USAGE, "%s", err.text);
	return run_verb(cli, verb);
}

int main(int argc, char **argv)
{
	struct cli cli = {0};
	int code;

	(void)argc;
	signal(SIGPIPE, SIG_IGN); /* a connection that breaks is an answer, not the end */
	look_at_terminal(&cli);
	code = run(&cli, argv);
	if (cli_flush(&cli) < 0 && code == CLI_OK)
		code = CLI_ERROR;
	drover_client_close(cli.client);
	conf_unref(cli.conf);
	args_fini(&cli.args);
	text_fini(&cli.out);
	return code;
}

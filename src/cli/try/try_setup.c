/*
 * cli/try_setup: see try.h. In drover. The beginning and the end of a try: a folder, a Redis on a
 * socket in it and a droverd of its own, and nothing left of them. It must never touch the Redis of
 * the configuration.
 */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/must.h"
#include "cli/programs.h"
#include "cli/request.h"
#include "cli/session.h"
#include "cli/try/try.h"

#define QUEUE "try"

enum { REDIS_MS = 10000, END_MS = 5000, LOOK_MS = 20, FOLDERS_OPEN = 16, EVERY = 10 };

/* -- what is asked ------------------------------------------------------------------------- */

static int read_every(const struct args *args, const char *option, long long least, int64_t *every)
{
	const char *text = args_value(args, option);

	if (!text)
		return CLI_OK;
	*every = args_number(text);
	if (*every >= least)
		return CLI_OK;
	return cli_fail(CLI_USAGE, "%s needs a number, %lld or more, not %s", option, least, text);
}

static int read_csv(struct try *t)
{
	const char *csv = args_value(&t->cli->args, "--csv");
	char path[PATH_MAX];

	if (!csv)
		return CLI_OK;
	if (t->class->each.kind != CONF_EACH_CSV)
		return cli_fail(CLI_USAGE, "%s does not go over a CSV file: --csv is not for it",
			t->class_name);
	if (!realpath(csv, path))
		return cli_fail(CLI_ERROR, "%s: %s", csv, strerror(errno));
	t->csv = must_strdup(path);
	return CLI_OK;
}

static int find_class(struct try *t)
{
	const char *path = session_find_file(&t->cli->args);
	struct text faults = {0};
	int code = CLI_OK;

	t->class_name = t->cli->args.words[0];
	if (!path)
		return cli_fail(
			CLI_USAGE, "try needs the configuration that has %s", t->class_name);
	t->conf = session_load_conf(&t->cli->args, &faults);
	if (!t->conf)
		code = cli_fail(CLI_BAD_CONFIG, "the configuration cannot be used\n%s",
			faults.data ? faults.data : "");
	text_fini(&faults);
	if (code != CLI_OK)
		return code;
	t->class = conf_find_class(t->conf, span_of(t->class_name));
	if (!t->class)
		return cli_fail(CLI_USAGE, "%s has no class %s", path, t->class_name);
	return CLI_OK;
}

static int read_options(struct try *t)
{
	const struct args *args = &t->cli->args;
	int code = find_class(t);

	t->interrupt_every = EVERY;
	if (code == CLI_OK)
		code = read_every(args, "--interrupt-every", 0, &t->interrupt_every);
	/* An item that is struck each time would be set aside. */
	if (code == CLI_OK)
		code = read_every(args, "--kill-every", 2, &t->kill_every);
	if (code == CLI_OK)
		code = request_read_window(args, &t->each);
	if (code == CLI_OK)
		code = read_csv(t);
	if (code == CLI_OK)
		code = request_make_args(args, 1, &t->args);
	return code;
}

/* What there is to be performed: without it nobody could say what was left out. */
static int read_items(struct try *t)
{
	const struct plan_request r = {.class = t->class,
		.class_name = t->class_name,
		.asked = {.args = {t->args.data, t->args.len},
			.from = t->each.from,
			.to = t->each.to,
			.limit = t->each.limit,
			.uploaded = t->csv != NULL},
		.csv = t->csv,
		.most = PLAN_ALL};
	struct plan plan = {.total = -1};
	struct err err = {""};
	int code = CLI_OK;

	if (t->class->handler != CONF_HANDLER_EACH)
		return CLI_OK;
	if (plan_read(&plan, &r, &err) < 0)
		code = cli_fail(CLI_ERROR, "%s", err.text);
	for (size_t i = 0; i < plan.n; i++)
		try_ledger_want(&t->ledger, plan.items[i].number,
			(struct span){plan.items[i].item.data, plan.items[i].item.len});
	t->total = plan.total >= 0 ? plan.total : (long long)plan.n;
	plan_fini(&plan);
	return code;
}

/* -- a place of its own -------------------------------------------------------------------- */

static int make_folder(struct try *t)
{
	const char *tmp = getenv("TMPDIR");

	t->folder = must_printf("%s/drover-try-XXXXXX", tmp && *tmp == '/' ? tmp : "/tmp");
	if (mkdtemp(t->folder) == NULL) {
		int code = cli_fail(CLI_ERROR, "%s: %s", t->folder, strerror(errno));

		free(t->folder);
		t->folder = NULL;
		return code;
	}
	t->socket = must_printf("%s/redis.sock", t->folder);
	t->config = must_printf("%s/drover.yml", t->folder);
	t->log_path = must_printf("%s/log", t->folder);
	return CLI_OK;
}

static int write_config(const struct try *t)
{
	struct text text = {0};
	int fd = open(t->config, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600), code = CLI_OK;

	try_write_config(t, &text);
	if (fd < 0 || write(fd, text.data, text.len) != (ssize_t)text.len)
		code = cli_fail(CLI_ERROR, "%s: %s", t->config, strerror(errno));
	if (fd >= 0)
		close(fd);
	explicit_bzero(text.data, text.cap);
	text_fini(&text);
	return code;
}

static void pause_a_moment(void)
{
	nanosleep(&(struct timespec){.tv_nsec = LOOK_MS * 1000000L}, NULL);
}

static int wait_for_redis(struct try *t)
{
	char *url = must_printf("unix://%s", t->socket);
	const struct drover_options options = {.url = url, .by = "drover try"};
	struct drover_error error = {.text = "it does not answer"};
	int64_t until = clock_mono_ms() + REDIS_MS;
	int code = -1;

	while (!t->client && !try_interrupted && clock_mono_ms() < until) {
		t->client =
			access(t->socket, F_OK) == 0 ? drover_client_open(&options, &error) : NULL;
		if (programs_look(t->redis, &code)) {
			t->redis = 0;
			break;
		}
		if (!t->client)
			pause_a_moment();
	}
	free(url);
	if (t->redis > 0 && t->client)
		return CLI_OK;
	return cli_fail(CLI_ERROR,
		code == 127 ? "there is no redis-server in PATH" : "redis-server: %s", error.text);
}

static int start_redis(struct try *t)
{
	const char *argv[] = {"redis-server", "--port", "0", "--unixsocket", t->socket,
		"--unixsocketperm", "700", "--dir", t->folder, "--save", "", "--appendonly", "no",
		NULL};
	struct err err;

	t->redis = programs_start(&(struct program){argv, -1, -1, -1, -1}, &err);
	if (t->redis < 0)
		return cli_fail(CLI_ERROR, "%s", err.text);
	return wait_for_redis(t);
}

static int start_droverd(struct try *t)
{
	struct err err = {""};
	char *path = programs_find("droverd", &err);
	const char *argv[] = {path, "-c", t->config, NULL};
	int fd = open(t->log_path, O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0600);

	t->log = open(t->log_path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || t->log < 0)
		err_errno(&err, "%s", t->log_path);
	else if (path)
		t->droverd = programs_start(&(struct program){argv, -1, fd, fd, -1}, &err);
	if (fd >= 0)
		close(fd);
	free(path);
	return t->droverd > 0 ? CLI_OK : cli_fail(CLI_ERROR, "%s", err.text);
}

static int enqueue(struct try *t)
{
	bool each = t->class->handler == CONF_HANDLER_EACH;
	const struct drover_request request = {.queue = QUEUE,
		.class_name = t->class_name,
		.args = t->args.data,
		.track = true,
		.each = each ? &t->each : NULL};
	struct drover_enqueued answer;
	struct drover_error error;

	if (drover_enqueue(t->client, &request, &answer, &error) < 0)
		return cli_fail_client(&error);
	return CLI_OK;
}

int try_set_up(struct try *t)
{
	static int (*const STEPS[])(struct try *) = {read_options, read_items, make_folder};
	int code = CLI_OK;

	for (size_t i = 0; i < sizeof STEPS / sizeof *STEPS && code == CLI_OK; i++)
		code = STEPS[i](t);
	if (code == CLI_OK)
		code = write_config(t);
	if (code == CLI_OK)
		code = start_redis(t);
	if (code == CLI_OK)
		code = enqueue(t);
	return code == CLI_OK ? start_droverd(t) : code;
}

/* -- the end ------------------------------------------------------------------------------- */

static int remove_one(const char *path, const struct stat *st, int what, struct FTW *ftw)
{
	(void)st, (void)what, (void)ftw;
	remove(path);
	return 0;
}

void try_clean_up(struct try *t)
{
	programs_end(&t->droverd, END_MS);
	drover_client_close(t->client);
	programs_end(&t->redis, END_MS);
	if (t->folder)
		nftw(t->folder, remove_one, FOLDERS_OPEN, FTW_DEPTH | FTW_PHYS);
	if (t->log >= 0)
		close(t->log);
	free(t->folder);
	free(t->socket);
	free(t->config);
	free(t->log_path);
	free(t->csv);
	text_fini(&t->args);
	text_fini(&t->rest);
	text_fini(&t->state);
	text_fini(&t->trouble);
	try_ledger_fini(&t->ledger);
	conf_unref(t->conf);
}

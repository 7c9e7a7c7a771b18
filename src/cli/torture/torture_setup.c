/*
 * cli/torture_setup: see torture.h. In drover. The beginning and the end of a torture: a namespace
 * and a folder of its own, and nothing left of either.
 */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/must.h"
#include "base/random.h"
#include "cli/programs.h"
#include "cli/session.h"
#include "cli/torture/torture.h"
#include "cli/torture/torture_config.h"
#include "cli/torture/torture_items.h"
#include "client/torture.h"

enum {
	RUN_OF = 100,
	/* jobs, one iterates */ WORK_MS = 20,
	JOBS = 1000,
	JOBS_MAX = 1000000,
	KILLS = 40,
	FOLDERS_OPEN = 16
};

static int read_number(const struct args *args, const char *name, long long most, size_t *out)
{
	const char *text = args_value(args, name);
	long long n = text ? args_number(text) : (long long)*out;

	if (n < 0 || n > most)
		return cli_fail(CLI_USAGE, "%s %s is no number from 0 to %lld", name, text, most);
	*out = (size_t)n;
	return CLI_OK;
}

static int read_options(struct torture *t)
{
	const struct args *args = &t->cli->args;
	size_t seed = 0;
	int code;

	t->n_jobs = JOBS;
	t->n_kills = KILLS;
	code = read_number(args, "--jobs", JOBS_MAX, &t->n_jobs);
	t->n_runs = t->n_jobs / RUN_OF;
	if (code == CLI_OK)
		code = read_number(args, "--runs", JOBS_MAX, &t->n_runs);
	if (code == CLI_OK)
		code = read_number(args, "--kills", JOBS_MAX, &t->n_kills);
	if (code == CLI_OK)
		code = read_number(args, "--seed", UINT32_MAX, &seed);
	if (code != CLI_OK)
		return code;
	if (args_has(args, "--namespace"))
		return cli_fail(CLI_USAGE, "torture makes a namespace of its own");
	if (!args_has(args, "--seed"))
		seed = (size_t)(clock_mono_us() ^ getpid()) & UINT32_MAX;
	t->seed = t->random = seed;
	return CLI_OK;
}

static int find_programs(struct torture *t)
{
	struct err err;

	t->self = programs_find("drover", &err);
	t->droverd = t->self ? programs_find("droverd", &err) : NULL;
	return t->droverd ? CLI_OK : cli_fail(CLI_ERROR, "%s", err.text);
}

static int make_folder(struct torture *t)
{
	const char *tmp = getenv("TMPDIR");

	t->folder = must_printf("%s/drover-torture-XXXXXX", tmp && *tmp == '/' ? tmp : "/tmp");
	if (mkdtemp(t->folder) == NULL)
		return cli_fail(CLI_ERROR, "%s: %s", t->folder, strerror(errno));
	t->ledger = must_printf("%s/ledger", t->folder);
	t->items = must_printf("%s/items", t->folder);
	return CLI_OK;
}

static int write_config(struct torture *t, int i)
{
	struct text text = {0};
	char name[32];
	int fd, code = CLI_OK;

	snprintf(name, sizeof name, "torture%d", i + 1);
	t->configs[i] = must_printf("%s/%s.yml", t->folder, name);
	t->logs[i] = must_printf("%s/%s.log", t->folder, name);
	t->state_dirs[i] = must_printf("%s/%s", t->folder, name);
	torture_config_add(&text, &(struct torture_setup){.conf = t->conf,
					  .url = t->url,
					  .space = t->space,
					  .state_dir = t->state_dirs[i],
					  .name = name,
					  .self = t->self,
					  .ledger = t->ledger,
					  .items = t->items,
					  .work_ms = WORK_MS,
					  .item_ms = TORTURE_ITEM_MS,
					  .n_items = TORTURE_ITEMS});
	fd = open(t->configs[i], O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0 || write(fd, text.data, text.len) != (ssize_t)text.len)
		code = cli_fail(CLI_ERROR, "%s: %s", t->configs[i], strerror(errno));
	if (fd >= 0)
		close(fd);
	t->members[i] = (struct torture_member){
		.program = t->droverd, .config = t->configs[i], .log = t->logs[i]};
	text_fini(&text);
	return code;
}

static int load_conf(struct torture *t)
{
	const char *option = args_value(&t->cli->args, "--redis"),
		   *env = getenv("DROVER_REDIS_URL");
	struct text faults = {0};
	char random[13];
	int code = CLI_OK;

	t->conf = session_load_conf(&t->cli->args, &faults);
	if (t->conf == NULL)
		code = cli_fail(CLI_BAD_CONFIG, "the configuration cannot be used\n%s",
			faults.data ? faults.data : "");
	text_fini(&faults);
	if (code != CLI_OK)
		return code;
	random_hex(random, 12);
	t->space = must_printf(TORTURE_NAMESPACE "%s", random);
	t->url = must_strdup(option ? option : env && *env ? env : t->conf->redis.url);
	free(t->conf->redis.prefix);
	t->conf->redis.prefix = must_printf("%s:", t->space);
	return session_open(&t->cli->args, t->conf, &t->cli->client);
}

static int push_jobs(struct torture *t, size_t from, size_t to, struct drover_error *error)
{
	if (to <= from)
		return 0;
	return torture_push(
		t->cli->client, TORTURE_QUEUE, TORTURE_CLASS, t->jids + from, to - from, error);
}

static int push_run(struct torture *t, size_t i, struct drover_error *error)
{
	char *jid = must_printf("r%zu", i);
	int rc = torture_push(t->cli->client, TORTURE_QUEUE, TORTURE_RUN_CLASS, &jid, 1, error);

	free(jid);
	return rc;
}

/* A namespace of its own, so that a plain number does for an id. Those that iterate are spread over all. */
static int enqueue_all(struct torture *t)
{
	struct drover_error error;
	size_t from = 0, to;
	int rc = 0;

	t->jids = must_alloc((t->n_jobs + 1) * sizeof *t->jids);
	for (; t->n_jids < t->n_jobs; t->n_jids++)
		t->jids[t->n_jids] = must_printf("t%zu", t->n_jids);
	for (size_t i = 0; rc >= 0 && i < t->n_runs; i++, from = to) {
		to = t->n_jobs * i / t->n_runs;
		rc = push_jobs(t, from, to, &error);
		if (rc >= 0)
			rc = push_run(t, i, &error);
	}
	if (rc >= 0)
		rc = push_jobs(t, from, t->n_jobs, &error);
	return rc < 0 ? cli_fail_client(&error) : CLI_OK;
}

static int start_members(struct torture *t)
{
	struct err err;

	for (int i = 0; i < TORTURE_MEMBERS; i++)
		if (torture_member_start(&t->members[i], &err) < 0)
			return cli_fail(CLI_ERROR, "%s", err.text);
	return CLI_OK;
}

int torture_set_up(struct torture *t)
{
	int code = read_options(t);

	if (code == CLI_OK)
		code = find_programs(t);
	if (code == CLI_OK)
		code = load_conf(t);
	if (code == CLI_OK)
		code = make_folder(t);
	for (int i = 0; i < TORTURE_MEMBERS && code == CLI_OK; i++)
		code = write_config(t, i);
	t->faults = must_alloc((t->n_kills + 1) * sizeof *t->faults);
	if (code == CLI_OK)
		code = enqueue_all(t);
	if (code == CLI_OK)
		code = start_members(t);
	return code;
}

/* -- the end ------------------------------------------------------------------------------- */

static int remove_one(const char *path, const struct stat *st, int what, struct FTW *ftw)
{
	(void)st, (void)what, (void)ftw;
	remove(path);
	return 0;
}

void torture_clean_up(struct torture *t, int code)
{
	struct drover_error error;

	for (int i = 0; i < TORTURE_MEMBERS; i++)
		torture_member_kill(&t->members[i]);
	if (t->cli->client && torture_remove_keys(t->cli->client, &error) < 0)
		cli_fail(
			CLI_ERROR, "keys under %s: may be left in Redis: %s", t->space, error.text);
	if (t->ledger && (code == CLI_OK || torture_interrupted))
		nftw(t->folder, remove_one, FOLDERS_OPEN, FTW_DEPTH | FTW_PHYS);
	else if (t->ledger)
		cli_fail(code, "logs and ledger are kept in %s", t->folder);
	for (size_t i = 0; i < t->n_jids; i++)
		free(t->jids[i]);
	for (int i = 0; i < TORTURE_MEMBERS; i++) {
		free(t->configs[i]);
		free(t->logs[i]);
		free(t->state_dirs[i]);
	}
	free(t->jids);
	free(t->faults);
	free(t->url);
	free(t->space);
	free(t->folder);
	free(t->ledger);
	free(t->items);
	free(t->droverd);
	free(t->self);
	conf_unref(t->conf);
}

/*
 * drover check: is what droverd needs there, and what do the settings mean? It looks as the user
 * who calls it; droverd may run as another one. It changes nothing.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/judge.h"
#include "cli/cli.h"
#include "cli/session.h"
#include "cli/show.h"

/* -- limits -------------------------------------------------------------------------------- */

static ssize_t read_file(const char *path, char *out, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, out, size - 1);

	if (fd >= 0)
		close(fd);
	out[n > 0 ? n : 0] = '\0';
	return n;
}

/* The folder of our own cgroup in the v2 tree; -1 where there is none. */
static int find_cgroup(char *out, size_t size)
{
	char text[4096];
	const char *line;

	if (access("/sys/fs/cgroup/cgroup.controllers", F_OK) < 0 ||
		read_file("/proc/self/cgroup", text, sizeof text) <= 0)
		return -1;
	line = strncmp(text, "0::", 3) == 0 ? text : strstr(text, "\n0::");
	if (!line)
		return -1;
	line = strchr(line, '/');
	if (!line)
		return -1;
	snprintf(out, size, "/sys/fs/cgroup%.*s", (int)strcspn(line, "\n"), line);
	return 0;
}

static bool has_word(const char *list, const char *word)
{
	size_t len = strlen(word);

	for (const char *p = list; (p = strstr(p, word)); p += len)
		if ((p == list || p[-1] == ' ') && strchr(" \n", p[len]))
			return true;
	return false;
}

static void check_cgroup(struct judge_findings *f)
{
	char folder[4200], path[4300], controllers[512];

	if (find_cgroup(folder, sizeof folder) < 0) {
		judge_add(f, JUDGE_WARNING,
			"no cgroup v2: memory is sampled, and limits can be "
			"overshot between two looks");
		return;
	}
	snprintf(path, sizeof path, "%s/cgroup.controllers", folder);
	if (read_file(path, controllers, sizeof controllers) < 0)
		*controllers = '\0';
	if (access(folder, W_OK) < 0)
		judge_add(f, JUDGE_WARNING,
			"cgroup v2 is there, but %s is not delegated to this user: "
			"memory is sampled (systemd: Delegate=yes)",
			folder);
	else if (!has_word(controllers, "memory") || !has_word(controllers, "pids"))
		judge_add(f, JUDGE_WARNING,
			"cgroup v2 in %s lacks the controllers memory and pids: "
			"memory is sampled",
			folder);
	else
		judge_add(f, JUDGE_OK,
			"cgroup v2 in %s: memory and processes are limited by the "
			"kernel",
			folder);
}

static void check_proc(struct judge_findings *f)
{
	char path[64];

	snprintf(path, sizeof path, "/proc/self/task/%d/children", (int)getpid());
	if (access(path, R_OK) < 0)
		judge_add(f, JUDGE_WARNING,
			"/proc does not list children: descendants of a job are "
			"found more slowly");
}

/* -- state_dir ----------------------------------------------------------------------------- */

/* The folder that `path` stands in. */
static void find_parent(const char *path, char *out, size_t size)
{
	const char *slash = strrchr(path, '/');

	if (!slash)
		snprintf(out, size, ".");
	else if (slash == path)
		snprintf(out, size, "/");
	else
		snprintf(out, size, "%.*s", (int)(slash - path), path);
}

static void check_state_dir(struct judge_findings *f, const char *path)
{
	char parent[4096];
	struct stat st;

	find_parent(path, parent, sizeof parent);
	if (stat(path, &st) < 0 && access(parent, W_OK | X_OK) < 0)
		judge_add(f, JUDGE_ERROR, "state_dir %s is not there and cannot be made: %s", path,
			strerror(errno));
	else if (stat(path, &st) < 0)
		judge_add(f, JUDGE_OK, "state_dir %s will be made", path);
	else if (!S_ISDIR(st.st_mode))
		judge_add(f, JUDGE_ERROR, "state_dir %s is no folder", path);
	else if (access(path, W_OK | X_OK) < 0)
		judge_add(f, JUDGE_ERROR, "state_dir %s: %s", path, strerror(errno));
	else
		judge_add(f, JUDGE_OK, "state_dir %s can be written", path);
}

/* -- the verb ------------------------------------------------------------------------------ */

static void add_lines(struct cli *cli, const struct judge_findings *f)
{
	static const char *const colours[] = {
		[JUDGE_OK] = "\033[32m", [JUDGE_WARNING] = "\033[33m", [JUDGE_ERROR] = "\033[31m"};

	for (size_t i = 0; i < f->n; i++) {
		enum judge_level level = f->items[i].level;

		text_addf(&cli->out, "%s%-8s%s ", cli->colour ? colours[level] : "",
			judge_level_name(level), cli->colour ? "\033[0m" : "");
		show_add_safe(
			&cli->out, (struct span){f->items[i].text.data, f->items[i].text.len});
		text_add_char(&cli->out, '\n');
	}
}

static void add_doc(struct cli *cli, const struct judge_findings *f, const char *address, int code)
{
	struct doc d = {0};

	doc_open(&d, NULL, '{');
	doc_bool(&d, "ok", code == CLI_OK);
	doc_text(&d, "config", span_of(session_find_file(&cli->args)));
	doc_text(&d, "redis", span_of(address));
	doc_open(&d, "findings", '[');
	for (size_t i = 0; i < f->n; i++) {
		doc_open(&d, NULL, '{');
		doc_text(&d, "level", span_of(judge_level_name(f->items[i].level)));
		doc_text(&d, "text", (struct span){f->items[i].text.data, f->items[i].text.len});
		doc_close(&d, '}');
	}
	doc_close(&d, ']');
	doc_close(&d, '}');
	cli_add_doc(cli, &d);
}

static void note_lost(void *ctx, const struct drover_supervisor_info *s)
{
	struct judge_lost *lost = ctx;

	if (!s->lost || s->held == 0)
		return;
	lost->jobs += s->held;
	if (lost->leases++ >= JUDGE_IDS)
		return;
	if (lost->ids.len)
		text_add_str(&lost->ids, ", ");
	text_add_span(&lost->ids, cli_span(s->id));
}

static int check_leases(struct cli *cli, struct judge_findings *f)
{
	struct judge_lost lost = {0};
	struct drover_error error;
	int code = CLI_OK;

	if (drover_supervisor_each(cli->client, note_lost, &lost, &error) == 0) {
		judge_lost_jobs(f, &lost);
	} else {
		judge_add(f, JUDGE_ERROR, "%s", error.text);
		code = cli_fail_client(&error);
	}
	text_fini(&lost.ids);
	return code;
}

static int check_held(struct cli *cli, struct judge_findings *f)
{
	struct drover_stats stats;
	struct drover_error error;

	if (drover_stats_read(cli->client, &stats, &error) == 0) {
		judge_held(f, &stats);
		return CLI_OK;
	}
	judge_add(f, JUDGE_ERROR, "%s", error.text);
	return cli_fail_client(&error);
}

static int check_redis(struct cli *cli, const struct conf *conf, struct judge_findings *f)
{
	struct drover_server server;
	struct drover_error error;
	int code = session_open(&cli->args, conf, &cli->client);

	if (code != CLI_OK) {
		judge_add(f, JUDGE_ERROR, "Redis cannot be reached");
		return code;
	}
	if (drover_server_read(cli->client, &server, &error) < 0) {
		judge_add(f, JUDGE_ERROR, "%s", error.text);
		return cli_fail_client(&error);
	}
	judge_server(f, &server);
	code = check_leases(cli, f);
	return code == CLI_OK ? check_held(cli, f) : code;
}

/* No fault of the file: another supervisor may have the class. One sentence, whatever their number. */
static void check_schedules(struct judge_findings *f, const struct conf *conf)
{
	const struct conf_schedule *first = NULL;
	char more[48] = "";
	size_t n = 0;

	for (size_t i = 0; i < conf->n_schedules; i++) {
		const struct conf_schedule *s = &conf->schedules[i];

		if (conf_find_class(conf, span_of(s->class_name)))
			continue;
		first = first ? first : s;
		n++;
	}
	if (n == 0)
		return;
	if (n > 1)
		snprintf(more, sizeof more, ", nor those of %zu more", n - 1);
	judge_add(f, JUDGE_WARNING,
		"no entry under jobs matches the class %s of the schedule %s%s: its jobs fail "
		"here",
		first->class_name, first->name, more);
}

static void check_conf(struct judge_findings *f, const struct conf *conf, const char *path)
{
	if (!path) {
		judge_add(f, JUDGE_WARNING, "no configuration file: the defaults are looked at");
		return;
	}
	judge_add(f, JUDGE_OK, "%s can be used: %zu pool%s, %zu class%s", path, conf->n_pools,
		conf->n_pools == 1 ? "" : "s", conf->n_classes, conf->n_classes == 1 ? "" : "es");
	check_schedules(f, conf);
	check_state_dir(f, conf->supervisor.state_dir);
}

static int check_all(struct cli *cli, const struct conf *conf)
{
	struct judge_findings f = {0};
	int code;

	check_conf(&f, conf, session_find_file(&cli->args));
	code = check_redis(cli, conf, &f);
	check_cgroup(&f);
	check_proc(&f);
	if (code == CLI_OK && judge_worst(&f) == JUDGE_ERROR)
		code = CLI_ERROR;
	if (cli->json)
		add_doc(cli, &f, cli->client ? drover_client_address(cli->client) : NULL, code);
	else
		add_lines(cli, &f);
	judge_findings_fini(&f);
	return code;
}

static int run(struct cli *cli)
{
	struct text faults = {0};
	struct conf *conf = session_load_conf(&cli->args, &faults);
	int code;

	if (conf) {
		code = check_all(cli, conf);
	} else {
		text_add(&cli->out, faults.data, faults.len);
		code = cli_fail(CLI_BAD_CONFIG, "the configuration cannot be used");
	}
	conf_unref(conf);
	text_fini(&faults);
	return code;
}

const struct cli_verb verb_check = {.name = "check",
	.synopsis = "",
	.summary = "configuration, Redis and its settings, limits, clocks: what they mean",
	.alone = true,
	.run = run};

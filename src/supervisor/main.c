/*
 * droverd: takes jobs from Redis queues and has each performed in a process of its own. This
 * file reads the command line, has the configuration checked, drops privileges, and starts.
 */
#include "base/log.h"
#include "base/must.h"
#include "conf/conf.h"
#include "redis/redis.h"
#include "supervisor/supervisor.h"

#include <errno.h>
#include <getopt.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

enum { EXIT_RUNTIME = 1, EXIT_USAGE = 64, EXIT_CONFIG = 78, SHORT_LEASE_MS = 5000 };

struct options {
	const char *file;
	const char *cgroup;
	bool check, verbose, wait;
};

static const char USAGE[] =
	"usage: droverd [-c FILE] [-n [-v]] [--wait]\n"
	"  -c FILE     configuration; default: $DROVER_CONFIG, ./drover.yml, "
	"/etc/drover/drover.yml\n"
	"  -n          check the configuration and exit: 0 fine, 78 bad\n"
	"  -v          with -n: print the effective configuration\n"
	"  --wait      go on trying when Redis cannot be reached at start\n"
	"  --cgroup DIR  hold limits in this cgroup v2 folder; default: our own, where delegated\n"
	"  --version   print the version\n";

static int usage(void)
{
	fputs(USAGE, stderr);
	return EXIT_USAGE;
}

/* -1: go on; else the exit code. */
static int read_options(int argc, char **argv, struct options *o)
{
	static const struct option LONG[] = {{"config", required_argument, NULL, 'c'},
		{"check", no_argument, NULL, 'n'}, {"verbose", no_argument, NULL, 'v'},
		{"wait", no_argument, NULL, 'w'}, {"cgroup", required_argument, NULL, 'g'},
		{"help", no_argument, NULL, 'h'}, {"version", no_argument, NULL, 'V'}, {0}};
	int c;

	while ((c = getopt_long(argc, argv, "c:nvh", LONG, NULL)) != -1) {
		switch (c) {
		case 'c':
			o->file = optarg;
			break;
		case 'n':
			o->check = true;
			break;
		case 'v':
			o->verbose = true;
			break;
		case 'w':
			o->wait = true;
			break;
		case 'g':
			o->cgroup = optarg;
			break;
		case 'h':
			fputs(USAGE, stdout);
			return 0;
		case 'V':
			puts("droverd " DROVER_VERSION);
			return 0;
		default:
			return usage();
		}
	}
	return optind < argc ? usage() : -1;
}

static struct conf *load(const char *file)
{
	struct text faults = {0};
	struct conf *conf = conf_load(file, &faults);

	if (conf && !conf_check_supervisor(conf, &faults)) {
		conf_unref(conf);
		conf = NULL;
	}
	if (conf == NULL && faults.len > 0)
		fwrite(faults.data, 1, faults.len, stderr);
	text_fini(&faults);
	return conf;
}

static int print_conf(const struct conf *conf)
{
	struct text out = {0};

	conf_dump(conf, &out);
	fwrite(out.data, 1, out.len, stdout);
	text_fini(&out);
	return 0;
}

/* About five descriptors a worker are needed. */
static void raise_open_files(void)
{
	struct rlimit r;

	if (getrlimit(RLIMIT_NOFILE, &r) < 0)
		return;
	r.rlim_cur = r.rlim_max;
	setrlimit(RLIMIT_NOFILE, &r);
}

static int drop_privileges(const struct conf_supervisor *c, struct err *err)
{
	struct passwd *pw;
	struct group *gr = NULL;
	gid_t gid;

	if (c->user == NULL) {
		if (geteuid() == 0)
			log_event(LOG_WARN, "supervisor.root",
				LOG_STR("advice", "jobs run as root; set supervisor.user, or user "
						  "for a class"));
		return 0;
	}
	pw = getpwnam(c->user);
	if (pw == NULL)
		return err_set(err, "supervisor.user: there is no user \"%s\" here", c->user);
	gid = pw->pw_gid;
	if (c->group && (gr = getgrnam(c->group)) == NULL)
		return err_set(err, "supervisor.group: there is no group \"%s\" here", c->group);
	else if (c->group)
		gid = gr->gr_gid;
	if (geteuid() == pw->pw_uid)
		return 0;
	if (initgroups(c->user, gid) < 0 || setgid(gid) < 0 || setuid(pw->pw_uid) < 0)
		return err_errno(err, "becoming user %s", c->user);
	return 0;
}

/*
 * What stands in it names processes to be killed and verdicts to be sent, so nobody else may write
 * there. Asked once we are who we shall be.
 */
static int check_state_dir(const char *path, struct err *err)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return err_errno(err, "supervisor.state_dir %s", path);
	if (!S_ISDIR(st.st_mode))
		return err_set(err, "supervisor.state_dir %s is no folder", path);
	if (st.st_uid != geteuid())
		return err_set(err,
			"supervisor.state_dir %s belongs to another user (uid %u): what stands in "
			"it would not be believed; choose another, or chown it",
			path, (unsigned)st.st_uid);
	if (st.st_mode & (S_IWGRP | S_IWOTH))
		return err_set(err,
			"supervisor.state_dir %s can be written by others (mode %o): chmod 700 it",
			path, st.st_mode & 07777);
	return 0;
}

/* Made while we still may; it shall belong to the user we become. */
static int make_state_dir(const struct conf_supervisor *c, struct err *err)
{
	struct passwd *pw = c->user ? getpwnam(c->user) : NULL;

	if (mkdir(c->state_dir, 0700) < 0)
		return errno == EEXIST ? 0
				       : err_errno(err, "supervisor.state_dir %s", c->state_dir);
	if (pw && geteuid() == 0 && chown(c->state_dir, pw->pw_uid, pw->pw_gid) < 0)
		return err_errno(err, "supervisor.state_dir %s", c->state_dir);
	return 0;
}

static int redis_options_from(const struct conf *conf, struct redis_options *o, struct err *err)
{
	const struct conf_redis *r = &conf->redis;

	if (redis_options_parse(o, r->url, err) < 0)
		return err_at(err, "redis.url");
	if (r->username) {
		free(o->username);
		o->username = must_strdup(r->username);
	}
	if (r->password_file) {
		free(o->password);
		o->password = NULL;
		if (conf_read_password(r->password_file, &o->password, err) < 0)
			return err_at(err, "redis.password_file");
	}
	o->ca_file = r->ca_file ? must_strdup(r->ca_file) : NULL;
	o->cert_file = r->cert_file ? must_strdup(r->cert_file) : NULL;
	o->key_file = r->key_file ? must_strdup(r->key_file) : NULL;
	o->server_name = r->server_name ? must_strdup(r->server_name) : NULL;
	o->connect_timeout_ms = r->connect_timeout_ms;
	o->command_timeout_ms = r->command_timeout_ms;
	o->reconnect_max_ms =
		conf->supervisor.lease_ms / 5 < 2000 ? conf->supervisor.lease_ms / 5 : 2000;
	return 0;
}

static int fail(const struct err *err, int exit_code)
{
	log_event(LOG_ERROR, "supervisor.failed", LOG_STR("error", err->text));
	log_drain(1000);
	return exit_code;
}

static int run(struct conf *conf, const struct options *o)
{
	struct redis_options redis = {0};
	struct settings *settings;
	struct err err;
	int exit_code;

	log_init(conf->supervisor.log_level, conf->supervisor.log_format);
	raise_open_files();
	prctl(PR_SET_CHILD_SUBREAPER, 1L, 0L, 0L, 0L);
	if (conf->supervisor.lease_ms < SHORT_LEASE_MS)
		log_event(LOG_WARN, "supervisor.short_lease",
			LOG_NUM("lease_ms", conf->supervisor.lease_ms),
			LOG_STR("advice", "a stall of Redis for that long lets others take over"));
	if (redis_options_from(conf, &redis, &err) < 0) {
		redis_options_fini(&redis);
		conf_unref(conf);
		return fail(&err, EXIT_CONFIG);
	}
	if (make_state_dir(&conf->supervisor, &err) < 0 ||
		drop_privileges(&conf->supervisor, &err) < 0 ||
		check_state_dir(conf->supervisor.state_dir, &err) < 0 ||
		(settings = settings_new(conf, &err)) == NULL) {
		redis_options_fini(&redis);
		return fail(&err, EXIT_RUNTIME);
	}
	exit_code = supervisor_run(settings, &redis,
		&(struct supervisor_options){.wait_for_redis = o->wait, .cgroup = o->cgroup});
	redis_options_fini(&redis);
	log_drain(1000);
	return exit_code;
}

int main(int argc, char **argv)
{
	struct options o = {0};
	struct conf *conf;
	int early = read_options(argc, argv, &o);

	if (early >= 0)
		return early;
	if (o.file == NULL)
		o.file = conf_find_file();
	if (o.file == NULL) {
		fputs("droverd: no configuration: give -c FILE, or put one at "
		      "/etc/drover/drover.yml\n",
			stderr);
		return EXIT_CONFIG;
	}
	conf = load(o.file);
	if (conf == NULL)
		return EXIT_CONFIG;
	if (!o.check)
		return run(conf, &o);
	early = o.verbose ? print_conf(conf) : 0;
	conf_unref(conf);
	return early;
}

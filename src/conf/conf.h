/*
 * conf: drover.yml as structs. Loaded whole, checked whole, never changed afterwards: a reload
 * makes a new one beside the old. What is running keeps the one it was started under, hence the
 * count of references.
 *
 * Durations are milliseconds, sizes are bytes; CONF_NONE is "none" (no limit).
 * Strings belong to the conf; lists of strings end with NULL.
 */
#ifndef DROVER_CONF_CONF_H
#define DROVER_CONF_CONF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cron.h"
#include "base/err.h"
#include "base/log.h"
#include "base/text.h"
#include "base/units.h"
#include "base/zone.h"

#define CONF_NONE UNITS_NONE

enum { CONF_PARALLEL_MOST = 1000 }; /* parts of a run, by configuration or request */

struct conf_redis {
	char *url;	     /* as written, a password in it included */
	char *username;	     /* NULL: none */
	char *password_file; /* NULL: none */
	char *ca_file, *cert_file, *key_file, *server_name; /* NULL: none; TLS only */
	char *prefix; /* the namespace with its colon ("resque:"), or "" */
	int64_t connect_timeout_ms;
	int64_t command_timeout_ms; /* default: lease / 3; more is refused */
};

struct conf_supervisor {
	char *name; /* %h already replaced */
	int64_t lease_ms, flush_ms, poll_ms;
	int64_t shutdown_grace_ms; /* may be CONF_NONE */
	int64_t kill_grace_ms;
	char *state_dir;
	char *user, *group; /* NULL: stay who we are */
	int64_t runs_kept_ms, ids_kept_ms;
	int64_t max_payload_bytes;
	enum log_level log_level;
	enum log_format log_format;
};

struct conf_pool {
	char *name;
	int workers;
	bool weighted;
	char **queues; /* in order; globs and "!" as written */
	int *weights;  /* one a queue where weighted, else NULL */
	size_t n_queues;
};

enum conf_backoff_kind { CONF_BACKOFF_EXPONENTIAL, CONF_BACKOFF_LINEAR, CONF_BACKOFF_CONSTANT };

struct conf_backoff {
	enum conf_backoff_kind kind;
	int64_t first_ms, max_ms;
	double factor;
	bool full_jitter;
};

/* A job to be enqueued when this one has ended. */
struct conf_follow {
	char *class_name; /* NULL: none */
	char *queue;	  /* NULL: the queue of the job that ended */
	char *args_json;  /* a JSON array; NULL: none */
};

/* At most `items` in each `per_ms`; items 0: as fast as it goes. */
struct conf_rate {
	int64_t items, per_ms;
};

enum conf_overlap {
	CONF_OVERLAP_ALLOW,
	CONF_OVERLAP_SKIP,
	CONF_OVERLAP_QUEUE_ONE,
	CONF_OVERLAP_REPLACE
};
enum conf_item_error { CONF_ITEM_ERROR_STOP, CONF_ITEM_ERROR_SKIP, CONF_ITEM_ERROR_PAUSE };

enum conf_handler {
	CONF_HANDLER_NONE,
	CONF_HANDLER_COMMAND,
	CONF_HANDLER_FUNCTION,
	CONF_HANDLER_EACH /* `filter`, or `function` for an item */
};

enum conf_each_kind {
	CONF_EACH_NONE,
	CONF_EACH_RANGE,
	CONF_EACH_LINES,
	CONF_EACH_JSON,
	CONF_EACH_CSV,
	CONF_EACH_REDIS,
	CONF_EACH_COMMAND
};

enum conf_members {
	CONF_MEMBERS_LIST,
	CONF_MEMBERS_SET,
	CONF_MEMBERS_ZSET,
	CONF_MEMBERS_HASH,
	CONF_MEMBERS_SCAN
};

/*
 * A collection. Texts and commands are templates (base/template.h) of {args.N} and {args.NAME}; paths
 * and the command of an inner one, which is never one of Redis, of {item} and {item.NAME} too.
 */
struct conf_each {
	enum conf_each_kind kind;
	char *text; /* "FIRST..LAST", path, key or pattern, as written; NULL of a command */
	char **command;
	int64_t step;  /* of a range, not 0; downwards below 0 */
	int separator; /* of CSV: a byte */
	enum conf_members members;
	struct conf_redis
		*redis; /* where the key stands; NULL of other kinds. Its time-outs are those
				     of the section `redis`, its prefix is "" */
	struct conf_each *inner; /* NULL: not nested */
};

struct conf_class {
	char *name; /* class name or glob, as written; NULL in `defaults` */
	enum conf_handler handler;
	char **command; /* argv, where handler is COMMAND */
	char *function; /* where handler is FUNCTION; or for an item, where it is EACH */
	struct conf_each each;
	char **filter; /* argv, where handler is EACH without a function */

	/* limits */
	int64_t timeout_ms;   /* wall clock of one attempt */
	int64_t memory_bytes; /* of the whole tree */
	int64_t cpu_ms;
	int64_t processes; /* processes and threads in the tree */
	int64_t open_files;
	int64_t core_bytes;
	bool address_space;

	/* how it is run */
	int nice;
	bool at_most_once;
	bool exclusive;
	bool track;	    /* keep a run record */
	bool adopt_orphans; /* the job's main process is a subreaper */
	int64_t retries;    /* never used where at_most_once */
	struct conf_backoff backoff;
	int64_t max_recoveries;
	bool unique;
	int64_t unique_for_ms;
	int64_t max_running;	   /* over all supervisors; may be CONF_NONE */
	enum conf_overlap overlap; /* of scheduled jobs */
	int64_t keep_output_bytes;
	int reuse, spares;
	char **env;	 /* "NAME=value" */
	char **pass_env; /* names */
	char *directory;
	char *user; /* NULL: ours */

	struct conf_follow then, on_failure, on_cancel; /* once it is done, failed, cancelled */

	/* of an iterating job; numbers and durations may be CONF_NONE, command lists NULL */
	int64_t batch, parallel;
	int64_t limit, from, to;
	int64_t max_items, max_runtime_ms; /* of one slice */
	struct conf_rate rate;
	char **throttle; /* argv */
	int64_t throttle_backoff_ms;
	bool filter_tty;
	int64_t item_retries;
	struct conf_backoff item_backoff;
	enum conf_item_error on_item_error;
	int64_t max_item_errors;
	bool on_part_failure_stop, on_change_continue;
	char **on_start, **on_resume, **on_interrupt, **on_complete; /* argv */
};

enum conf_catch_up { CONF_CATCH_UP_NONE, CONF_CATCH_UP_LAST, CONF_CATCH_UP_ALL };

/* A job to be enqueued at certain times. Next time: cron_next(&s->cron, s->zone, after_s). */
struct conf_schedule {
	char *name;
	char *cron_text; /* as written */
	struct cron cron;
	char *timezone;	   /* the one that holds, also where it stands in cron_text */
	struct zone *zone; /* the same, looked up; base/zone's own */
	char *class_name;
	char *queue;
	char *args_json; /* a JSON array */
	enum conf_catch_up catch_up;
};

struct conf {
	unsigned refs;
	char *path; /* the file it was read from */
	struct conf_redis redis;
	struct conf_supervisor supervisor;
	struct conf_pool *pools;
	size_t n_pools;
	struct conf_class defaults;
	struct conf_class *classes; /* in file order; first match wins */
	size_t n_classes;
	char **modules;			 /* paths; NULL-terminated, never NULL itself */
	struct conf_schedule *schedules; /* in file order */
	size_t n_schedules;
};

/*
 * Reads `path` and all it includes. Every fault is appended to `faults` as a line of its own,
 * "file:line: key: what is wrong, what is allowed\n". Returns NULL if there was any.
 * DROVER_REDIS_URL in the environment wins over redis.url.
 */
struct conf *conf_load(const char *path, struct text *faults);

/*
 * The same from memory, `name` standing for the file; `include` is checked but not followed, and
 * the environment is not looked at. For tests.
 */
struct conf *conf_parse(const char *name, struct span text, struct text *faults);

/*
 * What droverd asks beyond conf_load: at least one pool. Faults are appended as by conf_load;
 * false where there was one.
 */
bool conf_check_supervisor(const struct conf *c, struct text *faults);

/*
 * Every default and no pool or class: what `drover` uses without a file. Never NULL; a
 * DROVER_REDIS_URL is taken as it stands.
 */
struct conf *conf_new_default(void);

/*
 * The file to use without -c: $DROVER_CONFIG, be it there or not, else ./drover.yml, else
 * /etc/drover/drover.yml; NULL: none.
 */
const char *conf_find_file(void);

struct conf *conf_ref(struct conf *c);
void conf_unref(struct conf *c); /* NULL is fine */

/* The class entry for a job of class `name`: the first that matches, NULL where none does. */
const struct conf_class *conf_find_class(const struct conf *c, struct span name);

/*
 * "FIRST..LAST", what a range says once it has no placeholders any more: whole numbers, at most 18
 * digits each, LAST included. -1 and a sentence, "is ...", where it is none.
 */
int conf_parse_range(struct span text, int64_t *first, int64_t *last, struct err *err);

/* Whether `parallel` may be above 1: places within it can be told beforehand. */
bool conf_each_can_be_divided(const struct conf_each *each);

/*
 * The effective configuration as YAML that loads to the same, and whose dump is the same to the
 * byte; passwords as "***". Files that were included are part of it.
 */
void conf_dump(const struct conf *c, struct text *out);

/* The same with its passwords: for a file that nobody else can read. */
void conf_write(const struct conf *c, struct text *out);

/*
 * Names of keys that cannot change while running and differ between the two, as one line
 * "redis.url, supervisor.state_dir"; empty where all is well.
 */
void conf_fixed_differences(const struct conf *a, const struct conf *b, struct text *out);

/*
 * Those keys of `fresh` become what they are in `running`, and the reverse: the two exchange them,
 * so that pointers into `running`'s stay good for as long as `fresh` lives.
 */
void conf_keep_fixed(struct conf *fresh, struct conf *running);

/* The text of a password file without its line end; refused when others can read it. */
int conf_read_password(const char *path, char **password, struct err *err);

#endif

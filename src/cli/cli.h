/*
 * cli: what the verbs of drover share. A verb is one row of the table in main.c and one file; it
 * writes what it has to say into `out`, which main prints, and returns the exit code.
 */
#ifndef DROVER_CLI_CLI_H
#define DROVER_CLI_CLI_H

#include <stdbool.h>
#include <stddef.h>

#include "base/text.h"
#include "cli/args.h"
#include "cli/doc.h"
#include "cli/table.h"
#include "conf/conf.h"
#include "drover/client.h"

enum cli_exit {
	CLI_OK = 0,
	CLI_ERROR = 1,	    /* also: the job that was waited for failed */
	CLI_WAIT_ERROR = 2, /* what is 1 elsewhere, while a job is waited for */
	CLI_USAGE = 64,
	CLI_NOT_FOUND = 66,
	CLI_UNREACHABLE = 69,
	CLI_TIME_OVER = 75, /* of --wait; and "stop" for a job that says checkpoint */
	CLI_BAD_CONFIG = 78
};

struct cli {
	struct args args; /* words behind the verb, options from anywhere */
	bool json;
	bool colour;		      /* standard output is a terminal */
	size_t width;		      /* of that terminal; 0: none */
	struct text out;	      /* for standard output */
	struct conf *conf;	      /* the one that counts; NULL for a verb that needs none */
	struct drover_client *client; /* NULL for a verb that needs none */
};

struct cli_verb {
	const char *name;
	const char *synopsis; /* its words, for people */
	const char *summary;
	size_t words_min, words_max;	   /* behind the verb */
	const struct args_option *options; /* NULL: none of its own */
	bool alone;			   /* needs no Redis, or finds it by itself */
	const char *offline;		   /* NULL, or the option with which it needs no Redis */
	int (*run)(struct cli *cli);
};

#define CLI_WORDS_ANY ((size_t)-1)

extern const struct cli_verb verb_enqueue, verb_queues, verb_queue, verb_jobs, verb_job,
	verb_cancel, verb_delayed, verb_schedule, verb_failed, verb_retry, verb_workers,
	verb_supervisors, verb_stats, verb_check, verb_fsck, verb_torture, verb_checkpoint,
	verb_progress, verb_note, verb_result, verb_run, verb_runs, verb_run_show, verb_pause,
	verb_resume, verb_errors, verb_retry_errors, verb_log, verb_rate, verb_try;

/* One sentence on standard error; returns `code`. */
int cli_fail(int code, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
int cli_fail_client(const struct drover_error *error);

/* Prints and empties `out`. Nobody reading is no error. -1 where it cannot be written. */
int cli_flush(struct cli *cli);

/* Moves what was made into `out`, and frees the maker. */
void cli_add_doc(struct cli *cli, struct doc *doc);
void cli_add_table(struct cli *cli, struct table *table);

/* A verb that lists: one array for --json and one table for people, filled side by side. */
struct cli_list {
	struct doc doc;
	struct table table;
};
void cli_list_open(struct cli_list *l, const struct table_column *columns, size_t n);

/* Hands over the one that is wanted and frees both. `got` below 0: says `error` instead. */
int cli_list_close(struct cli_list *l, struct cli *cli, int got, const struct drover_error *error);

struct span cli_span(struct drover_text t);

#endif

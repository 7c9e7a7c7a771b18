/* cli/try: what the files of `drover try` share. */
#ifndef DROVER_CLI_TRY_H
#define DROVER_CLI_TRY_H

#include <signal.h>

#include "cli/cli.h"
#include "cli/plan.h"
#include "cli/try/try_ledger.h"

struct
try {
	struct cli *cli;
	struct conf *conf;
	const struct conf_class *class;
	const char *class_name;
	struct text args;
	struct drover_each each;	     /* what is said of its items */
	char *csv;			     /* a whole path; NULL: that of the class */
	int64_t interrupt_every, kill_every; /* 0: never */

	char *folder, *socket, *config, *log_path;
	pid_t redis, droverd;
	struct drover_client *client;

	int log;	  /* descriptor of droverd's log */
	struct text rest; /* of it: a line without its end yet */
	struct try_ledger ledger;
	long long total; /* -1: not known beforehand */
	long long interruptions, kills, since_kill, deaths_due;
	long long failures;	 /* attempts that failed by themselves */
	long long lines_ignored; /* on the job socket */
	bool buffers;		 /* the filter gives no answer */
	bool over;
	int64_t heard_ms;    /* when the log said something last */
	struct text state;   /* how it ended: done, failed, .. */
	struct text trouble; /* why it did not end well */
};

extern volatile sig_atomic_t try_interrupted;

/* A folder, a Redis and a droverd of its own, and the job in its queue. An exit code. */
int try_set_up(struct try *t);
void try_clean_up(struct try *t);

/* The configuration for that droverd. It may hold passwords. */
void try_write_config(const struct try *t, struct text *out);

/* Reads what the log has to say by now. False: nothing new. */
bool try_read_log(struct try *t);

/* It is over, and why, where that is no ordinary end. */
void try_give_up(struct try *t, const char *state, const char *why);

/* Says what was found. An exit code. */
int try_report(struct try *t);

#endif

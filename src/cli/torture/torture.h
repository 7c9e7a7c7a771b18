/* cli/torture: what the files of `drover torture` share. */
#ifndef DROVER_CLI_TORTURE_H
#define DROVER_CLI_TORTURE_H

#include <signal.h>

#include "cli/cli.h"
#include "cli/torture/torture_crew.h"
#include "cli/torture/torture_ledger.h"

enum { TORTURE_MEMBERS = 2 };

struct torture {
	struct cli *cli;
	struct conf *conf;
	char *url, *space, *folder, *ledger, *items, *droverd, *self;
	uint64_t seed, random;
	size_t n_jobs, n_kills;
	char **jids;
	size_t n_jids;
	size_t n_runs;		/* iterating jobs, r0 .. */
	int64_t resume_mono_ms; /* all is paused until then; 0: nothing is */
	struct torture_member members[TORTURE_MEMBERS];
	char *configs[TORTURE_MEMBERS], *logs[TORTURE_MEMBERS], *state_dirs[TORTURE_MEMBERS];
	struct torture_fault *faults;
	size_t n_faults;
	size_t counts[TORTURE_KINDS];
	size_t fell; /* supervisors that ended by themselves */
};

extern volatile sig_atomic_t torture_interrupted;

/* Reads the options, connects, puts the jobs into the queue, starts the supervisors. An exit code. */
int torture_set_up(struct torture *t);

/*
 * Counts and says what came of every job and item. `all_counted`: Redis has as many as were put there;
 * `wrong_exits`: supervisors that did not end as they should. An exit code.
 */
int torture_judge(struct torture *t, bool all_counted, int wrong_exits);

/* Ends them, removes the keys and, where `code` is 0, the folder. */
void torture_clean_up(struct torture *t, int code);

#endif

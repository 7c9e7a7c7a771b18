/*
 * cli/torture_crew: the supervisors that `drover torture` starts, and their processes. What is
 * killed is looked at again through a descriptor of the process, so that nothing else is ever hit.
 */
#ifndef DROVER_CLI_TORTURE_CREW_H
#define DROVER_CLI_TORTURE_CREW_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"

/* One droverd. Strings are the caller's. */
struct torture_member {
	const char *program, *config, *log;
	pid_t pid;	  /* 0: not running */
	bool stopped;	  /* by SIGSTOP */
	int64_t on_at_ms; /* mono: when it is continued */
};

/* 0, or -1 and why. It dies with us, whatever ends us. */
int torture_member_start(struct torture_member *m, struct err *err);

/* SIGKILL, and waits for it. */
void torture_member_kill(struct torture_member *m);

void torture_member_stop(struct torture_member *m, int64_t until_mono_ms);
void torture_member_continue(struct torture_member *m);

/* TERM, and waits: its exit code; 128 + the signal that ended it; -1 where it had to be killed. */
int torture_member_term(struct torture_member *m, int64_t patience_ms);

/* True where it has ended by itself. */
bool torture_member_fell(struct torture_member *m);

/*
 * Kills one of its children by `choice`: a job's process (one with `mark` in its command line), or,
 * `mark` NULL, a nursery. The pid; 0 where there is none.
 */
pid_t torture_member_kill_child(const struct torture_member *m, const char *mark, uint64_t choice);

#endif

/*
 * cli/torture_ledger: what the jobs of `drover torture` said of themselves, and its judge: none
 * may be lost, none run again but after a fault that struck it, none beside itself but after a
 * lost lease. Pure: it reads text, not files.
 */
#ifndef DROVER_CLI_TORTURE_LEDGER_H
#define DROVER_CLI_TORTURE_LEDGER_H

#include <stddef.h>
#include <stdint.h>

#include "base/text.h"

enum torture_kind {
	TORTURE_CHILD,
	TORTURE_NURSERY,
	TORTURE_SUPERVISOR,
	TORTURE_STOP,
	TORTURE_PAUSE,
	TORTURE_KINDS
};

/*
 * What was done: to this child, or this supervisor (pid 0: to all), from when until when its excuse
 * holds.
 */
struct torture_fault {
	enum torture_kind kind;
	int pid;
	int64_t begin_ms, end_ms; /* mono */
};

/* One performance of a job. */
struct torture_run {
	struct span jid; /* points into the text that was read */
	int pid, supervisor;
	int beside;		  /* the process that ran it at that very moment; 0: none */
	int64_t begin_ms, end_ms; /* mono; end -1: it never said so */
};

/* A zeroed struct is an empty ledger. */
struct torture_ledger {
	struct torture_run *runs; /* sorted by jid, then as they began */
	size_t n, cap;
};

struct torture_count {
	size_t jobs, done, lost, again, twice, beside, unexcused;
};

/* Lines that are none are passed over. */
void torture_ledger_read(struct torture_ledger *l, struct span text);
void torture_ledger_fini(struct torture_ledger *l);

/* How many jobs have ended at least once. */
size_t torture_ledger_done(const struct torture_ledger *l);

/* `jids`: all that were put into the queue, NUL-terminated. */
void torture_ledger_judge(const struct torture_ledger *l, char *const *jids, size_t n_jids,
	const struct torture_fault *faults, size_t n_faults, struct torture_count *out);

#endif

/*
 * outcome: what an end means. Pure: how the main process ended, why we ended it if we did, what
 * the job said, what its class wishes -> verdict, exception and sentence.
 */
#ifndef DROVER_SUPERVISOR_OUTCOME_H
#define DROVER_SUPERVISOR_OUTCOME_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/types.h>

#include "base/text.h"
#include "queue/verbs.h"
#include "supervisor/job/iteration.h"

enum { OUTCOME_TRY_LATER = 75 }; /* EX_TEMPFAIL */

/* Why droverd ended a job, if it did. */
enum end_reason {
	END_NONE,
	END_TIMEOUT,
	END_MEMORY,
	END_CPU,
	END_PROCESSES,
	END_STOP,
	END_OPERATOR,  /* USR1 */
	END_EXCLUSIVE, /* another supervisor might start it: see exclusive.h */
	END_CANCEL,    /* somebody cancelled this very job */
	END_LOST,      /* the lease was taken over: no verdict counts any more */
	END_REASONS
};

/* The word for logs: "timeout", "memory", .. */
const char *end_reason_name(enum end_reason reason);

struct ending {
	enum end_reason reason;
	int64_t limit, used; /* of the limit that was hit: ms, bytes or a count */
	bool spawned;	     /* false: there never was a process; `said_message` tells why */
	pid_t pid;
	int exit_code; /* where signal is 0 */
	int signal;    /* 0: it exited by itself */
	bool term_sent, kill_sent;
	int64_t wall_ms, kill_grace_ms;
	struct rusage usage;
	int64_t cpu_limit_ms; /* of its class */
	bool at_most_once;
	int64_t attempt, retries; /* this one, from 1; further ones after the first */
	struct span said_exception, said_message; /* from an `error` line; .len 0: not said */

	/* of an iterating job */
	bool iterates, each;
	bool moved;   /* it passed an item, or said a cursor, since it started */
	bool in_item; /* of an `each`: one was begun and not passed */
	enum iteration_stop stop;
	bool slice;	 /* max_items or max_runtime was reached */
	bool hold;	 /* an item failed, and it is to pause then */
	bool divides;	 /* its parts take its place */
	int64_t wait_ms; /* it gives its worker back for so long; -1: it does not */
};

/*
 * DONE, FAILED (for good), LATER (failed, and tried again; or `waits`), HEAD (interrupted by a stop), TAIL
 * (by itself), PAUSED, CANCELLED, DIVIDED. `again`: none of these: the child of an `each` died in an item,
 * and another one goes on there.
 */
struct outcome {
	enum verdict_kind verdict;
	bool again, waits;
	bool cut_off;	       /* with VERDICT_HEAD: by END_EXCLUSIVE, no counter changes */
	const char *exception; /* of a failure; NULL: what the job said */
	struct text error;     /* .. the caller's to free */
};

int64_t outcome_cpu_ms(const struct rusage *u); /* user and system time */
void outcome_decide(struct outcome *out, const struct ending *end);

/* How the main process ended, as a clause: "its child was ended by SIGSEGV", "ran for 2 s, timeout is 1 s". */
void outcome_add_death(struct text *out, const struct ending *end);

#endif

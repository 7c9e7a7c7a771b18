/*
 * cli/try_ledger: what a job that is tried did, item by item or cursor by cursor, and its judge: which
 * items were performed more than once or not at all. Pure.
 */
#ifndef DROVER_CLI_TRY_LEDGER_H
#define DROVER_CLI_TRY_LEDGER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/text.h"

/* An item by its text, or a cursor. What is alike is one entry, which is wanted so many times. */
struct try_entry {
	struct text text;
	uint64_t hash;
	long long number; /* of the item that had it first */
	long long wanted, begun, ended;
};

/* An item that failed, or a line that was none. */
struct try_failure {
	long long number;
	const char *step;
	struct text why;
};

enum { TRY_FAILURES = 5 };

/* A zeroed struct is an empty ledger. */
struct try_ledger {
	struct try_entry *entries; /* in the order in which they were met */
	size_t n, cap;
	size_t *slots; /* by hash: index + 1; 0: free */
	size_t n_slots;

	bool cursors;	   /* the job says them; nothing is wanted of it then */
	long long in_hand; /* index of the item begun last, while it has not ended; -1 */
	long long starts, idle_starts; /* .. in a row by which nothing new was done */
	bool is_idle;		       /* this one, until now */
	long long done, aside, malformed, tried_again, cut_off;
	struct try_failure failures[TRY_FAILURES];
	size_t n_failures;

	/* of cursors that are numbers, or begin with one */
	bool uneven, has_step, has_last, stopped;
	long long last, highest, step;
	bool is_first; /* none was said in this start */
	long long backwards, passed_over, after_stop;
};

void try_ledger_init(struct try_ledger *l);
void try_ledger_fini(struct try_ledger *l);

/* This item is in the collection, once more. */
void try_ledger_want(struct try_ledger *l, long long number, struct span item);

/* A process for the job begins. */
void try_ledger_start(struct try_ledger *l);

/* It ended by itself, or was killed. */
void try_ledger_death(struct try_ledger *l);

/* What became of an item; `step` as the log has it, `text` the item where it is begun or set aside. */
void try_ledger_item(struct try_ledger *l, long long number, const char *step, struct span text);

/* The job says that all up to `cursor` is done, and is told to stop, or not. */
void try_ledger_cursor(struct try_ledger *l, struct span cursor, bool stop);

/* How often too often, and how often not at all, over all entries. */
long long try_ledger_repeated(const struct try_ledger *l);
long long try_ledger_skipped(const struct try_ledger *l);

#endif

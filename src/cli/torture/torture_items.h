/*
 * cli/torture_items: the iterating jobs of `drover torture`: what performs their items, in a process
 * of its own, and the judge of what it said. The judge is pure: it reads text, not files.
 */
#ifndef DROVER_CLI_TORTURE_ITEMS_H
#define DROVER_CLI_TORTURE_ITEMS_H

#include <stddef.h>

#include "base/text.h"

/* Each run goes over the numbers from 1 on, in two parts; each that TORTURE_BAD divides fails. */
enum { TORTURE_ITEMS = 200, TORTURE_BAD = 50, TORTURE_ITEM_MS = 4 };

/*
 * The filter: of each item a line "JID ITEM" at the end of the file `ledger` as it begins, so much
 * work, an answer. Returns the exit code.
 */
int torture_items(const char *ledger, long ms);

struct torture_items_count {
	size_t missing, again; /* never begun; begun, and begun before */
};

/* Runs are named r0, r1 ..; what is no line of theirs is passed over. */
void torture_items_judge(struct span text, size_t n_runs, struct torture_items_count *out);

#endif

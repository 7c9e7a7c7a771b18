/*
 * journal: the file `verdicts` of a state folder: verdicts that Redis has not confirmed yet, so
 * that the end of droverd does not lose them. What is added and struck out is gathered and goes
 * out in one write.
 *
 * The file is a list of records: struct journal_head, then its bytes. Where nothing is waited for,
 * the list begins anew at the start of the file under the next epoch; a list ends where a record
 * is of another epoch, or is not whole.
 */
#ifndef DROVER_SUPERVISOR_JOURNAL_H
#define DROVER_SUPERVISOR_JOURNAL_H

#include "base/err.h"
#include "queue/verbs.h"

#define JOURNAL_FILE "verdicts"

struct journal;

/* Where a verdict stands; zero: in no journal. */
struct journal_mark {
	uint64_t id;
	uint64_t bytes;
};

/* Makes the file in the folder. */
struct journal *journal_new(int folder_fd, struct err *err);
void journal_free(struct journal *j); /* the file stays; `j` may be NULL, here and below */

/* Notes a verdict; by the mark it is struck out. */
struct journal_mark journal_add(struct journal *j, const struct verdict *v);
void journal_strike(struct journal *j, struct journal_mark mark);
/* One write of what was noted since the last. An error is said once; the verdicts are still in memory. */
void journal_write(struct journal *j);
/* For an idle moment: where nothing is waited for, the file becomes empty. */
void journal_settle(struct journal *j);

/*
 * True where most of the file is struck out, and it is long. Then begin, add anew what waits (the
 * old marks are void), and end: a new file takes the place of the old one.
 */
bool journal_is_long(const struct journal *j);
void journal_rewrite_begin(struct journal *j);
void journal_rewrite_end(struct journal *j);

/* -- by whoever takes the folder over -- */

typedef void journal_fn(void *ctx, const struct verdict *v);

/*
 * Calls fn for every verdict that was not struck out, in order; it is gone after the call. Returns
 * how many, 0 also where there is no file; -1 where it cannot be read.
 */
int journal_read(int folder_fd, journal_fn *fn, void *ctx, struct err *err);

#endif

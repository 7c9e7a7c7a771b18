/*
 * scoreboard: droverd's pages of the file that says what runs where (wire/scoreboard.h). Writing is
 * storing to mapped memory and reading a clock: no job costs a system call here.
 */
#ifndef DROVER_SUPERVISOR_SCOREBOARD_H
#define DROVER_SUPERVISOR_SCOREBOARD_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/err.h"
#include "base/text.h"
#include "wire/scoreboard.h"

#define SCOREBOARD_FILE "scoreboard"

struct scoreboard;

/* Where a slot writes. A zeroed one is of no scoreboard: what is written there is forgotten. */
struct scoreboard_place {
	struct scoreboard_header *header;
	struct scoreboard_slot *slot;
};

struct scoreboard *scoreboard_new(
	int folder_fd, const char *lease, int64_t lease_ms, struct err *err);
void scoreboard_free(struct scoreboard *b); /* the file stays; all places are void. May be NULL */

/* An open descriptor of the file, for whoever shall read it; stays the scoreboard's. -1: none. */
int scoreboard_fd(const struct scoreboard *b);

/* Exclusive jobs are ended once this is past; see lease_deadline. */
void scoreboard_set_deadline(struct scoreboard *b, int64_t boot_ms);

/*
 * The place of a slot, with nothing in it; the file grows where it must. Without one in it where
 * that fails (said in the log): droverd goes on.
 */
struct scoreboard_place scoreboard_place(struct scoreboard *b, unsigned number);

/* -- the life of a slot's process -- */

void scoreboard_asked(struct scoreboard_place p);	     /* of a nursery, just now */
void scoreboard_hello(struct scoreboard_place p, pid_t pid); /* it stands */
void scoreboard_given(
	struct scoreboard_place p, struct span token, struct span jid, bool exclusive);
void scoreboard_job_over(
	struct scoreboard_place p); /* the process goes on; or: all is told of it */
/* It was reaped. The marks of an iterating job stay until its verdict is kept somewhere else. */
void scoreboard_gone(struct scoreboard_place p);

/* -- an iterating job -- */

/*
 * It is given next: what it is a part of, its orders, and no mark yet. Returns the generation its child
 * shall write, 0 where there is no board.
 */
uint32_t scoreboard_iterates(struct scoreboard_place p, struct span run, int64_t part,
	const struct scoreboard_orders *orders);

/* What the child reads between two items; a child that waits is woken. */
void scoreboard_stop(struct scoreboard_place p);
void scoreboard_set_end(struct scoreboard_place p, int64_t end);
void scoreboard_set_granted(struct scoreboard_place p, int64_t granted);

/* The newer whole mark of this start; false: there is none yet. */
bool scoreboard_mark(struct scoreboard_place p, struct scoreboard_mark *out);
/* What was begun last; false: nothing was. */
bool scoreboard_begun(struct scoreboard_place p, struct scoreboard_begun *out);

/* For a job that says `cursor` lines: droverd writes its marks itself. */
void scoreboard_put_mark(struct scoreboard_place p, int64_t number, struct span cursor);

/* -- of another start, which is gone -- */

/* `mark` and `begun` NULL: there are none. */
typedef void scoreboard_fn(void *ctx, const struct scoreboard_slot *slot,
	const struct scoreboard_mark *mark, const struct scoreboard_begun *begun);

/* Calls fn for every record with a process (pid above 0), or with what an iterating job left. 0 also where there is no file; -1: not readable. */
int scoreboard_read(int folder_fd, scoreboard_fn *fn, void *ctx, struct err *err);

#endif

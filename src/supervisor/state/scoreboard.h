/*
 * scoreboard: droverd's pages of the file that says what runs where (wire/scoreboard.h). Writing is
 * storing to mapped memory and reading a clock: no job costs a system call here.
 */
#ifndef DROVER_SUPERVISOR_SCOREBOARD_H
#define DROVER_SUPERVISOR_SCOREBOARD_H

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
void scoreboard_job_over(struct scoreboard_place p); /* the process goes on */
void scoreboard_gone(struct scoreboard_place p);     /* it was reaped */

/* -- of another start, which is gone -- */

typedef void scoreboard_fn(void *ctx, const struct scoreboard_slot *slot);

/* Calls fn for every record with a process. 0 also where there is no file; -1: not readable. */
int scoreboard_read(int folder_fd, scoreboard_fn *fn, void *ctx, struct err *err);

#endif

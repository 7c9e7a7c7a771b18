/*
 * exclusive: jobs of classes with `exclusive: true` are ended by SIGKILL before this supervisor's
 * lease can run out, so that nobody starts one beside it. The deadline is 0.8 lease after the last
 * confirmed beat was sent, by CLOCK_BOOTTIME, which goes on in suspend. It stands in the scoreboard
 * too, where the nursery watches it for us: we may be stopped ourselves when it passes.
 */
#ifndef DROVER_SUPERVISOR_EXCLUSIVE_H
#define DROVER_SUPERVISOR_EXCLUSIVE_H

#include <stdbool.h>

struct exclusive;
struct nursery;
struct scoreboard;
struct slot;
struct supervisor;

struct exclusive *exclusive_new(struct supervisor *s);
void exclusive_free(struct exclusive *e);

/* Where the nursery reads the deadline; the caller's. NULL: nowhere, then only we watch. */
void exclusive_use_board(struct exclusive *e, struct scoreboard *board);

/* A beat was confirmed: the deadline moves. One that had passed by now still counts. */
void exclusive_confirmed(struct exclusive *e);

/* True for jobs of other classes. False: the deadline has passed, such a job must not begin. */
bool exclusive_may_begin(const struct exclusive *e, const struct slot *slot);

/* The scoreboard names the job; its process is given it once this returns. */
void exclusive_begin(struct exclusive *e, const struct slot *slot);

/* A nursery stands, in place of one that watched. */
void exclusive_tell_nursery(struct exclusive *e, struct nursery *n);

/* Its process was reaped: the nursery may have been the one that ended it. */
void exclusive_note_exit(const struct exclusive *e, struct slot *slot);

/* Such a job cannot be sure any more to be the only one: it is ended, all of them are. */
void exclusive_end(struct slot *slot);
void exclusive_end_all(struct exclusive *e, const char *why);

#endif

/*
 * home: this start's own folder in state_dir with its scoreboard and its journal, made anew with
 * each lease id, and the watch for folders of others. It joins those parts to the supervisor.
 */
#ifndef DROVER_SUPERVISOR_HOME_H
#define DROVER_SUPERVISOR_HOME_H

#include "supervisor/state/scoreboard.h"

struct home;
struct supervisor;

/* For the lease id there is; -1 where the folder cannot be had. Before there are slots. */
int home_open(struct supervisor *s, struct err *err);

/* Begins to look for what others left: once the loop is about to run. */
void home_start(struct supervisor *s);

/* The lease id is a new one: so is the folder; the old one goes, with what was noted there. */
void home_renew(struct supervisor *s);

/* Where the slot of this number writes. */
struct scoreboard_place home_place(struct supervisor *s, unsigned number);
int home_board_fd(const struct supervisor *s); /* stays the scoreboard's; -1: there is none */

/* Our lease is held: others can be taken over. */
void home_lease_held(struct supervisor *s);

/* The path of our folder. */
const char *home_path(const struct supervisor *s);

/*
 * The end, after the connection is closed. The folder goes, unless something is left that somebody
 * else shall see to: verdicts, or a lease that was not given back. False: it stays.
 */
bool home_close(struct supervisor *s);

#endif

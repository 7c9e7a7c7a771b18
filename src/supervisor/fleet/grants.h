/*
 * grants: items that may be begun, for runs with a rate, which all their parts and supervisors share. A
 * little ahead of time they are taken out of the run's rate in Redis and handed to the child over the
 * scoreboard. While Redis is away the last share goes on.
 */
#ifndef DROVER_SUPERVISOR_GRANTS_H
#define DROVER_SUPERVISOR_GRANTS_H

struct grants;
struct slot;
struct supervisor;

struct grants *grants_new(struct supervisor *s);
void grants_free(struct grants *g);

/* It is given its job next: how many items may it begin? */
void grants_begin(struct grants *g, struct slot *slot);

/* Rates may have been changed: all that run are looked at, those without one, too. */
void grants_look(struct grants *g);

#endif

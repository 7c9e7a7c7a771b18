/*
 * checkpoints: how far iterating jobs are, told to Redis once a `flush` for all of them together, and at
 * once where one waits for it: an item that is set aside is passed only when that is kept. With them go
 * what tracked jobs printed, and parts that are given to free workers.
 */
#ifndef DROVER_SUPERVISOR_CHECKPOINTS_H
#define DROVER_SUPERVISOR_CHECKPOINTS_H

struct checkpoints;
struct slot;
struct supervisor;

struct checkpoints *checkpoints_new(struct supervisor *s);
void checkpoints_free(struct checkpoints *c);

/* A job that has something to tell runs, or may. */
void checkpoints_expect(struct checkpoints *c);

/* One waits for it. */
void checkpoints_soon(struct checkpoints *c);

/* Its verdict is sent next: what is not told yet goes before it. */
void checkpoints_last(struct checkpoints *c, struct slot *slot);

/* The connection is new: what was not answered is told again. */
void checkpoints_ask_again(struct checkpoints *c);

#endif

/* queue/operate: what an operator does to a queue. Answers as queue/ask.h says. */
#ifndef DROVER_QUEUE_OPERATE_H
#define DROVER_QUEUE_OPERATE_H

#include "queue/inspect.h"

/* 1 where something changed. */
int operate_pause(const struct inspect *in, struct span queue, struct span reason, struct err *err);
int operate_resume(const struct inspect *in, struct span queue, struct err *err);

/*
 * Throws away the jobs that wait now; those with a run record are cancelled in it. *gone counts
 * them, also where the answer is an error.
 */
int operate_clear(const struct inspect *in, struct span queue, int64_t now_ms, int64_t *gone,
	struct err *err);

#endif

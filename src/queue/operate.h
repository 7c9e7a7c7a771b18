/* queue/operate: what an operator does to a queue. Answers as queue/ask.h says. */
#ifndef DROVER_QUEUE_OPERATE_H
#define DROVER_QUEUE_OPERATE_H

#include "queue/inspect.h"

/* 1 where something changed. */
int operate_pause(const struct inspect *in, struct span queue, struct span reason, struct err *err);
int operate_resume(const struct inspect *in, struct span queue, struct err *err);

/*
 * Throws away the jobs that wait in it now; those with a run record or locks are cancelled one by
 * one. *gone counts them, also where the answer is an error.
 */
struct operate_clear {
	struct span queue;
	int64_t now_ms, runs_kept_ms, ids_kept_ms;
};
int operate_clear(
	const struct inspect *in, const struct operate_clear *how, int64_t *gone, struct err *err);

#endif

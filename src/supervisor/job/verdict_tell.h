/*
 * verdict_tell: what the files of verdict.h share: a decision, and how Redis is told of it. What is said of
 * any job is in verdict.c, what only an iterating one or a run has to say in verdict_run.c.
 */
#ifndef DROVER_SUPERVISOR_VERDICT_TELL_H
#define DROVER_SUPERVISOR_VERDICT_TELL_H

#include "supervisor/job/verdict.h"

/* What is decided, on its way from a verdict_send_* to Redis. */
struct decision {
	enum verdict_kind kind;
	const char *what;  /* the audit's word */
	const char *state; /* of the run record from now on */
	struct span text;  /* failure record, or payload that goes back */
	struct span exception, error;
	struct span reason;  /* why it waits or is paused */
	bool interrupted;    /* counts as one more interruption */
	bool follows_nobody; /* it is no end of a job that was done: nothing follows */
	int64_t delay_ms;
	const char *why; /* of LATER, and of a part that failed */
};

void verdict_tell_redis(struct slot *s, const struct decision *d);

/* How far it is, and whose it is; nothing where it has no record. */
void verdict_add_position(struct text *out, const struct slot *s);

/* The jobs that follow the end of its run; of several parts each brings all, for the last one decides. */
void verdict_add_follows(struct text *out, const struct job *j, enum verdict_kind kind);

void verdict_tell_interrupted(struct slot *s, const struct outcome *out);
void verdict_tell_waits(struct slot *s);
void verdict_tell_paused(struct slot *s, const struct outcome *out);
void verdict_tell_divided(struct slot *s, const struct outcome *out);

#endif

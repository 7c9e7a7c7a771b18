/*
 * stream: droverd's end of a drover-items process, which serves a collection that stands in Redis to
 * the child of one job (wire/stream.h): started with the job, ended with it. droverd itself never
 * asks it anything, and nothing here waits for it.
 */
#ifndef DROVER_SUPERVISOR_STREAM_H
#define DROVER_SUPERVISOR_STREAM_H

#include <sys/types.h>

#include "base/err.h"
#include "supervisor/process/pid_set.h"
#include "wire/stream_spec.h"

struct event_base;
struct stream;
struct streams; /* all that live, those that are being ended, too */

/* `known` holds their pids until each is reaped: they are no strays. */
struct streams *streams_new(struct event_base *base, struct pid_set *known);
void streams_free(struct streams *all); /* ends all that are left; NULL is fine */

/*
 * Starts one. *theirs is the child's end of its socket, the caller's to hand over and to close: as
 * long as somebody has it open, the program does not see the end of the child. NULL where it cannot
 * be started, or `spec` is too long. That Redis is away, or the key is wrong, is not known here: who
 * asks is told.
 */
struct stream *stream_start(
	struct streams *all, const struct stream_spec *spec, int *theirs, struct err *err);

/* Ends it, whatever it does, and forgets it. NULL is fine. */
void stream_free(struct stream *s);

/* 0: it has ended by itself, which the log says where that was no ordinary end. */
pid_t stream_pid(const struct stream *s);

#endif

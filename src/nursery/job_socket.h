/*
 * nursery/job_socket: the child's end of the job socket, descriptor JOB_FD (DROVER_FD of the job).
 * A write that fails means that droverd is gone, and so is soon the child: callers may ignore it.
 */
#ifndef DROVER_NURSERY_JOB_SOCKET_H
#define DROVER_NURSERY_JOB_SOCKET_H

#include <stddef.h>

#include "base/err.h"
#include "base/text.h"

#define JOB_FD 3

/* Status of a child that never came to its job's own code, as a shell has it. */
#define JOB_EXIT_NOT_STARTED 127

/* All of the bytes, or -1 with errno. */
int job_socket_say(const char *bytes, size_t len);

#define JOB_FDS_MAX 2

/* Nearly every message fits into `first`, for which no page of the heap has to be copied. */
struct job_buffer {
	struct text rest;
	size_t n_fds;
	int fds[JOB_FDS_MAX]; /* that came with it, closed on exec; whoever receives closes them */
	char first[2048];
};

/*
 * Receives the next whole message: 1; 0 at end of file; -1 where it is none. It stands in the
 * buffer, whose `rest` is empty at first, until the next call.
 */
int job_socket_receive(struct job_buffer *b, struct span *message, struct err *err);

/* Reads one short line, without its newline: 0, or -1 at end of file or where it does not fit. */
int job_socket_answer(char *line, size_t size);

/* Says an `error` line. */
int job_socket_error(struct span exception, struct span message);

/* Says an `error` line and ends the child: its job cannot be started. */
_Noreturn void job_socket_not_started(const struct err *why);

#endif

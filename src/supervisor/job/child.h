/*
 * child: droverd's end of one child process, from the spawn to the reaping: job socket, output
 * pipe, pidfd. It carries bytes and tells what happened; what that means, the slot decides.
 */
#ifndef DROVER_SUPERVISOR_CHILD_H
#define DROVER_SUPERVISOR_CHILD_H

#include <event2/event.h>
#include <event2/event_struct.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/types.h>

#include "base/err.h"
#include "base/text.h"

enum child_state {
	CHILD_NONE,
	CHILD_SPAWNING, /* asked for; has not said hello */
	CHILD_IDLE,	/* waits for a job */
	CHILD_BUSY,	/* has one */
	CHILD_STATES
};

struct child_exit {
	pid_t pid;
	int code;	     /* where signal is 0 */
	int signal;	     /* 0: exited by itself */
	struct rusage usage; /* of it and of those it waited for */
};

/* What a child tells its owner. The owner may call child_close in any of them. */
struct child_events {
	void (*hello)(void *owner);			    /* SPAWNING -> IDLE */
	void (*failed)(void *owner, const struct err *why); /* it never said hello; state is NONE */
	void (*line)(void *owner, struct span line);
	void (*output)(void *owner, struct span bytes);
	/* Reaped; all it had said and printed was told before. State is NONE. */
	void (*exited)(void *owner, const struct child_exit *exit);
};

struct child {
	enum child_state state;
	pid_t pid;	 /* known from hello on */
	uint64_t serial; /* of the spawn */
	bool dismissed;	 /* told to go: it is given no job any more */
	bool sock_ended; /* its end was read */
	int sock, out, pidfd;
	struct event ev_sock, ev_out, ev_pid, ev_write;
	struct text line;    /* a line without its end yet */
	struct text pending; /* bytes the socket did not take yet */
	const struct child_events *events;
	void *owner;
	struct event_base *base;
};

void child_init(
	struct child *c, struct event_base *base, const struct child_events *events, void *owner);

/*
 * Makes socket and pipe. `theirs` gets the two descriptors for the new process; the caller sends
 * them to a nursery and closes them. State becomes SPAWNING.
 */
int child_prepare(struct child *c, uint64_t serial, int theirs[2], struct err *err);

/* Lets go of everything, the process included: for the end of droverd. */
void child_close(struct child *c);

/* The spawn came to nothing (refused, nursery gone). Closes; `failed` is not told. */
void child_abandon(struct child *c);

/* IDLE -> BUSY. The message is `message`, taken over (empty afterwards); descriptors go with it. */
void child_give_job(struct child *c, struct text *message, const int *fds, int n_fds);

/* BUSY -> IDLE: a child that may perform another job said `done`. */
void child_job_done(struct child *c);

/* Says a line ("go\n", "stop\n"). Lost if the child does not read. */
void child_say(struct child *c, const char *line);

/* A spare that is not needed ends by itself at the end of file on its socket. */
void child_dismiss(struct child *c);

/* Signals the whole group, or only the main process. No process is no fault. */
void child_signal_group(const struct child *c, int signal);

#endif

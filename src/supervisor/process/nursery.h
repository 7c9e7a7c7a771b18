/*
 * nursery: droverd's end of a nursery process: starts it, waits for its hello, asks it for
 * children, starts it again with growing delays when it dies. It never makes a child itself.
 */
#ifndef DROVER_SUPERVISOR_NURSERY_H
#define DROVER_SUPERVISOR_NURSERY_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"

struct event_base;
struct nursery;

struct nursery_events {
	void (*ready)(void *ctx, struct nursery *n);
	/* It died, or could not be started: all spawns under way are void. It is started again. */
	void (*lost)(void *ctx, struct nursery *n, const struct err *why);
	/* It could make no child for this spawn. */
	void (*gone)(
		void *ctx, struct nursery *n); /* a retired one has ended; it is freed after this */
	void (*refused)(void *ctx, uint64_t serial, const struct err *why);
};

/*
 * `argv[0]` is the program's path; `env` its whole environment. Both are copied. Nothing is
 * started before nursery_start.
 */
struct nursery *nursery_new(struct event_base *base, char *const *argv, char *const *env,
	const struct nursery_events *events, void *ctx);
void nursery_start(struct nursery *n);
/* Tells it to end and to let its children be; `gone` follows. */
void nursery_retire(struct nursery *n);
void nursery_free(struct nursery *n); /* closes the socket: it ends by itself */

/* Others hear of it from now on. */
void nursery_listen(struct nursery *n, const struct nursery_events *events);

bool nursery_is_ready(const struct nursery *n);
bool nursery_cannot_preload(const struct nursery *n); /* it said so itself */
const char *nursery_last_error(const struct nursery *n);
pid_t nursery_pid(const struct nursery *n); /* 0: none */

/* Hands over the two descriptors of a child (and closes them), a cgroup folder or -1. */
int nursery_spawn(struct nursery *n, unsigned worker, uint64_t serial, const int theirs[2],
	int cgroup_fd, struct err *err);

/* Tells it to end exclusive jobs in time: wire/nursery.h. `board` stays the caller's. Never waits. */
int nursery_watch(struct nursery *n, int board, struct err *err);

#endif

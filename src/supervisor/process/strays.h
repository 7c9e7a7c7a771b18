/*
 * strays: what an ended job left behind. droverd is a subreaper: when a job's main process has
 * ended, whatever it had started becomes droverd's own child. So every child of ours that is
 * neither a nursery, nor a known child, nor a spawn under way is a leftover, and is killed.
 *
 * A stranger seen while a spawn is under way may be that spawn: it is judged once every spawn that
 * was under way then has been answered. The worker whose job ended stays taken until then.
 */
#ifndef DROVER_SUPERVISOR_STRAYS_H
#define DROVER_SUPERVISOR_STRAYS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct event_base;
struct strays;

struct strays_events {
	bool (*is_known)(void *ctx, pid_t pid); /* ours, its pid known */
	/* A running job that does not adopt its orphans (adopt_orphans: false) is its owner. */
	bool (*is_claimed)(void *ctx, pid_t pid);
	/* The lowest serial of all spawns under way; UINT64_MAX where there is none. */
	uint64_t (*oldest_spawn)(void *ctx);
	uint64_t (*next_spawn)(void *ctx);    /* serial of the next spawn to be asked for */
	void (*killed)(void *ctx, pid_t pid); /* for the log */
};

struct strays *strays_new(struct event_base *base, const struct strays_events *events, void *ctx);
void strays_free(struct strays *s);

/* Looks for what a job left. True: nothing is left. Else `done(arg)` is called when nothing is. */
typedef void strays_done_fn(void *arg);
bool strays_clear(struct strays *s, strays_done_fn *done, void *arg);

/* A spawn was answered (hello, refusal, end of file): strangers may be judged now. */
void strays_spawn_answered(struct strays *s);

#endif

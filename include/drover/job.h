/*
 * drover/job.h: write a job in C.
 *
 * A module is a shared object built against this header and jansson's alone. drover-nursery-module
 * loads it once, then makes one child process per job by copying itself: the child calls the
 * function that drover.yml names for the job's class, and ends.
 *
 *	#include <drover/job.h>
 *
 *	static int resize_image(struct drover_job *job)
 *	{
 *		const char *path = json_string_value(json_array_get(drover_job_args(job), 0));
 *
 *		if (!path)
 *			return drover_error(job, "ArgumentError", "a path is due");
 *		return resize(path) == 0 ? DROVER_DONE : DROVER_RETRY;
 *	}
 *
 *	DROVER_MODULE = { DROVER_FUNCTION(resize_image), DROVER_END };
 *
 *	cc -shared -fPIC -o images.so images.c $(pkg-config --cflags --libs jansson)
 *
 * What a function finds
 *   Descriptors 0 (/dev/null), 1 and 2 (into the log, with the job's id) and 3, which is drover's:
 *   use the calls below. All others are closed, those opened by a preload hook too. Signals are at
 *   their defaults and none is blocked. The environment is the class's, and the DROVER_* variables.
 *   The process leads a group of its own; it dies with the supervisor.
 *
 * What it must know
 *   - Return; do not call exit(). Output of stdio is flushed behind a return. Neither atexit
 *     handlers nor destructors run.
 *   - The child is made by a raw clone: handlers of pthread_atfork do not run. A preload hook that
 *     starts threads makes the nursery use fork() instead, which is slower; the threads themselves
 *     do not exist in a child, as always.
 *   - The calls below may be made from one thread at a time.
 *   - With `reuse` above 1 one process performs several jobs: leave nothing behind.
 */
#ifndef DROVER_JOB_H
#define DROVER_JOB_H

#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A module made for another number is refused when it is loaded. */
#define DROVER_API 1

struct drover_job;

/* What a function returns. Any other number is a failure. */
enum drover_answer {
	DROVER_DONE = 0,
	DROVER_FAILED = 1,	/* a failure; tried again if the class has `retries` */
	DROVER_RETRY = 2,	/* try again later, counted as an attempt; see drover_delay */
	DROVER_INTERRUPTED = 3, /* was told to stop: go on later from the last checkpoint */
	DROVER_SKIP = 4,	/* items alone: nothing to do here, go on */
	DROVER_ABORT = 5,	/* failed for good, no further attempt; an item: end the run */
};

/* One item of an `each`. Valid during the call. */
struct drover_item {
	uint64_t number;  /* 1 .. */
	const char *text; /* NUL-terminated behind `len` */
	size_t len;
};

/* -- the module's table ------------------------------------------------------------------------ */

struct drover_entry {
	const char *name; /* as in drover.yml; NULL for a preload hook and at the end */
	int (*function)(struct drover_job *job);
	int (*each)(struct drover_job *job, const struct drover_item *item);
	int (*preload)(void);
};

#define DROVER_PUBLIC __attribute__((visibility("default")))

extern DROVER_PUBLIC const uint32_t drover_module_api;
extern DROVER_PUBLIC const struct drover_entry drover_module[];

/* DROVER_MODULE = { ..., DROVER_END }; once in a module. */
#define DROVER_MODULE                                  \
	const uint32_t drover_module_api = DROVER_API; \
	const struct drover_entry drover_module[]

/* `int fn(struct drover_job *)`, known by its own name. */
#define DROVER_FUNCTION(fn)         \
	{                           \
#fn, fn, NULL, NULL \
	}

/* `int fn(struct drover_job *, const struct drover_item *)`: one item of an `each` of drover.yml. */
#define DROVER_EACH(fn)             \
	{                           \
#fn, NULL, fn, NULL \
	}

/*
 * `int fn(void)`, called once in the nursery after all modules are loaded and before any job: load
 * here what every job needs, the children share its memory. Not 0: the nursery does not start.
 */
#define DROVER_PRELOAD(fn)           \
	{                            \
		NULL, NULL, NULL, fn \
	}

#define DROVER_END                     \
	{                              \
		NULL, NULL, NULL, NULL \
	}

/* -- about the job ----------------------------------------------------------------------------- */
/* All strings are UTF-8 as a rule, belong to drover and are valid until the function returns. */

DROVER_PUBLIC const char *drover_job_jid(const struct drover_job *job);
DROVER_PUBLIC const char *drover_job_class(const struct drover_job *job);
DROVER_PUBLIC const char *drover_job_queue(const struct drover_job *job);

/* Why it starts now: enqueued, scheduled, delayed, retry, resumed, recovered. */
DROVER_PUBLIC const char *drover_job_origin(const struct drover_job *job);

DROVER_PUBLIC uint64_t drover_job_attempt(const struct drover_job *job);       /* 1 .. */
DROVER_PUBLIC uint64_t drover_job_interruptions(const struct drover_job *job); /* stops so far */
DROVER_PUBLIC uint64_t drover_job_recoveries(const struct drover_job *job);    /* crashes so far */

/* Where the last start got to: the text of its last drover_checkpoint. NULL at the first start. */
DROVER_PUBLIC const char *drover_job_cursor(const struct drover_job *job);

/*
 * The arguments: an array, borrowed (do not decref; it goes when the function returns). Integers
 * beyond 64 bits come as reals. Read at the first call; where they cannot be read the job fails
 * for good as Drover::BadPayload and the call does not return. Never NULL.
 */
DROVER_PUBLIC json_t *drover_job_args(struct drover_job *job);

/* -- what a job can say ------------------------------------------------------------------------ */
/* Each returns 0, or -1 with errno: EINVAL for what cannot be said, else the socket's error. */

/*
 * Not for an item of an `each`, which has its cursor from drover: EINVAL there.
 * All up to `cursor` is done: the next start gets it. Any bytes but newline, 1 to 4,000. Waits for
 * the answer: 0 to go on, DROVER_INTERRUPTED to stop now:
 *	if ((stop = drover_checkpoint(job, cursor)) != 0)
 *		return stop;
 */
DROVER_PUBLIC int drover_checkpoint(struct drover_job *job, const char *cursor);

/* For people. Steps done of a total; total -1: not known. */
DROVER_PUBLIC int drover_progress(struct drover_job *job, int64_t done, int64_t total);

/* One line on what is being done now; newlines become spaces; cut at 4,000 bytes. */
DROVER_PUBLIC int drover_note(struct drover_job *job, const char *text);

/* A JSON text, at most 65,536 bytes, kept in the run's record. */
DROVER_PUBLIC int drover_result(struct drover_job *job, const char *json);

/* With DROVER_RETRY or DROVER_INTERRUPTED: when to start again, in milliseconds from now. */
DROVER_PUBLIC int drover_delay(struct drover_job *job, int64_t delay_ms);

/*
 * For an item the message alone counts: it says why this item failed, or is to be tried again.
 * What stands in the failure record instead of the exit status, should this attempt fail: the name
 * of an exception (cut at 200 bytes) and a sentence (cut at 8,000). Returns DROVER_FAILED always,
 * so that `return drover_error(...)` reads well.
 */
DROVER_PUBLIC int drover_error(struct drover_job *job, const char *exception, const char *message);

/* -- a collection of one's own ----------------------------------------------------------------- */

/*
 * Where `each` of drover.yml has no collection that fits. `at` is what open returned.
 *
 *	static int sync_orders(struct drover_job *job)
 *	{
 *		return drover_each(job, &orders, sync_order);
 *	}
 */
struct drover_source {
	/* Behind the item that `cursor` names; NULL: from the beginning. NULL where that cannot be. */
	void *(*open)(struct drover_job *job, const char *cursor);

	/* The next item: 1; 0: there is none any more; -1: it cannot be read. It finds `number` set,
	   counted from 1 at each start; it may set another. `text` is valid until the next call. */
	int (*next)(void *at, struct drover_item *item);

	/* Names the item that came last: 1 to 4,000 bytes without newline. */
	const char *(*cursor)(void *at);

	void (*close)(void *at); /* or NULL */
};

/*
 * Calls fn for every item and says its cursor behind it (drover_checkpoint: an item costs a round
 * trip to the supervisor), so that a stop takes effect between two items and the next start goes on
 * there. To be returned by the job: DROVER_DONE at the end; DROVER_INTERRUPTED after a stop;
 * DROVER_FAILED where the source fails; and what fn returned, if that was neither DROVER_DONE nor
 * DROVER_SKIP: then the job is tried again from that item on, if its class has `retries`. Only for
 * a DROVER_FUNCTION.
 */
DROVER_PUBLIC int drover_each(struct drover_job *job, const struct drover_source *source,
	int (*fn)(struct drover_job *job, const struct drover_item *item));

#ifdef __cplusplus
}
#endif

#endif

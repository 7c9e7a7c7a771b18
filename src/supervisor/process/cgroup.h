/*
 * cgroup: jobs in folders of the cgroup v2 tree. One standing leaf a worker; its children are born
 * in it (nursery_spawn takes the leaf's descriptor). Where controllers are delegated to us the
 * kernel holds the limits of memory and processes; where none are, the leaf is still the surest
 * way to end a tree. Without any folder of our own there is no root at all: /proc is sampled.
 *
 * One droverd a folder. It is never the machine's root, nor one that others' processes stand in.
 */
#ifndef DROVER_SUPERVISOR_CGROUP_H
#define DROVER_SUPERVISOR_CGROUP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/text.h"

/* Leaves are named worker-1, worker-2, ..; what else stands in the folder is not touched. */
#define CGROUP_WORKER_PREFIX "worker-"

struct event_base;
struct cgroup_leaf;

/* For others to read. */
struct cgroup_root {
	char *folder;
	bool memory, pids; /* the kernel holds this limit for our leaves */
	struct text lacks; /* which of them it does not, and why; empty: both are held */
	bool ours;	   /* may be written to */
	bool below;	   /* droverd was started in that leaf */
	bool moved;	   /* droverd stands in the leaf `supervisor` */
	int fd;		   /* keeps other droverds out */
	struct event_base *base;
};

/*
 * Takes possession of `folder`, or of the cgroup we stand in if that was delegated to us (NULL).
 * To be called before any process is started: it moves droverd alone. What an earlier droverd left
 * in the folder is ended, which may take up to a second. NULL and the reason where there is none.
 */
struct cgroup_root *cgroup_open(struct event_base *base, const char *folder, struct err *err);

/* All leaves are freed already. Leaves the folder as it was found, as far as that goes. NULL is fine. */
void cgroup_close(struct cgroup_root *r);

/* The folder for a worker's children. NULL and the reason; then this worker does without. */
struct cgroup_leaf *cgroup_leaf_new(struct cgroup_root *r, unsigned worker, struct err *err);

/* Ends what is in it and removes it. A clearing under way is forgotten. NULL is fine. */
void cgroup_leaf_free(struct cgroup_leaf *l);

/*
 * For nursery_spawn; stays the leaf's. To be asked anew for every child, when the last one and all
 * of its tree have ended: where something was killed the folder is another one now, and all counts
 * begin again. -1 and the reason: this child does without.
 */
int cgroup_leaf_folder(struct cgroup_leaf *l, struct err *err);

/*
 * Before a child in it is given a job: sets the limits (UNITS_NONE: none; processes count threads)
 * where there are controllers, and counts hits from here on. -1 and the reason: the limits of this
 * job are not held by the kernel.
 */
int cgroup_leaf_begin(
	struct cgroup_leaf *l, int64_t memory_bytes, int64_t processes, struct err *err);

/* Of the job begun last: the kernel holds the limit, nobody needs to sample for it. */
bool cgroup_leaf_holds_memory(const struct cgroup_leaf *l);
bool cgroup_leaf_holds_processes(const struct cgroup_leaf *l);

/*
 * What happened since cgroup_leaf_begin; zeros where no controller counts. The limit of memory was
 * hit where both `memory` and `oom_kills` are at least 1 (the kernel may count one kill twice);
 * `oom_kills` alone means that memory was short in a folder above, or in the whole machine.
 */
struct cgroup_hits {
	int64_t memory;	   /* times there was no room below memory.max */
	int64_t oom_kills; /* processes ended for want of memory, wherever it was wanting */
	int64_t processes; /* clones refused by pids.max */
};
void cgroup_leaf_hits(const struct cgroup_leaf *l, struct cgroup_hits *hits);

/* Bytes, page cache and that of earlier jobs included; -1 where it is not known. */
int64_t cgroup_leaf_memory_now(const struct cgroup_leaf *l);
int64_t cgroup_leaf_memory_peak(const struct cgroup_leaf *l); /* since cgroup_leaf_begin */

/* All of the folder's life, of the living and the dead: take differences. Needs no controller. */
int64_t cgroup_leaf_cpu_ms(const struct cgroup_leaf *l);

/* SIGKILL to all in it, whatever session, group or user they took. Nothing is waited for. */
void cgroup_leaf_kill(struct cgroup_leaf *l);
bool cgroup_leaf_is_empty(const struct cgroup_leaf *l); /* zombies do not count */

/*
 * Ends what is left in it. True: nothing is. Else `done` is called once, from the loop: `empty`
 * tells whether nothing is left, or 30 s went by and something in it does not die.
 */
typedef void cgroup_cleared_fn(void *arg, bool empty);
bool cgroup_leaf_clear(struct cgroup_leaf *l, cgroup_cleared_fn *done, void *arg);

#endif

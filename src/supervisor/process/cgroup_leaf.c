/*
 * cgroup_leaf: see cgroup.h. droverd. The folder of one worker, which outlives its jobs: making
 * one for each job would cost more than three times as much. So every count in it goes on over
 * jobs, and only differences mean anything. It must never wait.
 */
#include "supervisor/process/cgroup.h"
#include "base/clock.h"
#include "base/must.h"
#include "base/units.h"
#include "supervisor/process/cgroup_file.h"
#include "supervisor/process/cgroup_text.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LOOK_FIRST_MS = 1, LOOK_MAX_MS = 100, NEVER_DIES_MS = 30000 };

#define NOT_SET ((int64_t)-2) /* what the file says is not known */

struct cgroup_leaf {
	struct cgroup_root *root;
	char name[sizeof CGROUP_WORKER_PREFIX + 10];
	bool killed; /* nobody can be born in it any more */
	int fd, events;
	int peak;	     /* -1: no such file */
	int64_t peak_before; /* what is not above it is of an earlier job */
	int64_t memory_bytes, processes;
	struct cgroup_hits before;
	struct event *again;
	int64_t look_ms, give_up_mono_ms;
	cgroup_cleared_fn *done; /* NULL: no clearing is under way */
	void *arg;
};

/* -- reading --------------------------------------------------------------------------------------- */

static int64_t read_value(const struct cgroup_leaf *l, const char *file, const char *key)
{
	char bytes[CGROUP_FILE_MAX];
	struct span text;

	cgroup_file_read(l->fd, file, bytes, &text);
	return cgroup_text_value(text, key);
}

static int64_t or_zero(int64_t n)
{
	return n > 0 ? n : 0;
}

/*
 * `oom` counts at the folder whose limit was reached, and above it; `oom_kill` where the victim
 * stands, and above it. On older kernels, and under the mount option pids_localevents, `max` in
 * pids.events also counts clones refused for a limit of a folder above (the unit's TasksMax).
 */
static void count(const struct cgroup_leaf *l, struct cgroup_hits *c)
{
	char bytes[CGROUP_FILE_MAX];
	struct span text;

	*c = (struct cgroup_hits){0};
	if (l->root->memory) {
		cgroup_file_read(l->fd, "memory.events", bytes, &text);
		c->memory = or_zero(cgroup_text_value(text, "oom"));
		c->oom_kills = or_zero(cgroup_text_value(text, "oom_kill"));
	}
	if (l->root->pids)
		c->processes = or_zero(read_value(l, "pids.events", "max"));
}

void cgroup_leaf_hits(const struct cgroup_leaf *l, struct cgroup_hits *hits)
{
	count(l, hits);
	hits->memory -= l->before.memory;
	hits->oom_kills -= l->before.oom_kills;
	hits->processes -= l->before.processes;
}

static int64_t look_number(int fd)
{
	char bytes[CGROUP_FILE_MAX];
	struct span text = {0};

	if (fd >= 0)
		cgroup_file_look(fd, bytes, &text);
	return cgroup_text_number(text);
}

int64_t cgroup_leaf_memory_now(const struct cgroup_leaf *l)
{
	char bytes[CGROUP_FILE_MAX];
	struct span text;

	cgroup_file_read(l->fd, "memory.current", bytes, &text);
	return cgroup_text_number(text);
}

int64_t cgroup_leaf_memory_peak(const struct cgroup_leaf *l)
{
	int64_t peak = look_number(l->peak);

	return peak > l->peak_before ? peak : -1;
}

int64_t cgroup_leaf_cpu_ms(const struct cgroup_leaf *l)
{
	int64_t us = read_value(l, "cpu.stat", "usage_usec");

	return us < 0 ? -1 : us / 1000;
}

bool cgroup_leaf_is_empty(const struct cgroup_leaf *l)
{
	char bytes[CGROUP_FILE_MAX];
	struct span text;

	cgroup_file_look(l->events, bytes, &text); /* a folder that was removed holds nothing */
	return cgroup_text_value(text, "populated") <= 0;
}

/* -- limits ---------------------------------------------------------------------------------------- */

static int set(const struct cgroup_leaf *l, const char *file, int64_t n, struct err *err)
{
	char number[24] = "max";

	if (n != UNITS_NONE)
		snprintf(number, sizeof number, "%" PRId64, n);
	return cgroup_file_write(l->fd, file, number) < 0 ? err_errno(err, "%s/%s", l->name, file)
							  : 0;
}

/*
 * What a job may not hold in memory it shall not hold in swap either; the file is not there where
 * the kernel does not count swap. The limit comes last: only then all of it stands at once.
 */
static int set_memory(struct cgroup_leaf *l, int64_t bytes, struct err *err)
{
	const char *swap = bytes == UNITS_NONE ? "max" : "0";

	if (bytes == l->memory_bytes)
		return 0;
	l->memory_bytes = NOT_SET;
	if (cgroup_file_write(l->fd, "memory.swap.max", swap) < 0 && errno != ENOENT)
		return err_errno(err, "%s/memory.swap.max", l->name);
	if (set(l, "memory.max", bytes, err) < 0)
		return -1;
	l->memory_bytes = bytes;
	return 0;
}

static int set_processes(struct cgroup_leaf *l, int64_t n, struct err *err)
{
	if (n == l->processes)
		return 0;
	l->processes = NOT_SET;
	if (set(l, "pids.max", n, err) < 0)
		return -1;
	l->processes = n;
	return 0;
}

/* From kernel 6.12 on the peak can be begun anew, for readers of the very descriptor. */
static void begin_peak(struct cgroup_leaf *l)
{
	if (l->peak < 0)
		return;
	if (write(l->peak, "reset", 5) == 5)
		l->peak_before = -1;
	else
		l->peak_before = look_number(l->peak);
}

int cgroup_leaf_begin(
	struct cgroup_leaf *l, int64_t memory_bytes, int64_t processes, struct err *err)
{
	if (l->root->memory && set_memory(l, memory_bytes, err) < 0)
		return -1;
	if (l->root->pids && set_processes(l, processes, err) < 0)
		return -1;
	begin_peak(l);
	count(l, &l->before);
	return 0;
}

bool cgroup_leaf_holds_memory(const struct cgroup_leaf *l)
{
	return l->memory_bytes >= 0;
}

bool cgroup_leaf_holds_processes(const struct cgroup_leaf *l)
{
	return l->processes >= 0;
}

/* -- ending what is in it -------------------------------------------------------------------------- */

void cgroup_leaf_kill(struct cgroup_leaf *l)
{
	l->killed = true;
	cgroup_file_write(l->fd, "cgroup.kill", "1");
}

static void end_clearing(struct cgroup_leaf *l, bool empty)
{
	cgroup_cleared_fn *done = l->done;

	l->done = NULL;
	done(l->arg, empty); /* may free the leaf */
}

static void look_again_soon(struct cgroup_leaf *l)
{
	const struct timeval tv = {.tv_usec = l->look_ms * 1000};

	evtimer_add(l->again, &tv);
	l->look_ms = 2 * l->look_ms < LOOK_MAX_MS ? 2 * l->look_ms : LOOK_MAX_MS;
}

/*
 * Killed again at each look: until lately the kernel missed a process that was just being cloned.
 * We look by ourselves, because the kernel tells changes of cgroup.events once in 10 ms at most,
 * and a standing leaf changes twice a job.
 */
static void on_again(evutil_socket_t fd, short what, void *arg)
{
	struct cgroup_leaf *l = arg;

	(void)fd, (void)what;
	if (cgroup_leaf_is_empty(l)) {
		end_clearing(l, true);
	} else if (clock_mono_ms() >= l->give_up_mono_ms) {
		end_clearing(l, false);
	} else {
		cgroup_leaf_kill(l);
		look_again_soon(l);
	}
}

bool cgroup_leaf_clear(struct cgroup_leaf *l, cgroup_cleared_fn *done, void *arg)
{
	must(l->done == NULL);
	if (cgroup_leaf_is_empty(l))
		return true;
	cgroup_leaf_kill(l);
	l->done = done;
	l->arg = arg;
	l->look_ms = LOOK_FIRST_MS;
	l->give_up_mono_ms = clock_mono_ms() + NEVER_DIES_MS;
	look_again_soon(l);
	return false;
}

/* -- its life -------------------------------------------------------------------------------------- */

static void close_file(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static void close_files(struct cgroup_leaf *l)
{
	close_file(&l->peak);
	close_file(&l->events);
	close_file(&l->fd);
}

static int open_files(struct cgroup_leaf *l, struct err *err)
{
	close_files(l);
	l->fd = openat(l->root->fd, l->name, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (l->fd < 0)
		return err_errno(err, "%s/%s", l->root->folder, l->name);
	l->events = openat(l->fd, "cgroup.events", O_RDONLY | O_CLOEXEC);
	if (l->events < 0)
		return err_errno(err, "%s/%s/cgroup.events", l->root->folder, l->name);
	l->peak = openat(l->fd, "memory.peak", O_RDWR | O_CLOEXEC);
	if (l->peak < 0)
		l->peak = openat(l->fd, "memory.peak", O_RDONLY | O_CLOEXEC);
	return 0;
}

/* One that is there already is not taken over, but for a stand-in's, which cannot be removed. */
static int make_folder(struct cgroup_leaf *l, struct err *err)
{
	if (unlinkat(l->root->fd, l->name, AT_REMOVEDIR) < 0 && errno == EBUSY)
		return err_set(err, "%s/%s still holds something", l->root->folder, l->name);
	if (mkdirat(l->root->fd, l->name, 0755) < 0 && errno != EEXIST)
		return err_errno(err, "making %s/%s", l->root->folder, l->name);
	return 0;
}

/* A tree that has lost one of its processes to its limit is of no use: all of it goes at once. */
static int make(struct cgroup_leaf *l, struct err *err)
{
	l->memory_bytes = l->processes = NOT_SET;
	if (make_folder(l, err) < 0 || open_files(l, err) < 0)
		return -1;
	if (l->root->memory && cgroup_file_write(l->fd, "memory.oom.group", "1") < 0)
		return err_errno(err, "%s/%s/memory.oom.group", l->root->folder, l->name);
	l->killed = false;
	l->before = (struct cgroup_hits){0};
	return 0;
}

/*
 * The kernel counts how often a folder was killed, and a clone into it (CLONE_INTO_CGROUP) is
 * killed at birth where that differs from the count of the folder its maker stands in: meant for a
 * clone that races with the kill, but the counts are of two folders. Seen on 6.18; stable updates
 * carried it to older ones. A new folder has the count of the nursery's own: none.
 */
int cgroup_leaf_folder(struct cgroup_leaf *l, struct err *err)
{
	must(l->done == NULL);
	if ((l->killed || l->fd < 0) && make(l, err) < 0) {
		l->killed = true;
		return -1;
	}
	return l->fd;
}

struct cgroup_leaf *cgroup_leaf_new(struct cgroup_root *r, unsigned worker, struct err *err)
{
	struct cgroup_leaf *l = must_alloc(sizeof *l);

	*l = (struct cgroup_leaf){.root = r, .fd = -1, .events = -1, .peak = -1};
	snprintf(l->name, sizeof l->name, CGROUP_WORKER_PREFIX "%u", worker);
	l->again = evtimer_new(r->base, on_again, l);
	if (make(l, err) == 0)
		return l;
	cgroup_leaf_free(l);
	return NULL;
}

void cgroup_leaf_free(struct cgroup_leaf *l)
{
	if (l == NULL)
		return;
	if (l->events >= 0 && !cgroup_leaf_is_empty(l))
		cgroup_leaf_kill(l);
	close_files(l);
	unlinkat(l->root->fd, l->name, AT_REMOVEDIR); /* cgroup_close tries again */
	event_free(l->again);
	free(l);
}

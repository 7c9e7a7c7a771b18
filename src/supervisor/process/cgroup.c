/*
 * cgroup: see cgroup.h. droverd. The folder that all leaves stand in: found, judged, taken and
 * given back. Whoever runs the machine's tree (systemd, a container's runtime) has one writer a
 * folder as its rule, so nothing may be written before the folder is known to be ours.
 */
#include "supervisor/process/cgroup.h"
#include "base/clock.h"
#include "base/must.h"
#include "supervisor/process/cgroup_file.h"
#include "supervisor/process/cgroup_text.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

#define OUR_LEAF "supervisor"

enum { SWEEP_MAX_MS = 1000, SWEEP_NAP_MS = 2, PROC_FILE_MAX = 1 << 20 };

static bool has_file(int folder, const char *name)
{
	return faccessat(folder, name, F_OK, 0) == 0;
}

static bool may_write(int folder, const char *name)
{
	return faccessat(folder, name, W_OK, AT_EACCESS) == 0;
}

static int open_folder(const char *path)
{
	return open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static bool is_worker(const char *name)
{
	return strncmp(name, CGROUP_WORKER_PREFIX, strlen(CGROUP_WORKER_PREFIX)) == 0;
}

static enum cgroup_crowd crowd_in(int folder)
{
	char bytes[CGROUP_FILE_MAX];
	struct span procs;

	if (cgroup_file_read(folder, "cgroup.procs", bytes, &procs) < 0)
		return CGROUP_OTHERS;
	return cgroup_text_crowd(procs, getpid());
}

/* -- finding our own ------------------------------------------------------------------------------- */

static int read_all(const char *path, struct text *out, struct err *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return err_errno(err, "%s", path);
	do {
		text_reserve(out, CGROUP_FILE_MAX);
		n = read(fd, out->data + out->len, CGROUP_FILE_MAX);
		if (n > 0)
			out->len += (size_t)n;
	} while (n > 0 && out->len < PROC_FILE_MAX);
	close(fd);
	return n < 0 ? err_errno(err, "%s", path) : 0;
}

static int locate(struct text *folder, struct err *err)
{
	struct text self = {0}, mounts = {0};
	int done = read_all("/proc/self/cgroup", &self, err);

	if (done == 0)
		done = read_all("/proc/self/mountinfo", &mounts, err);
	if (done == 0)
		done = cgroup_text_locate((struct span){self.data, self.len},
			(struct span){mounts.data, mounts.len}, folder, err);
	text_fini(&self);
	text_fini(&mounts);
	return done;
}

/*
 * systemd can start us in a leaf below what it delegates (DelegateSubgroup=supervisor), which has
 * no controllers to pass on: the folder above is meant.
 */
static bool step_out_of_leaf(struct text *folder)
{
	bool out;
	char *slash = folder->data ? strrchr(folder->data, '/') : NULL;
	int fd;

	if (slash == NULL || strcmp(slash, "/" OUR_LEAF) != 0)
		return false;
	fd = open_folder(folder->data);
	out = fd >= 0 && crowd_in(fd) == CGROUP_US;
	if (out) {
		folder->len = (size_t)(slash - folder->data);
		*slash = '\0';
	}
	if (fd >= 0)
		close(fd);
	return out;
}

static int open_own(struct cgroup_root *r, struct err *err)
{
	struct text folder = {0};
	struct statfs fs;

	if (locate(&folder, err) < 0) {
		text_fini(&folder);
		return -1;
	}
	r->below = step_out_of_leaf(&folder);
	r->folder = text_take(&folder);
	r->fd = open_folder(r->folder);
	if (r->fd < 0 || fstatfs(r->fd, &fs) < 0)
		return err_errno(err, "%s", r->folder);
	if (fs.f_type != CGROUP2_SUPER_MAGIC)
		return err_set(err, "%s is hidden by another file system", r->folder);
	return 0;
}

static int open_given(struct cgroup_root *r, const char *folder, struct err *err)
{
	r->folder = must_strdup(folder);
	r->fd = open_folder(folder);
	return r->fd < 0 ? err_errno(err, "%s", folder) : 0;
}

/* -- judging it ------------------------------------------------------------------------------------ */

/* The machine's root alone has no cgroup.type; the root of a container's namespace has one. */
static int judge_kind(const struct cgroup_root *r, struct err *err)
{
	char bytes[CGROUP_FILE_MAX];
	struct span type;

	if (!has_file(r->fd, "cgroup.procs"))
		return err_set(err, "%s is no cgroup v2 folder", r->folder);
	if (cgroup_file_read(r->fd, "cgroup.type", bytes, &type) < 0)
		return err_set(err, "%s is the root of the machine's tree", r->folder);
	if (!cgroup_text_has_word(type, "domain") || cgroup_text_has_word(type, "threaded") ||
		cgroup_text_has_word(type, "invalid"))
		return err_set(err, "%s is a folder for threads, not for processes", r->folder);
	/* Kernels before 5.14. Without it a tree can outrun us, and then /proc does as well. */
	if (!has_file(r->fd, "cgroup.kill"))
		return err_set(err, "this kernel has no cgroup.kill");
	return 0;
}

/* Marked by systemd: the second by all versions, which only root can see; the first by later ones. */
static bool is_marked(int fd)
{
	char value[8];

	return (fgetxattr(fd, "user.delegate", value, sizeof value) == 1 && *value == '1') ||
	       (fgetxattr(fd, "trusted.delegate", value, sizeof value) == 1 && *value == '1');
}

/* As root of a cgroup namespace the path is "/", and the mount point is all of the folder's name. */
static bool is_namespace_root(const char *folder)
{
	struct stat here, above;
	char *up = must_printf("%s/..", folder);
	bool is = stat(folder, &here) == 0 && stat(up, &above) == 0 && here.st_dev != above.st_dev;

	free(up);
	return is;
}

/* root may write everywhere, which proves nothing. */
static int judge_ownership(const struct cgroup_root *r, struct err *err)
{
	const char *name = strrchr(r->folder, '/');
	struct stat st;

	if (name && is_worker(name + 1))
		return err_set(err, "%s is another droverd's leaf", r->folder);
	if (!may_write(r->fd, ".") || !may_write(r->fd, "cgroup.procs") ||
		!may_write(r->fd, "cgroup.subtree_control"))
		return err_errno(err, "%s is not delegated to us", r->folder);
	if (is_marked(r->fd) || is_namespace_root(r->folder))
		return 0;
	if (geteuid() != 0 && fstat(r->fd, &st) == 0 && st.st_uid == geteuid())
		return 0;
	return err_set(err, "%s is not delegated to us (systemd: Delegate=yes)", r->folder);
}

/* -- taking and giving back ------------------------------------------------------------------------ */

/*
 * A folder that passes controllers on may hold no process itself. Into a folder beside our own
 * only root can put children: the kernel asks for the right to write where both meet.
 */
static int move_ourselves(struct cgroup_root *r, struct err *err)
{
	enum cgroup_crowd crowd = crowd_in(r->fd);

	if (crowd == CGROUP_OTHERS)
		return err_set(err, "others' processes stand in %s", r->folder);
	if (crowd == CGROUP_NOBODY && !r->below && geteuid() != 0)
		return err_set(err, "we do not stand in %s", r->folder);
	if (crowd == CGROUP_NOBODY)
		return 0;
	/* If something was killed in an old one, nobody can be cloned from it: see cgroup_leaf.c. */
	unlinkat(r->fd, OUR_LEAF, AT_REMOVEDIR);
	if (mkdirat(r->fd, OUR_LEAF, 0755) < 0 && errno != EEXIST)
		return err_errno(err, "making %s/" OUR_LEAF, r->folder);
	if (cgroup_file_write(r->fd, OUR_LEAF "/cgroup.procs", "0") < 0) {
		err_errno(err, "moving to %s/" OUR_LEAF, r->folder);
		unlinkat(r->fd, OUR_LEAF, AT_REMOVEDIR);
		return -1;
	}
	r->moved = true;
	return 0;
}

static int take_folder(struct cgroup_root *r, struct err *err)
{
	if (flock(r->fd, LOCK_EX | LOCK_NB) < 0)
		return err_set(err, "another droverd uses %s", r->folder);
	if (move_ourselves(r, err) < 0)
		return -1;
	r->ours = true;
	return 0;
}

static void add_lack(struct cgroup_root *r, const char *controller, const char *why)
{
	text_addf(&r->lacks, "%s%s: %s", r->lacks.len > 0 ? "; " : "", controller, why);
}

/*
 * Each by itself: the kernel takes all words of a write or none. `cpu` is left alone: our limit is
 * of time used, not of a share, and every group would cost the scheduler something.
 */
static bool enable(struct cgroup_root *r, const char *controller)
{
	char bytes[CGROUP_FILE_MAX], word[16];
	struct span there;

	cgroup_file_read(r->fd, "cgroup.controllers", bytes, &there);
	if (!cgroup_text_has_word(there, controller)) {
		add_lack(r, controller, "not among its controllers");
		return false;
	}
	snprintf(word, sizeof word, "+%s", controller);
	if (cgroup_file_write(r->fd, "cgroup.subtree_control", word) < 0) {
		add_lack(r, controller, strerror(errno));
		return false;
	}
	return true;
}

/* False: something in it has yet to die. (A folder with folders in it stays, but bothers nobody.) */
static bool end_leaf(int root, const char *name)
{
	int fd = openat(root, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	char bytes[CGROUP_FILE_MAX];
	struct span events;
	bool dying;

	if (fd < 0)
		return true;
	cgroup_file_write(fd, "cgroup.kill", "1");
	cgroup_file_read(fd, "cgroup.events", bytes, &events);
	dying = cgroup_text_value(events, "populated") > 0;
	close(fd);
	if (!dying)
		unlinkat(root, name, AT_REMOVEDIR);
	return !dying;
}

/* Ends and removes the workers' folders; how many have yet to become empty. */
static int sweep_once(const struct cgroup_root *r)
{
	int fd = openat(r->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), dying = 0;
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *e;

	if (dir == NULL)
		return 0;
	while ((e = readdir(dir))) {
		if (is_worker(e->d_name))
			dying += !end_leaf(r->fd, e->d_name);
	}
	closedir(dir);
	return dying;
}

/* What is killed takes a moment. Only where no loop runs yet, or none any more. */
static void sweep(const struct cgroup_root *r)
{
	const struct timespec nap = {.tv_nsec = SWEEP_NAP_MS * 1000000L};
	int64_t until_ms = clock_mono_ms() + SWEEP_MAX_MS;

	while (sweep_once(r) > 0 && clock_mono_ms() < until_ms)
		nanosleep(&nap, NULL);
}

struct cgroup_root *cgroup_open(struct event_base *base, const char *folder, struct err *err)
{
	struct cgroup_root *r = must_alloc(sizeof *r);

	*r = (struct cgroup_root){.base = base, .fd = -1};
	if ((folder ? open_given(r, folder, err) : open_own(r, err)) < 0 ||
		judge_kind(r, err) < 0 || (!folder && judge_ownership(r, err) < 0) ||
		take_folder(r, err) < 0) {
		cgroup_close(r);
		return NULL;
	}
	sweep(r);
	r->memory = enable(r, "memory");
	r->pids = enable(r, "pids");
	return r;
}

/* Leaves that could not be removed go here. With controllers passed on nobody else could be put into the folder, us included. */
static void give_back(struct cgroup_root *r)
{
	sweep(r);
	if (r->memory)
		cgroup_file_write(r->fd, "cgroup.subtree_control", "-memory");
	if (r->pids)
		cgroup_file_write(r->fd, "cgroup.subtree_control", "-pids");
	if (r->moved && cgroup_file_write(r->fd, "cgroup.procs", "0") == 0)
		unlinkat(r->fd, OUR_LEAF, AT_REMOVEDIR);
}

void cgroup_close(struct cgroup_root *r)
{
	if (r == NULL)
		return;
	if (r->ours)
		give_back(r);
	if (r->fd >= 0)
		close(r->fd);
	text_fini(&r->lacks);
	free(r->folder);
	free(r);
}

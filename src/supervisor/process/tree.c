/*
 * tree: see tree.h. droverd. Everything read here may vanish between two reads; a process that
 * does is none of ours any more, which is no fault.
 */
#include "supervisor/process/tree.h"

#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { DEPTH_MAX = 64 };

static ssize_t read_file(const char *path, char *out, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return -1;
	n = read(fd, out, size - 1);
	close(fd);
	if (n >= 0)
		out[n] = '\0';
	return n;
}

/* "12 34 56 ", which may be longer than one buffer: a number cut in two is put together again. */
static void each_number(int fd, tree_child_fn *fn, void *ctx)
{
	char bytes[4096];
	pid_t pid = 0;
	off_t at = 0;
	ssize_t n;

	while ((n = pread(fd, bytes, sizeof bytes, at)) > 0) {
		at += n;
		for (ssize_t i = 0; i < n; i++) {
			if (isdigit((unsigned char)bytes[i])) {
				pid = pid * 10 + (bytes[i] - '0');
			} else if (pid > 0) {
				fn(ctx, pid);
				pid = 0;
			}
		}
		if (bytes[n - 1] == ' ' && n < (ssize_t)sizeof bytes / 2)
			break; /* a short read that ends in a blank is the end: saves a call */
	}
	if (pid > 0)
		fn(ctx, pid);
}

static bool each_child_of_thread(pid_t pid, pid_t tid, tree_child_fn *fn, void *ctx)
{
	char path[64];
	int fd;

	snprintf(path, sizeof path, "/proc/%d/task/%d/children", (int)pid, (int)tid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	each_number(fd, fn, ctx);
	close(fd);
	return true;
}

static int count_threads(pid_t pid)
{
	char path[64], bytes[1024], *p;

	snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
	if (read_file(path, bytes, sizeof bytes) < 0 || (p = strrchr(bytes, ')')) == NULL)
		return 0;
	for (int field = 2; field < 20 && p; field++)
		p = strchr(p + 1, ' ');
	return p ? atoi(p) : 0;
}

/* The kernel lists children by the thread that made them. */
void tree_each_child(pid_t pid, tree_child_fn *fn, void *ctx)
{
	char path[64];
	struct dirent *e;
	DIR *tasks;

	if (!each_child_of_thread(pid, pid, fn, ctx) || count_threads(pid) <= 1)
		return;
	snprintf(path, sizeof path, "/proc/%d/task", (int)pid);
	tasks = opendir(path);
	while (tasks && (e = readdir(tasks)) != NULL) {
		pid_t tid = (pid_t)atoi(e->d_name);

		if (tid > 0 && tid != pid)
			each_child_of_thread(pid, tid, fn, ctx);
	}
	if (tasks)
		closedir(tasks);
}

void tree_each_own_child(tree_child_fn *fn, void *ctx)
{
	static int fd = -1;
	char path[64];

	if (fd < 0) {
		snprintf(path, sizeof path, "/proc/self/task/%d/children", (int)getpid());
		fd = open(path, O_RDONLY | O_CLOEXEC);
	}
	if (fd >= 0)
		each_number(fd, fn, ctx);
}

/* -- use ------------------------------------------------------------------------------------------- */

struct measuring {
	struct tree_use *use;
	bool more;
	int64_t pss_bytes;
	bool pss;
	int depth;
};

static int64_t rss_of(pid_t pid)
{
	char path[64], bytes[256];
	long long size, resident;

	snprintf(path, sizeof path, "/proc/%d/statm", (int)pid);
	if (read_file(path, bytes, sizeof bytes) < 0)
		return 0;
	return sscanf(bytes, "%lld %lld", &size, &resident) == 2 ? resident * sysconf(_SC_PAGESIZE)
								 : 0;
}

/* proc(5), stat: utime stime cutime cstime are 14 to 17, num_threads is 20. */
static void add_stat(pid_t pid, struct tree_use *use)
{
	char path[64], bytes[1024], *p;
	long long t[4], threads;

	snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
	if (read_file(path, bytes, sizeof bytes) < 0 || (p = strrchr(bytes, ')')) == NULL)
		return;
	if (sscanf(p + 1,
		    " %*c %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %lld %lld %lld %lld %*s %*s %lld",
		    &t[0], &t[1], &t[2], &t[3], &threads) != 5)
		return;
	use->cpu_ms += (t[0] + t[1] + t[2] + t[3]) * 1000 / sysconf(_SC_CLK_TCK);
	use->processes += threads;
}

static int64_t pss_of(pid_t pid)
{
	char path[64], bytes[2048], *p;

	snprintf(path, sizeof path, "/proc/%d/smaps_rollup", (int)pid);
	if (read_file(path, bytes, sizeof bytes) < 0)
		return 0;
	p = strstr(bytes, "\nPss:");
	return p ? atoll(p + 5) * 1024 : 0;
}

static void measure_one(void *ctx, pid_t pid)
{
	struct measuring *m = ctx;

	if (m->pss)
		m->pss_bytes += pss_of(pid);
	else
		m->use->rss_bytes += rss_of(pid);
	if (m->more)
		add_stat(pid, m->use);
	if (++m->depth < DEPTH_MAX)
		tree_each_child(pid, measure_one, m);
	m->depth--;
}

void tree_measure(pid_t root, bool more, struct tree_use *use)
{
	struct measuring m = {.use = use, .more = more};

	*use = (struct tree_use){0};
	measure_one(&m, root);
}

int64_t tree_measure_pss(pid_t root)
{
	struct tree_use unused;
	struct measuring m = {.use = &unused, .pss = true};

	measure_one(&m, root);
	return m.pss_bytes;
}

bool tree_environ_holds(pid_t pid, const char *entry)
{
	char path[64], *line = NULL;
	size_t cap = 0;
	bool found = false;
	FILE *f;

	snprintf(path, sizeof path, "/proc/%d/environ", (int)pid);
	f = fopen(path, "re");
	if (f == NULL)
		return false;
	while (!found && getdelim(&line, &cap, '\0', f) > 0)
		found = strcmp(line, entry) == 0;
	free(line);
	fclose(f);
	return found;
}

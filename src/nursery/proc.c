/* nursery/proc: see proc.h. In the nursery, never in a child. */
#include "nursery/proc.h"

#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { READ_SIZE = 16384, DEPTH_MAX = 64, PLACE_PARENT = 4, PLACE_START = 22 };

/* An environment is bounded by the stack limit of its exec; what is larger is not read to its end. */
#define PROC_MAX ((size_t)16 << 20)

static bool read_path(struct text *out, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = 1;

	text_clear(out);
	if (fd < 0)
		return false;
	while (n > 0 && out->len < PROC_MAX) {
		text_reserve(out, READ_SIZE);
		n = read(fd, out->data + out->len, READ_SIZE);
		if (n > 0)
			out->len += (size_t)n;
	}
	out->data[out->len] = '\0';
	close(fd);
	return true;
}

bool proc_read(struct text *out, long pid, const char *name)
{
	char path[64];

	snprintf(path, sizeof path, "/proc/%ld/%s", pid, name);
	return read_path(out, path);
}

/* The name may hold anything, brackets and blanks too: its end is the last bracket of all. */
unsigned long long proc_stat_field(const struct text *stat, int place)
{
	const char *at = stat->len ? strrchr(stat->data, ')') : NULL;

	for (; at && place > 2; place--)
		at = strchr(at + 1, ' ');
	return at ? strtoull(at, NULL, 10) : 0;
}

static bool says_over(const struct text *stat)
{
	const char *name_end = stat->len ? strrchr(stat->data, ')') : NULL;

	return !name_end || strlen(name_end) < 3 || name_end[2] == 'Z' || name_end[2] == 'X';
}

int64_t proc_tick_ms(void)
{
	return 1000 / sysconf(_SC_CLK_TCK);
}

int64_t proc_start_boot_ms(struct text *scratch, long pid)
{
	if (!proc_read(scratch, pid, "stat"))
		return -1;
	return (int64_t)proc_stat_field(scratch, PLACE_START) * proc_tick_ms();
}

/* -- below a process ----------------------------------------------------------------------------- */

static int kill_below(struct text *scratch, pid_t root, int depth);

/*
 * Held before it is looked at. One that has another parent by now is found again below that one, or
 * is no longer the process that was listed.
 */
static void kill_child(const struct text *stat, pid_t parent, int held)
{
	if (held >= 0 && (pid_t)proc_stat_field(stat, PLACE_PARENT) == parent)
		syscall(SYS_pidfd_send_signal, held, SIGKILL, NULL, 0);
}

static int kill_with_all_below(struct text *scratch, pid_t pid, pid_t parent, int depth)
{
	int found = depth < DEPTH_MAX ? kill_below(scratch, pid, depth + 1) : 0;
	int held = (int)syscall(SYS_pidfd_open, pid, 0);

	if (proc_read(scratch, pid, "stat") && !says_over(scratch)) {
		kill_child(scratch, parent, held);
		found++;
	}
	if (held >= 0)
		close(held);
	return found;
}

/* "12 34 56 ", in a text of its own, for `scratch` is used anew for each of them. */
static int kill_listed(struct text *scratch, const char *path, pid_t parent, int depth)
{
	struct text list = {0};
	int found = 0;
	char *at, *end;

	if (read_path(&list, path))
		for (at = list.data; *at; at = end) {
			long pid = strtol(at, &end, 10);

			if (end == at)
				break;
			found += kill_with_all_below(scratch, (pid_t)pid, parent, depth);
			end += strspn(end, " ");
		}
	text_fini(&list);
	return found;
}

/* The kernel lists children by the thread that made them. */
static int kill_below(struct text *scratch, pid_t root, int depth)
{
	char path[320];
	struct dirent *e;
	int found = 0;
	DIR *threads;

	snprintf(path, sizeof path, "/proc/%d/task", (int)root);
	threads = opendir(path);
	while (threads && (e = readdir(threads))) {
		if (!isdigit((unsigned char)e->d_name[0]))
			continue;
		snprintf(path, sizeof path, "/proc/%d/task/%s/children", (int)root, e->d_name);
		found += kill_listed(scratch, path, root, depth);
	}
	if (threads)
		closedir(threads);
	return found;
}

int proc_kill_below(struct text *scratch, pid_t root)
{
	return kill_below(scratch, root, 0);
}

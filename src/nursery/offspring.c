/* nursery/offspring: see offspring.h. */
#include "nursery/offspring.h"

#include "base/process.h"

#include <ctype.h>
#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { DEPTH_MAX = 64, PLACE_PARENT = 4 };

static int kill_below(struct text *scratch, pid_t root, int depth);

/*
 * Held before it is looked at. One that has another parent by now is found again below that one, or
 * is no longer the process that was listed.
 */
static void kill_child(const struct text *stat, pid_t parent, int held)
{
	if (held >= 0 && (pid_t)process_stat_field(stat, PLACE_PARENT) == parent)
		syscall(SYS_pidfd_send_signal, held, SIGKILL, NULL, 0);
}

static int kill_with_all_below(struct text *scratch, pid_t pid, pid_t parent, int depth)
{
	int found = depth < DEPTH_MAX ? kill_below(scratch, pid, depth + 1) : 0;
	int held = (int)syscall(SYS_pidfd_open, pid, 0);

	if (!process_is_over(scratch, pid)) {
		kill_child(scratch, parent, held);
		found++;
	}
	if (held >= 0)
		close(held);
	return found;
}

/* "12 34 56 ", in a text of its own, for `scratch` is used anew for each of them. */
static int kill_children_of_thread(struct text *scratch, pid_t pid, const char *thread, int depth)
{
	struct text list = {0};
	char name[300];
	int found = 0;
	long child;

	snprintf(name, sizeof name, "task/%s/children", thread);
	if (process_read(&list, pid, name))
		for (char *at = list.data; (child = strtol(at, &at, 10)) > 0;)
			found += kill_with_all_below(scratch, (pid_t)child, pid, depth);
	text_fini(&list);
	return found;
}

/* The kernel lists children by the thread that made them. */
static int kill_below(struct text *scratch, pid_t root, int depth)
{
	char path[32];
	struct dirent *e;
	int found = 0;
	DIR *threads;

	snprintf(path, sizeof path, "/proc/%d/task", (int)root);
	threads = opendir(path);
	while (threads && (e = readdir(threads)))
		if (isdigit((unsigned char)e->d_name[0]))
			found += kill_children_of_thread(scratch, root, e->d_name, depth);
	if (threads)
		closedir(threads);
	return found;
}

int offspring_kill(struct text *scratch, pid_t root)
{
	return kill_below(scratch, root, 0);
}

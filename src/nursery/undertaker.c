/*
 * nursery/undertaker: see undertaker.h. In a nursery whose droverd is gone.
 *
 * Death signals reach droverd's own children alone. What those started lives on, in any session
 * and any group, and another supervisor is about to start the same jobs again. The environment a
 * program was started with can be read from outside and is inherited without anybody's help, so
 * it is the mark. droverd starts the nursery itself with it: thus children that are C functions,
 * and what they fork, have it too. A job that changes all of environment, session and group is not
 * found.
 */
#include "nursery/undertaker.h"

#include "base/clock.h"
#include "base/must.h"
#include "base/text.h"
#include "nursery/proc.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { PATIENCE_MS = 30000, NAP_MS = 5, NAP_LONGEST_MS = 200, QUIET_LOOKS = 2 };

/* `mark` is a whole entry: "NAME=value" and its NUL. */
static bool has_entry(const struct text *list, struct span mark)
{
	const char *at = list->data;
	const char *end = at + list->len;

	while (at && (at = memmem(at, (size_t)(end - at), mark.at, mark.len))) {
		if (at == list->data || at[-1] == '\0')
			return true;
		at++;
	}
	return false;
}

/* One of `marks`, which are such entries one behind the other. */
static bool has_any(const struct text *list, struct span marks)
{
	for (size_t i = 0, len; i < marks.len; i += len) {
		len = strlen(marks.at + i) + 1;
		if (has_entry(list, (struct span){marks.at + i, len}))
			return true;
	}
	return false;
}

/*
 * Another nursery of the same lease, at the same work. Children take another name before they
 * begin; one that has not yet finds its parent gone and ends by itself.
 */
static bool is_nursery(struct text *scratch, long pid)
{
	return proc_read(scratch, pid, "comm") && strcmp(scratch->data, "drover-nursery\n") == 0;
}

/*
 * Asked about a process whose environment reads as empty. An exec has a moment in which the new
 * program's has no place yet, and on a busy machine a process may rest in it. Without memory it is
 * a zombie or the kernel's own; with a place for nothing it is empty indeed.
 */
static bool is_between_programs(struct text *scratch, long pid)
{
	return proc_read(scratch, pid, "stat") && proc_stat_field(scratch, 23) > 0 &&
	       (proc_stat_field(scratch, 51) == 0 ||
		       proc_stat_field(scratch, 50) != proc_stat_field(scratch, 51));
}

/* Kernels before 5.3: a look and a kill with little in between. */
static void end_unheld(struct text *scratch, long pid, struct span marks)
{
	if (proc_read(scratch, pid, "environ") && has_any(scratch, marks))
		kill((pid_t)pid, SIGKILL);
}

/*
 * True where it was one of ours, or may be: another look will tell. The process is held before it
 * is looked at: should the number be given to another meanwhile, the signal goes to the one that is
 * gone.
 */
static bool end_if_ours(struct text *scratch, long pid, struct span marks)
{
	int held = (int)syscall(SYS_pidfd_open, (pid_t)pid, 0);
	bool readable, unsure, ours;

	if (held < 0 && errno == ESRCH)
		return false;
	readable = proc_read(scratch, pid, "environ");
	unsure = readable && scratch->len == 0 && is_between_programs(scratch, pid);
	ours = readable && !unsure && has_any(scratch, marks) && !is_nursery(scratch, pid);
	if (ours && held >= 0)
		syscall(SYS_pidfd_send_signal, held, SIGKILL, NULL, 0);
	else if (ours)
		end_unheld(scratch, pid, marks);
	if (held >= 0)
		close(held);
	return ours || unsure;
}

/* One look at all processes: how many ask for another, -1 where /proc cannot be read. */
static int look(struct text *scratch, struct span marks, struct err *err)
{
	DIR *proc = opendir("/proc");
	struct dirent *e;
	int found = 0;

	if (!proc)
		return err_errno(err, "/proc");
	while ((e = readdir(proc))) {
		long pid = isdigit((unsigned char)e->d_name[0]) ? atol(e->d_name) : 0;

		if (pid > 0 && pid != (long)getpid())
			found += end_if_ours(scratch, pid, marks);
	}
	closedir(proc);
	return found;
}

static void nap(int ms)
{
	struct timespec t = {ms / 1000, ms % 1000 * 1000000L};

	nanosleep(&t, NULL);
}

/* A killed process may take its time, and one that is just being made may be missed by one look. */
int undertaker_end(struct span marks, int64_t patience_ms, struct err *err)
{
	int64_t deadline_ms = clock_mono_ms() + patience_ms;
	struct text scratch = {0};
	int nap_ms = NAP_MS, quiet = 0, found = 0;

	while (quiet < QUIET_LOOKS && clock_mono_ms() <= deadline_ms) {
		if (quiet + found > 0)
			nap(nap_ms);
		nap_ms = nap_ms * 2 < NAP_LONGEST_MS ? nap_ms * 2 : NAP_LONGEST_MS;
		found = look(&scratch, marks, err);
		if (found < 0)
			break;
		quiet = found ? 0 : quiet + 1;
	}
	text_fini(&scratch);
	if (quiet < QUIET_LOOKS && found >= 0)
		return err_set(err, "%d processes of a lost supervisor would not end", found);
	return found < 0 ? -1 : 0;
}

int undertaker_run(const char *lease, struct err *err)
{
	char *mark = must_printf("DROVER_LEASE=%s", lease);
	int done;

	prctl(PR_SET_NAME, "drover-nursery", 0L, 0L, 0L);
	done = undertaker_end((struct span){mark, strlen(mark) + 1}, PATIENCE_MS, err);
	free(mark);
	return done;
}

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

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { PATIENCE_MS = 30000, NAP_MS = 5, NAP_LONGEST_MS = 200, QUIET_LOOKS = 2, READ_SIZE = 16384 };

/* An environment is bounded by the stack limit of its exec; what is larger is not read to its end. */
#define ENVIRON_MAX ((size_t)16 << 20)

/* All of a file in /proc/PID. False where the process is gone or another user's. */
static bool read_proc(struct text *out, long pid, const char *name)
{
	char path[64];
	int fd;
	ssize_t n = 1;

	text_clear(out);
	snprintf(path, sizeof path, "/proc/%ld/%s", pid, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	while (n > 0 && out->len < ENVIRON_MAX) {
		text_reserve(out, READ_SIZE);
		n = read(fd, out->data + out->len, READ_SIZE);
		if (n > 0)
			out->len += (size_t)n;
	}
	out->data[out->len] = '\0';
	close(fd);
	return true;
}

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

/*
 * Another nursery of the same lease, at the same work. Children take another name before they
 * begin; one that has not yet finds its parent gone and ends by itself.
 */
static bool is_nursery(struct text *scratch, long pid)
{
	return read_proc(scratch, pid, "comm") && strcmp(scratch->data, "drover-nursery\n") == 0;
}

/* A number in /proc/PID/stat, by its place in proc(5); `name_end` is the bracket behind the name. */
static unsigned long long stat_field(const char *name_end, int place)
{
	for (; name_end && place > 2; place--)
		name_end = strchr(name_end + 1, ' ');
	return name_end ? strtoull(name_end, NULL, 10) : 0;
}

/*
 * Asked about a process whose environment reads as empty. An exec has a moment in which the new
 * program's has no place yet, and on a busy machine a process may rest in it. Without memory it is
 * a zombie or the kernel's own; with a place for nothing it is empty indeed.
 */
static bool is_between_programs(struct text *scratch, long pid)
{
	const char *name_end;

	if (!read_proc(scratch, pid, "stat"))
		return false;
	name_end = strrchr(scratch->data, ')');
	return stat_field(name_end, 23) > 0 &&
	       (stat_field(name_end, 51) == 0 ||
		       stat_field(name_end, 50) != stat_field(name_end, 51));
}

/* Kernels before 5.3: a look and a kill with little in between. */
static void end_unheld(struct text *scratch, long pid, struct span mark)
{
	if (read_proc(scratch, pid, "environ") && has_entry(scratch, mark))
		kill((pid_t)pid, SIGKILL);
}

/*
 * True where it was one of ours, or may be: another look will tell. The process is held before it
 * is looked at: should the number be given to another meanwhile, the signal goes to the one that is
 * gone.
 */
static bool end_if_ours(struct text *scratch, long pid, struct span mark)
{
	int held = (int)syscall(SYS_pidfd_open, (pid_t)pid, 0);
	bool readable, unsure, ours;

	if (held < 0 && errno == ESRCH)
		return false;
	readable = read_proc(scratch, pid, "environ");
	unsure = readable && scratch->len == 0 && is_between_programs(scratch, pid);
	ours = readable && !unsure && has_entry(scratch, mark) && !is_nursery(scratch, pid);
	if (ours && held >= 0)
		syscall(SYS_pidfd_send_signal, held, SIGKILL, NULL, 0);
	else if (ours)
		end_unheld(scratch, pid, mark);
	if (held >= 0)
		close(held);
	return ours || unsure;
}

/* One look at all processes: how many ask for another, -1 where /proc cannot be read. */
static int look(struct text *scratch, struct span mark, struct err *err)
{
	DIR *proc = opendir("/proc");
	struct dirent *e;
	int found = 0;

	if (!proc)
		return err_errno(err, "/proc");
	while ((e = readdir(proc))) {
		long pid = isdigit((unsigned char)e->d_name[0]) ? atol(e->d_name) : 0;

		if (pid > 0 && pid != (long)getpid())
			found += end_if_ours(scratch, pid, mark);
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
static int look_until_quiet(struct text *scratch, struct span mark, struct err *err)
{
	int64_t deadline_ms = clock_mono_ms() + PATIENCE_MS;
	int nap_ms = NAP_MS;
	int quiet = 0;

	for (;;) {
		int found = look(scratch, mark, err);

		if (found < 0)
			return -1;
		quiet = found ? 0 : quiet + 1;
		if (quiet == QUIET_LOOKS)
			return 0;
		if (clock_mono_ms() > deadline_ms)
			return err_set(
				err, "%d processes of a lost supervisor would not end", found);
		nap(nap_ms);
		nap_ms = nap_ms * 2 < NAP_LONGEST_MS ? nap_ms * 2 : NAP_LONGEST_MS;
	}
}

int undertaker_run(const char *lease, struct err *err)
{
	char *mark = must_printf("DROVER_LEASE=%s", lease);
	struct text scratch = {0};
	int done;

	prctl(PR_SET_NAME, "drover-nursery", 0L, 0L, 0L);
	done = look_until_quiet(&scratch, (struct span){mark, strlen(mark) + 1}, err);
	text_fini(&scratch);
	free(mark);
	return done;
}

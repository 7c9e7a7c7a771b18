/* marked: see marked.h. Runs in droverd and in a nursery whose droverd is gone. */
#include "base/marked.h"

#include "base/process.h"

#include <ctype.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* proc(5), stat */
enum { PLACE_VSIZE = 23, PLACE_ENV_START = 50, PLACE_ENV_END = 51 };

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

/* One of `marks`, which are entries one behind the other. */
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
 * Asked about a process whose environment reads as empty. An exec has a moment in which the new
 * program's has no place yet, and on a busy machine a process may rest in it. Without memory it is
 * a zombie or the kernel's own; with a place for nothing it is empty indeed.
 */
static bool is_between_programs(struct text *scratch, pid_t pid)
{
	if (!process_read(scratch, pid, "stat"))
		return false;
	return process_stat_field(scratch, PLACE_VSIZE) > 0 &&
	       (process_stat_field(scratch, PLACE_ENV_END) == 0 ||
		       process_stat_field(scratch, PLACE_ENV_START) !=
			       process_stat_field(scratch, PLACE_ENV_END));
}

/* Kernels before 5.3: a look and a kill with little in between. */
static void end_unheld(struct text *scratch, pid_t pid, struct span marks)
{
	if (process_read(scratch, pid, "environ") && has_any(scratch, marks))
		kill(pid, SIGKILL);
}

enum whose { NOT_OURS, OURS, MAY_BE_OURS };

/*
 * The process is held before it is looked at: should the number be given to another meanwhile, the
 * signal goes to the one that is gone.
 */
static enum whose end_if_ours(
	struct text *scratch, pid_t pid, struct span marks, marked_spare_fn *spare)
{
	int held = (int)syscall(SYS_pidfd_open, pid, 0);
	bool readable, unsure, ours;

	if (held < 0 && errno == ESRCH)
		return NOT_OURS;
	readable = process_read(scratch, pid, "environ");
	unsure = readable && scratch->len == 0 && is_between_programs(scratch, pid);
	ours = readable && !unsure && has_any(scratch, marks) && !(spare && spare(scratch, pid));
	if (ours && held >= 0)
		syscall(SYS_pidfd_send_signal, held, SIGKILL, NULL, 0);
	else if (ours)
		end_unheld(scratch, pid, marks);
	if (held >= 0)
		close(held);
	return ours ? OURS : unsure ? MAY_BE_OURS : NOT_OURS;
}

static int begin(struct marked_look *look, struct err *err)
{
	look->found = look->killed = 0;
	look->proc = opendir("/proc");
	return look->proc ? 0 : err_errno(err, "/proc");
}

static void end(struct marked_look *look)
{
	if (look->proc)
		closedir(look->proc);
	look->proc = NULL;
}

int marked_look(struct marked_look *look, struct span marks, marked_spare_fn *spare, int most,
	struct err *err)
{
	const pid_t self = getpid();
	struct dirent *e;

	if (look->proc == NULL && begin(look, err) < 0)
		return -1;
	while (most > 0 && (e = readdir(look->proc)) != NULL) {
		pid_t pid = isdigit((unsigned char)e->d_name[0]) ? (pid_t)atol(e->d_name) : 0;
		enum whose whose;

		if (pid <= 0 || pid == self)
			continue;
		whose = end_if_ours(&look->scratch, pid, marks, spare);
		look->found += whose != NOT_OURS;
		look->killed += whose == OURS;
		most--;
	}
	if (most <= 0)
		return 0;
	end(look);
	return 1;
}

void marked_look_fini(struct marked_look *look)
{
	end(look);
	text_fini(&look->scratch);
}

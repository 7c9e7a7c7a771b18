/*
 * nursery/child: runs in the child alone. Every way out is _exit: what the nursery registered for
 * its own end must not happen here. Every system call here is paid once a job.
 */
#include "nursery/child.h"

#include "base/crash.h"
#include "nursery/each/each.h"
#include "nursery/exec.h"
#include "nursery/job_socket.h"
#include "nursery/kernel.h"
#include "nursery/limits.h"
#include "wire/job_message.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/*
 * Sets what no change of user has undone since: our death at droverd's. Then looks who the parent
 * is, for droverd may have died in between, and nobody would ever tell us.
 */
static void die_with_droverd(const struct facts *f)
{
	kernel_prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (kernel_getppid() != f->droverd)
		_exit(0);
}

static void reset_signals(const struct facts *f)
{
	for (const int *s = f->signals; *s; s++)
		signal(*s, SIG_DFL);
	kernel_unblock_signals();
}

/* Where the kernel could not put us there at birth. */
static int enter_cgroup(int folder)
{
	int fd, done;

	if (folder < 0)
		return 0;
	fd = openat(folder, "cgroup.procs", O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	done = write(fd, "0", 1) == 1 ? 0 : -1;
	close(fd);
	return done;
}

/*
 * The job socket takes the place of the nursery's own socket, which must not stay open here: the
 * nursery learns of droverd's death by its end. Whatever came with the spawn or was opened while
 * preloading goes with the rest.
 */
static int settle_descriptors(const struct child_descriptors *d)
{
	if (kernel_dup_to(d->output, STDOUT_FILENO) < 0 ||
		kernel_dup_to(d->output, STDERR_FILENO) < 0 || kernel_dup_to(d->job, JOB_FD) < 0)
		return -1;
	if (kernel_close_from(JOB_FD + 1) != 0)
		closefrom(JOB_FD + 1);
	return 0;
}

/* Nothing can be told before the socket stands: end of file there is a failed spawn. */
static void settle(const struct facts *f, const struct child_descriptors *d)
{
	const char name[] = "drover-job"; /* by it the undertaker tells us from a nursery */

	die_with_droverd(f);
	kernel_lead_group();
	reset_signals(f);
	kernel_prctl(PR_SET_NAME, (unsigned long)(uintptr_t)name);
	if (enter_cgroup(d->cgroup) != 0 || settle_descriptors(d) != 0)
		_exit(JOB_EXIT_NOT_STARTED);
}

/* The next job, decoded; `buffer` carries it. No further job is the end of this child. */
static void next_job(struct job_buffer *buffer, struct job_message *m)
{
	struct err err;
	struct span bytes;
	int got = job_socket_receive(buffer, &bytes, &err);

	if (got == 0)
		_exit(0);
	if (got < 0 || job_message_decode(m, bytes.at, bytes.len, &err) != 0)
		job_socket_not_started(&err);
}

/* Where it stays is the nursery's folder, "/". */
static int change_directory(const struct job_message *m, struct err *err)
{
	if (!m->directory || (m->directory[0] == '/' && m->directory[1] == '\0'))
		return 0;
	if (chdir(m->directory) == 0)
		return 0;
	return err_set(err, "%s: %s (errno %d)", m->directory, strerror(errno), errno);
}

static void prepare(const struct facts *f, const struct job_message *m)
{
	struct err err;

	if (m->limits.subreaper)
		kernel_prctl(PR_SET_CHILD_SUBREAPER, 1);
	if (limits_apply(f, &m->limits, &err) != 0)
		job_socket_not_started(&err);
	if (m->limits.uid != UINT32_MAX || m->limits.gid != UINT32_MAX)
		die_with_droverd(f);
	if (change_directory(m, &err) != 0)
		job_socket_not_started(&err);
}

static void say_done(int status)
{
	char line[32];
	int len = snprintf(line, sizeof line, "done %d\n", status);

	job_socket_say(line, (size_t)len);
}

/*
 * Nothing of one job may be there for the next: where it left processes behind, this child ends
 * with it, and droverd, who is handed them, ends them. Orphans are ours while we adopt them.
 */
static bool has_children(void)
{
	siginfo_t info;

	return waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0;
}

_Noreturn static void perform(
	struct job_buffer *buffer, struct job_message *m, const struct function_source *source)
{
	uint32_t jobs = m->limits.reuse > 1 ? m->limits.reuse : 1;

	for (;;) {
		int status = function_run(source, m);
		struct err err;

		if (--jobs == 0 || has_children())
			kernel_exit(status);
		say_done(status);
		job_message_fini(m);
		next_job(buffer, m);
		if (limits_renew(&m->limits, &err) != 0)
			job_socket_not_started(&err);
	}
}

_Noreturn void child_run(const struct facts *f, const struct child_descriptors *d,
	const struct function_source *source)
{
	struct job_buffer buffer;
	struct job_message m;

	buffer.rest = (struct text){0};
	CRASH_POINT("child.born");
	settle(f, d);
	job_socket_say(JOB_HELLO, sizeof JOB_HELLO - 1);
	CRASH_POINT("child.hello");
	next_job(&buffer, &m);
	prepare(f, &m);
	CRASH_POINT("child.exec");
	if (m.limits.handler == JOB_COMMAND)
		exec_command(&m);
	if (m.limits.handler == JOB_EACH)
		each_run(&m, buffer.fds, buffer.n_fds, source);
	perform(&buffer, &m, source);
}

/* nursery/each/program: see program.h. */
#include "nursery/each/program.h"

#include "nursery/environment.h"
#include "nursery/exec.h"
#include "nursery/job_socket.h"
#include "nursery/kernel.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>

/* All but what it needs goes, also what the job's own code has left open for exec. */
static int settle(int in, int out, int report)
{
	if (in >= 0 && dup2(in, STDIN_FILENO) < 0)
		return -1;
	if (out >= 0 && dup2(out, STDOUT_FILENO) < 0)
		return -1;
	if (dup3(report, JOB_FD, O_CLOEXEC) < 0)
		return -1;
	if (kernel_close_from(JOB_FD + 1) != 0)
		closefrom(JOB_FD + 1);
	return 0;
}

/* In the copy. The report ends with the exec, or has the reason why there was none. */
_Noreturn static void become(
	const struct job_message *m, const char *const *argv, int in, int out, int report)
{
	struct environment env;
	struct err err;

	environment_init(&env, m);
	environment_drop(&env, "DROVER_FD");
	if (settle(in, out, report) != 0)
		err_errno(&err, "descriptors of %s", argv[0]);
	else
		exec_program(exec_list(argv), env.list, &err);
	if (write(JOB_FD, err.text, strlen(err.text)) < 0)
		(void)0; /* the exit status tells it too */
	_exit(JOB_EXIT_NOT_STARTED);
}

/* True where the program runs. */
static bool take_report(int report, struct err *err)
{
	ssize_t n;

	do
		n = read(report, err->text, sizeof err->text - 1);
	while (n < 0 && errno == EINTR);
	err->text[n > 0 ? n : 0] = '\0';
	return n == 0;
}

int program_start(struct program *p, const struct job_message *m, const char *const *argv, int in,
	int out, struct err *err)
{
	int report[2];
	bool runs;

	if (pipe2(report, O_CLOEXEC) != 0)
		return err_errno(err, "%s: pipe", argv[0]);
	*p = (struct program){.pid = fork(), .held = -1};
	if (p->pid == 0)
		become(m, argv, in, out, report[1]);
	close(report[1]);
	if (p->pid < 0) {
		p->pid = 0;
		close(report[0]);
		return err_errno(err, "%s: fork", argv[0]);
	}
	p->held = (int)syscall(SYS_pidfd_open, p->pid, 0);
	runs = take_report(report[0], err);
	close(report[0]);
	if (runs && p->held >= 0)
		return 0;
	if (runs)
		err_errno(err, "%s: pidfd_open", argv[0]);
	program_kill(p);
	return -1;
}

static void forget(struct program *p)
{
	if (p->held >= 0)
		close(p->held);
	p->held = -1;
	p->pid = 0;
}

static void reap(struct program *p)
{
	while (waitpid(p->pid, &p->status, 0) < 0 && errno == EINTR)
		continue;
	forget(p);
}

bool program_is_over(struct program *p, int timeout_ms)
{
	struct pollfd ended = {p->held, POLLIN, 0};
	int n;

	if (p->pid == 0)
		return true;
	do
		n = poll(&ended, 1, timeout_ms);
	while (n < 0 && errno == EINTR);
	if (n == 0)
		return false;
	reap(p);
	return true;
}

void program_kill(struct program *p)
{
	if (p->pid == 0)
		return;
	kill(p->pid, SIGKILL);
	reap(p);
}

void program_add_end(struct text *out, const struct program *p)
{
	const char *name;

	if (WIFEXITED(p->status)) {
		text_addf(out, "exited with %d", WEXITSTATUS(p->status));
		return;
	}
	name = sigabbrev_np(WTERMSIG(p->status));
	if (name)
		text_addf(out, "ended by SIG%s", name);
	else
		text_addf(out, "ended by signal %d", WTERMSIG(p->status));
}

int program_pipe(int ends[2], int ours, struct err *err)
{
	if (pipe2(ends, O_CLOEXEC) != 0)
		return err_errno(err, "pipe");
	fcntl(ends[ours], F_SETFL, O_NONBLOCK);
	return 0;
}

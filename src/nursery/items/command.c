/* nursery/items/command: see command.h. In the child; what stands behind fork runs in the command's
   process before its program. */
#include "nursery/items/command.h"

#include "base/must.h"
#include "base/text.h"
#include "nursery/environment.h"
#include "nursery/kernel.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define PATH_DEFAULT "/usr/local/bin:/usr/bin:/bin"

enum { ERROR_FD = 3, NOT_STARTED = 127 };

/* -- in its own process -------------------------------------------------------------------------- */

static void reset_signals(void)
{
	for (int s = 1; s < NSIG; s++)
		if (s != SIGKILL && s != SIGSTOP)
			signal(s, SIG_DFL);
	kernel_unblock_signals();
}

/* Both stand above all that is replaced: they come out of F_DUPFD. */
static int settle_descriptors(int out, int error)
{
	int nothing = open("/dev/null", O_RDONLY);

	if (nothing < 0 || out < 0 || error < 0 ||
		(nothing != STDIN_FILENO && dup2(nothing, STDIN_FILENO) < 0) ||
		dup2(out, STDOUT_FILENO) < 0 || dup3(error, ERROR_FD, O_CLOEXEC) < 0)
		return -1;
	if (kernel_close_from(ERROR_FD + 1) != 0)
		closefrom(ERROR_FD + 1);
	return 0;
}

/* As execvp, in a PATH that is not our own. Where nothing fits, errno is the most telling. */
static void exec_in(const char *path, char *const *argv, char *const *env)
{
	struct text file = {0};
	int worst = ENOENT;

	for (; *path; path += *path == ':') {
		size_t len = strcspn(path, ":");

		text_clear(&file);
		text_add(&file, path, len);
		text_add_str(&file, len ? "/" : "./");
		text_add_str(&file, argv[0]);
		execve(file.data, argv, env);
		if (errno != ENOENT && errno != ENOTDIR)
			worst = errno;
		path += len;
	}
	errno = worst;
}

_Noreturn static void become(int out, int error, pid_t parent, char *const *argv, char *const *env)
{
	const char *path = environment_get(env, "PATH");
	int number;

	kernel_prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (kernel_getppid() != parent)
		_exit(NOT_STARTED);
	kernel_lead_group();
	reset_signals();
	out = fcntl(out, F_DUPFD, ERROR_FD + 1);
	error = fcntl(error, F_DUPFD, ERROR_FD + 1);
	if (settle_descriptors(out, error) == 0) {
		if (strchr(argv[0], '/'))
			execve(argv[0], argv, env);
		else
			exec_in(path ? path : PATH_DEFAULT, argv, env);
	}
	number = errno;
	if (write(ERROR_FD, &number, sizeof number) < 0)
		_exit(NOT_STARTED);
	_exit(NOT_STARTED);
}

/* -- in ours ------------------------------------------------------------------------------------- */

static void close_both(const int fd[2])
{
	close(fd[0]);
	close(fd[1]);
}

static int wait_for(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -1;
	return status;
}

/* The end of file, by which the pipe goes at exec, is the good answer. */
static int was_started(struct command *c, int error, const char *name, struct err *err)
{
	int number;
	ssize_t n;

	do
		n = read(error, &number, sizeof number);
	while (n < 0 && errno == EINTR);
	if (n <= 0)
		return 0;
	wait_for(c->pid);
	close(c->out);
	return err_set(err, "%s: %s (errno %d)", name, strerror(number), number);
}

/* execve wants, for old reasons, what could be written to. */
static char *const *argv_of(const char *const *argv)
{
	char *const *same;

	_Static_assert(sizeof same == sizeof argv, "both are pointers to pointers");
	memcpy(&same, &argv, sizeof same);
	return same;
}

int command_start(struct command *c, const char *const *argv, char *const *env, struct err *err)
{
	pid_t self = getpid();
	int out[2], error[2], done;

	if (!argv[0] || !argv[0][0])
		return err_set(err, "an empty command");
	if (pipe2(out, O_CLOEXEC) != 0)
		return err_errno(err, "%s", argv[0]);
	if (pipe2(error, O_CLOEXEC) != 0) {
		err_errno(err, "%s", argv[0]);
		close_both(out);
		return -1;
	}
	*c = (struct command){fork(), out[0]};
	if (c->pid == 0)
		become(out[1], error[1], self, argv_of(argv), env);
	if (c->pid < 0) {
		err_errno(err, "%s", argv[0]);
		close_both(out);
		close_both(error);
		return -1;
	}
	close(out[1]);
	close(error[1]);
	done = was_started(c, error[0], argv[0], err);
	close(error[0]);
	return done;
}

int command_await(struct command *c, const char *name, struct err *err)
{
	int status = wait_for(c->pid);

	c->pid = 0;
	if (status == -1)
		return err_set(err, "%s: somebody else took its status", name);
	if (WIFSIGNALED(status))
		return err_set(err, "%s was ended by signal %d (%s)", name, WTERMSIG(status),
			strsignal(WTERMSIG(status)));
	if (WEXITSTATUS(status) != 0)
		return err_set(err, "%s ended with status %d", name, WEXITSTATUS(status));
	return 0;
}

void command_end(struct command *c)
{
	if (c->pid > 0) {
		kill(-c->pid, SIGKILL);
		kill(c->pid, SIGKILL);
		wait_for(c->pid);
	}
	c->pid = 0;
	close(c->out);
}

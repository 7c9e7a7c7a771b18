/* cli/programs: see programs.h. In drover. It must never signal a process it did not start. */
#include "cli/programs.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/must.h"

enum { EXIT_NO_PROGRAM = 127, SOCKET = 3, LOOK_AGAIN_MS = 5 };

/* -- where they are ------------------------------------------------------------------------ */

static char *own_folder(struct err *err)
{
	char path[PATH_MAX], *slash;
	ssize_t n = readlink("/proc/self/exe", path, sizeof path - 1);

	if (n < 0) {
		err_errno(err, "/proc/self/exe");
		return NULL;
	}
	path[n] = '\0';
	slash = strrchr(path, '/');
	return must_strndup(path, slash ? (size_t)(slash - path) : 0);
}

static char *look_in(const char *folder, const char *below, const char *name)
{
	char *path = must_printf("%s%s/%s", folder, below, name);

	if (access(path, X_OK) == 0)
		return path;
	free(path);
	return NULL;
}

char *programs_find(const char *name, struct err *err)
{
	char *folder = own_folder(err), *path;

	if (!folder)
		return NULL;
	path = look_in(folder, "", name);
	if (!path)
		path = look_in(folder, "/../sbin", name);
	if (!path)
		path = look_in(DROVER_LIBEXECDIR, "", name);
	if (!path)
		err_set(err, "there is no %s, neither in %s nor in %s", name, folder,
			DROVER_LIBEXECDIR);
	free(folder);
	return path;
}

/* -- starting ------------------------------------------------------------------------------ */

/* None of them may be in the way of the others. */
static int above(int fd)
{
	return fcntl(
		fd >= 0 ? fd : open("/dev/null", O_RDWR | O_CLOEXEC), F_DUPFD_CLOEXEC, SOCKET + 1);
}

_Noreturn static void become(const struct program *p, pid_t parent)
{
	int fds[] = {above(p->in), above(p->out), above(p->error), p->socket};
	sigset_t none;

	prctl(PR_SET_PDEATHSIG, SIGKILL, 0L, 0L, 0L);
	if (getppid() != parent)
		_exit(EXIT_NO_PROGRAM);
	if (p->socket >= 0)
		fds[3] = above(p->socket);
	for (int i = 0; i < 4; i++)
		if (fds[i] >= 0)
			dup2(fds[i], i);
	if (p->socket < 0)
		close(SOCKET);
	signal(SIGPIPE, SIG_DFL);
	signal(SIGINT, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	/* What we were told of by a manager of services is none of theirs. */
	unsetenv("DROVER_REDIS_URL");
	unsetenv("NOTIFY_SOCKET");
	unsetenv("JOURNAL_STREAM");
	execvp(p->argv[0], (char *const *)(uintptr_t)p->argv);
	_exit(EXIT_NO_PROGRAM);
}

pid_t programs_start(const struct program *p, struct err *err)
{
	pid_t us = getpid(), pid = fork();

	if (pid < 0)
		return err_errno(err, "fork");
	if (pid == 0) {
		setpgid(0, 0);
		become(p, us);
	}
	return pid;
}

/* -- ending -------------------------------------------------------------------------------- */

static int code_of(int status)
{
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int programs_wait(pid_t pid)
{
	int status = 0;

	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return code_of(status);
}

int programs_look(pid_t pid, int *code)
{
	int status;

	if (waitpid(pid, &status, WNOHANG) != pid)
		return 0;
	*code = code_of(status);
	return 1;
}

int programs_end(pid_t *pid, int64_t patience_ms)
{
	int64_t until = clock_mono_ms() + patience_ms;
	int code = 0;

	if (*pid <= 0)
		return 0;
	kill(*pid, SIGTERM);
	while (programs_look(*pid, &code) == 0) {
		if (clock_mono_ms() >= until) {
			kill(*pid, SIGKILL);
			code = programs_wait(*pid);
			break;
		}
		nanosleep(&(struct timespec){.tv_nsec = LOOK_AGAIN_MS * 1000000L}, NULL);
	}
	*pid = 0;
	return code;
}

/* -- files --------------------------------------------------------------------------------- */

int programs_file(const char *name, const struct text *text, struct err *err)
{
	int fd = memfd_create(name, MFD_CLOEXEC);
	size_t done = 0;

	if (fd < 0)
		return err_errno(err, "%s", name);
	while (done < text->len) {
		ssize_t n = write(fd, text->data + done, text->len - done);

		if (n < 0 && errno != EINTR) {
			close(fd);
			return err_errno(err, "%s", name);
		}
		done += n > 0 ? (size_t)n : 0;
	}
	lseek(fd, 0, SEEK_SET);
	return fd;
}

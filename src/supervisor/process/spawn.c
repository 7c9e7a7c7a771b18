/* spawn: see spawn.h. droverd. */
#include "supervisor/process/spawn.h"
#include "base/must.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* dup2 onto itself would leave close-on-exec set, so the other end must not be descriptor 3. */
int spawn_pair(int type, int pair[2], struct err *err)
{
	int moved;

	if (socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, pair) < 0)
		return err_errno(err, "socketpair");
	if (pair[1] != SPAWN_FD)
		return 0;
	moved = fcntl(pair[1], F_DUPFD_CLOEXEC, SPAWN_FD + 1);
	if (moved < 0)
		return err_errno(err, "dup");
	close(pair[1]);
	pair[1] = moved;
	return 0;
}

static int launch(pid_t *pid, char *const *argv, char *const *env, int theirs)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attr;
	sigset_t none, all;
	int rc;

	sigemptyset(&none);
	sigfillset(&all);
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, theirs, SPAWN_FD);
	posix_spawnattr_init(&attr);
	posix_spawnattr_setsigmask(&attr, &none);
	posix_spawnattr_setsigdefault(&attr, &all);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
	rc = posix_spawn(pid, argv[0], &actions, &attr, argv, env);
	posix_spawnattr_destroy(&attr);
	posix_spawn_file_actions_destroy(&actions);
	return rc;
}

int spawn_program(
	struct spawned *s, char *const *argv, char *const *env, int theirs, struct err *err)
{
	int rc = launch(&s->pid, argv, env, theirs);

	if (rc != 0) {
		s->pid = 0;
		s->pidfd = -1;
		errno = rc;
		return err_errno(err, "%s", argv[0]);
	}
	s->pidfd = (int)syscall(SYS_pidfd_open, s->pid, 0);
	if (s->pidfd >= 0)
		return 0;
	err_errno(err, "pidfd_open");
	kill(s->pid, SIGKILL); /* nobody knows it then: it is reaped as a stray */
	s->pid = 0;
	return -1;
}

char *spawn_find(const char *name, struct err *err)
{
	char self[4096], *slash, *path;
	ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);

	if (n > 0) {
		self[n] = '\0';
		slash = strrchr(self, '/');
		path = must_printf("%.*s/%s", (int)(slash - self), self, name);
		if (access(path, X_OK) == 0)
			return path;
		free(path);
	}
	path = must_printf("%s/%s", DROVER_LIBEXECDIR, name);
	if (access(path, X_OK) == 0)
		return path;
	err_set(err, "%s is neither beside droverd nor at %s", name, path);
	free(path);
	return NULL;
}

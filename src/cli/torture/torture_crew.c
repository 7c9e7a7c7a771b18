/* cli/torture_crew: see torture_crew.h. In drover. It must never signal a process it did not start. */
#include "cli/torture/torture_crew.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"

#define NURSERY "drover-nursery"

enum { CHILDREN_MAX = 256, COMMAND_MAX = 4096, EXIT_NO_PROGRAM = 127, LOOK_AGAIN_MS = 20 };

static void sleep_ms(int64_t ms)
{
	nanosleep(&(struct timespec){.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000}, NULL);
}

/* -- a supervisor -------------------------------------------------------------------------- */

_Noreturn static void become(const struct torture_member *m, pid_t parent)
{
	int log = open(m->log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC);

	prctl(PR_SET_PDEATHSIG, SIGKILL, 0L, 0L, 0L);
	if (log < 0 || null < 0 || getppid() != parent)
		_exit(EXIT_NO_PROGRAM);
	dup2(null, STDIN_FILENO);
	dup2(log, STDOUT_FILENO);
	dup2(log, STDERR_FILENO);
	signal(SIGPIPE, SIG_DFL);
	unsetenv("DROVER_REDIS_URL"); /* the configuration made for it says which Redis */
	execl(m->program, m->program, "-c", m->config, "--wait", (char *)NULL);
	_exit(EXIT_NO_PROGRAM);
}

int torture_member_start(struct torture_member *m, struct err *err)
{
	pid_t us = getpid(), pid = fork();

	if (pid < 0)
		return err_errno(err, "fork");
	if (pid == 0) {
		setpgid(0, 0); /* what the terminal sends shall meet us first */
		become(m, us);
	}
	m->pid = pid;
	m->stopped = false;
	return 0;
}

void torture_member_kill(struct torture_member *m)
{
	if (m->pid == 0)
		return;
	kill(m->pid, SIGKILL);
	while (waitpid(m->pid, NULL, 0) < 0 && errno == EINTR)
		;
	m->pid = 0;
	m->stopped = false;
}

void torture_member_stop(struct torture_member *m, int64_t until_mono_ms)
{
	kill(m->pid, SIGSTOP);
	m->stopped = true;
	m->on_at_ms = until_mono_ms;
}

void torture_member_continue(struct torture_member *m)
{
	if (m->pid != 0 && m->stopped)
		kill(m->pid, SIGCONT);
	m->stopped = false;
}

static int code_of(int status)
{
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int torture_member_term(struct torture_member *m, int64_t patience_ms)
{
	int64_t end = clock_mono_ms() + patience_ms;
	int status;

	torture_member_continue(m);
	if (m->pid == 0)
		return -1;
	kill(m->pid, SIGTERM);
	while (waitpid(m->pid, &status, WNOHANG) == 0) {
		if (clock_mono_ms() > end) {
			torture_member_kill(m);
			return -1;
		}
		sleep_ms(LOOK_AGAIN_MS);
	}
	m->pid = 0;
	return code_of(status);
}

bool torture_member_fell(struct torture_member *m)
{
	if (m->pid == 0 || waitpid(m->pid, NULL, WNOHANG) != m->pid)
		return false;
	m->pid = 0;
	return true;
}

/* -- its children -------------------------------------------------------------------------- */

static ssize_t read_proc(pid_t pid, const char *name, char *out, size_t size)
{
	char path[64];
	int fd;
	ssize_t n;

	snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? -1 : read(fd, out, size - 1);
	if (fd >= 0)
		close(fd);
	out[n > 0 ? n : 0] = '\0';
	return n;
}

/* Behind the name, which may hold anything: state, then the parent. */
static bool is_child_of(pid_t pid, pid_t parent)
{
	char stat[512];
	const char *end;

	if (read_proc(pid, "stat", stat, sizeof stat) <= 0 || (end = strrchr(stat, ')')) == NULL)
		return false;
	return strlen(end) > 4 && strtol(end + 4, NULL, 10) == parent;
}

static bool is_nursery(pid_t pid)
{
	char name[32];

	return read_proc(pid, "comm", name, sizeof name) > 0 &&
	       strncmp(name, NURSERY, strlen(NURSERY)) == 0;
}

static bool has_word(pid_t pid, const char *word)
{
	char line[COMMAND_MAX];
	ssize_t n = read_proc(pid, "cmdline", line, sizeof line);

	for (ssize_t i = 0; i < n; i += (ssize_t)strlen(line + i) + 1)
		if (strcmp(line + i, word) == 0)
			return true;
	return false;
}

/* A child looks like its nursery until it gives itself a name, a moment later: hence two looks. */
static bool is_wanted(pid_t pid, const char *mark)
{
	return mark ? has_word(pid, mark) : is_nursery(pid);
}

static size_t find_children(pid_t parent, const char *mark, pid_t found[CHILDREN_MAX])
{
	DIR *proc = opendir("/proc");
	size_t n = 0;

	for (const struct dirent *e; proc && n < CHILDREN_MAX && (e = readdir(proc)) != NULL;) {
		pid_t pid = (pid_t)strtol(e->d_name, NULL, 10);

		if (pid > 0 && is_child_of(pid, parent) && is_wanted(pid, mark))
			found[n++] = pid;
	}
	if (proc)
		closedir(proc);
	return n;
}

pid_t torture_member_kill_child(const struct torture_member *m, const char *mark, uint64_t choice)
{
	pid_t found[CHILDREN_MAX], pid;
	size_t n = m->pid ? find_children(m->pid, mark, found) : 0;
	bool done;
	int fd;

	if (n == 0)
		return 0;
	pid = found[choice % n];
	fd = (int)syscall(SYS_pidfd_open, pid, 0);
	if (fd < 0)
		return 0;
	if (mark == NULL)
		sleep_ms(LOOK_AGAIN_MS);
	/* If it is gone and its number another's, the signal goes nowhere. */
	done = is_child_of(pid, m->pid) && is_wanted(pid, mark) &&
	       syscall(SYS_pidfd_send_signal, fd, SIGKILL, NULL, 0) == 0;
	close(fd);
	return done ? pid : 0;
}

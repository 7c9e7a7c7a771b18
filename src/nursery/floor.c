/* nursery/floor: see floor.h. A program run by hand or by the bench; no droverd about. */
#include "nursery/floor.h"

#include "base/clock.h"

#include <errno.h>
#include <spawn.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static int make_fork(char *const *argv, struct err *err)
{
	const struct rlimit files = {1024, 1024};
	pid_t pid = fork();

	(void)argv;
	if (pid < 0)
		return err_errno(err, "fork");
	if (pid > 0)
		return 0;
	setrlimit(RLIMIT_NOFILE, &files);
	setsid();
	_exit(0);
}

static int make_spawn(char *const *argv, struct err *err)
{
	pid_t pid;

	errno = posix_spawnp(&pid, argv[0], NULL, NULL, argv, environ);
	return errno == 0 ? 0 : err_errno(err, "%s", argv[0]);
}

static int await_one(struct err *err)
{
	pid_t pid;

	do
		pid = waitpid(-1, NULL, 0);
	while (pid < 0 && errno == EINTR);
	return pid > 0 ? 0 : err_errno(err, "wait");
}

static int measure(long n, long outstanding, int (*make)(char *const *, struct err *),
	char *const *argv, struct err *err)
{
	int64_t start_ms = clock_mono_ms();
	int64_t took_ms;
	long made = 0;

	for (long ended = 0; ended < n; ended++) {
		for (; made < n && made - ended < outstanding; made++)
			if (make(argv, err) != 0)
				return -1;
		if (await_one(err) != 0)
			return -1;
	}
	took_ms = clock_mono_ms() - start_ms;
	printf("floor N=%ld outstanding=%ld per_second=%.0f\n", n, outstanding,
		(double)n * 1000 / (double)(took_ms ? took_ms : 1));
	return 0;
}

int floor_fork(long n, long outstanding, struct err *err)
{
	return measure(n, outstanding, make_fork, NULL, err);
}

int floor_spawn(long n, long outstanding, char *const *argv, struct err *err)
{
	return measure(n, outstanding, make_spawn, argv, err);
}

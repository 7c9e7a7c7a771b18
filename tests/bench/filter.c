/*
 * A filter that does nothing but answer, and what it is measured against.
 *
 *	filter              answers each line `ok`; with $BENCH_LEDGER it notes when it did, there
 *	filter --floor N    N bare round trips, a line each way, between two processes over a socket pair
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define LINE "1234567\n"

static int64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

/* A line comes as a whole: the other side writes it at once, and nothing more before its answer. */
static int answer(int in, int out, int ledger)
{
	char line[4096];

	while (read(in, line, sizeof line) > 0) {
		int64_t now = ledger >= 0 ? now_ns() : 0;

		if (ledger >= 0 && write(ledger, &now, sizeof now) != (ssize_t)sizeof now)
			return 1;
		if (write(out, "ok\n", 3) != 3)
			return 1;
	}
	return 0;
}

static int ask(int fd, long n)
{
	char line[16];

	for (long i = 0; i < n; i++)
		if (write(fd, LINE, strlen(LINE)) < 0 || read(fd, line, sizeof line) <= 0)
			return 1;
	return 0;
}

static int floor_of(long n)
{
	int64_t began_ns;
	int pair[2], failed;
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) != 0)
		return 1;
	pid = fork();
	if (pid == 0) {
		close(pair[0]);
		_exit(answer(pair[1], pair[1], -1));
	}
	close(pair[1]);
	began_ns = now_ns();
	failed = pid < 0 || ask(pair[0], n);
	printf("floor N=%ld per_second=%.0f\n", n, (double)n * 1e9 / (double)(now_ns() - began_ns));
	close(pair[0]);
	return waitpid(pid, NULL, 0) != pid || failed;
}

int main(int argc, char **argv)
{
	const char *path = getenv("BENCH_LEDGER");

	if (argc > 2 && strcmp(argv[1], "--floor") == 0)
		return floor_of(atol(argv[2]));
	return answer(STDIN_FILENO, STDOUT_FILENO,
		path ? open(path, O_WRONLY | O_APPEND | O_CLOEXEC) : -1);
}

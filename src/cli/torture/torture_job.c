/*
 * torture_job: the job that the fault driver has performed, in the job's own process. It says in
 * a ledger outside Redis that it began and that it ended, and nothing else; it links libc alone.
 */
#include "cli/torture/torture_job.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { EXIT_NO_LEDGER = 1, LINE_MAX = 640 };

static const char *environment(const char *name)
{
	const char *value = getenv(name);

	return value && *value ? value : "-";
}

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* One write with O_APPEND is one whole line, whoever else writes. */
static int say(int ledger, const char *word, int other)
{
	char line[LINE_MAX];
	int len = snprintf(line, sizeof line, "%s %s %s %s %d %lld %d\n", word,
		environment("DROVER_JID"), environment("DROVER_TOKEN"), environment("DROVER_LEASE"),
		(int)getpid(), (long long)now_ms(), other);

	return len < (int)sizeof line && write(ledger, line, (size_t)len) == len ? 0 : -1;
}

/* Of all ids, each has its own byte in the file of locks, as good as surely (FNV-1a, 62 bits). */
static off_t own_byte(void)
{
	uint64_t hash = 0xcbf29ce484222325u;

	for (const char *p = environment("DROVER_JID"); *p; p++)
		hash = (hash ^ (unsigned char)*p) * 0x100000001b3u;
	return (off_t)(hash >> 2);
}

/*
 * A record lock ends with its process, however that ends: who cannot have it runs beside the one
 * named here. 0: nobody.
 */
static int who_else(int locks)
{
	struct flock lock = {
		.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = own_byte(), .l_len = 1};

	if (fcntl(locks, F_SETLK, &lock) == 0)
		return 0;
	if (fcntl(locks, F_GETLK, &lock) == 0 && lock.l_type != F_UNLCK)
		return lock.l_pid;
	return fcntl(locks, F_SETLK, &lock) == 0 ? 0 : -1; /* it ended between the two looks */
}

int torture_job(const char *ledger, long ms)
{
	int lines = open(ledger, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600), locks, other;
	struct timespec left = {ms / 1000, ms % 1000 * 1000000};
	char path[4096];

	snprintf(path, sizeof path, "%s.locks", ledger);
	locks = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (lines < 0 || locks < 0)
		return EXIT_NO_LEDGER;
	other = who_else(locks);
	if (say(lines, other ? "beside" : "begin", other) < 0)
		return EXIT_NO_LEDGER;
	while (nanosleep(&left, &left) < 0 && errno == EINTR)
		;
	return say(lines, "end", 0) < 0 ? EXIT_NO_LEDGER : 0;
}

/* crash: see crash.h. Any process, in builds for tests alone. It must never do anything unasked. */
#include "base/crash.h"

#ifdef DROVER_CRASH_POINTS

#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/must.h"

/* `send`: Redis has heard nothing. `answer`: Redis has done it, and we do not know. */
const char *const crash_points[] = {
	"beat.send",
	"beat.answer",
	"enlist.send",
	"enlist.answer",
	"watch.send",
	"watch.answer",
	"fetch.send",
	"fetch.answer",
	"start.send",
	"start.answer",
	"spawn.asked",
	"nursery.spawn",
	"nursery.cloned",
	"child.born",
	"child.hello",
	"hello.seen",
	"job.begin",
	"job.given",
	"child.exec",
	"stream.started",
	"child.plan",
	"plan.seen",
	"verdict.divided",
	"child.item",
	"child.performed",
	"child.mark",
	"child.marked",
	"cursor.kept",
	"child.aside",
	"aside.seen",
	"aside.kept",
	"child.healed",
	"grant.send",
	"grant.answer",
	"checkpoint.send",
	"checkpoint.answer",
	"share.offered",
	"share.send",
	"share.answer",
	"verdict.paused",
	"exit.seen",
	"verdict.made",
	"verdict.kept",
	"journal.written",
	"finish.send",
	"finish.answer",
	"journal.struck",
	"reenter.send",
	"reenter.answer",
	"adopt.send",
	"adopt.answer",
	"tick.send",
	"tick.answer",
	"promote.send",
	"promote.answer",
	"fire.send",
	"fire.answer",
	"takeover.begin",
	"takeover.ended",
	"takeover.read",
	"takeover.told",
	"takeover.sent",
	"takeover.adopted",
	"leave.send",
	"leave.answer",
	NULL,
};

/* The point that was asked for, cut out of the environment: no copy, for there may be no heap. */
struct wish {
	const char *name, *file;
	size_t name_len;
	long nth;
};

static struct wish wish;
static long passed; /* by this process and those it was copied from */

static bool is_point(const char *point, const char *name, size_t len)
{
	return strlen(point) == len && memcmp(point, name, len) == 0;
}

static bool is_listed(const char *name, size_t len)
{
	for (const char *const *p = crash_points; *p; p++)
		if (is_point(*p, name, len))
			return true;
	return false;
}

static void read_wish(void)
{
	const char *text = getenv("DROVER_CRASH"), *colon;

	wish.name = "";
	if (text == NULL)
		return;
	wish.name = text;
	wish.name_len = strcspn(text, ":");
	wish.nth = 1;
	must(is_listed(wish.name, wish.name_len));
	if (text[wish.name_len] == ':')
		wish.nth = strtol(text + wish.name_len + 1, NULL, 10);
	colon = text[wish.name_len] ? strchr(text + wish.name_len + 1, ':') : NULL;
	wish.file = colon ? colon + 1 : NULL;
}

static bool is_wished(const char *name, const char *when)
{
	size_t len = strlen(name);

	if (wish.name_len != len + (when ? 1 + strlen(when) : 0) ||
		memcmp(wish.name, name, len) != 0)
		return false;
	return when == NULL ||
	       (wish.name[len] == '.' && memcmp(wish.name + len + 1, when, strlen(when)) == 0);
}

/* Where our own byte ends in a file that only grows is which one we are. */
static long count_in_file(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	long nth;

	if (fd < 0)
		return 0; /* another user's process, or out of its reach: it lives */
	nth = write(fd, ".", 1) == 1 ? (long)lseek(fd, 0, SEEK_CUR) : 0;
	close(fd);
	return nth;
}

void crash_pass(const char *name, const char *when)
{
	if (wish.name == NULL)
		read_wish();
	must(when || is_listed(name, strlen(name)));
	if (wish.name_len == 0 || !is_wished(name, when))
		return;
	if ((wish.file ? count_in_file(wish.file) : ++passed) != wish.nth)
		return;
	kill(getpid(), SIGKILL);
	for (;;)
		pause();
}

#endif

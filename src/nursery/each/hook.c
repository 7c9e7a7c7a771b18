/* nursery/each/hook: see hook.h. */
#include "nursery/each/hook.h"

#include "nursery/each/program.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

/* LOOK_MS: a command that hangs must not keep a stop waiting for longer. */
enum { LOOK_MS = 250, WHY_MAX = 200 };

static const char *const NAMES[JOB_LISTS] = {
	[JOB_ON_START] = "on_start",
	[JOB_ON_RESUME] = "on_resume",
	[JOB_ON_INTERRUPT] = "on_interrupt",
	[JOB_ON_COMPLETE] = "on_complete",
	[JOB_THROTTLE] = "throttle",
};

const char *hook_name(enum job_list list)
{
	return NAMES[list];
}

int hook_run(const struct job_message *m, enum job_list list, struct err *err)
{
	struct program p;
	struct text how = {0};

	if (!m->lists[list][0])
		return 0;
	if (program_start(&p, m, m->lists[list], -1, -1, err) != 0)
		return err_at(err, "%s", hook_name(list));
	program_is_over(&p, -1);
	if (p.status == 0)
		return 0;
	text_addf(&how, "%s: %s ", hook_name(list), m->lists[list][0]);
	program_add_end(&how, &p);
	err_set(err, "%s", how.data);
	text_fini(&how);
	return 1;
}

/* -- throttle ---------------------------------------------------------------------------------- */

/* Keeps the first line. False: nothing more comes. */
static bool take_output(int fd, struct text *why)
{
	char bytes[1024];
	ssize_t n = read(fd, bytes, sizeof bytes);

	if (n < 0)
		return errno == EAGAIN || errno == EINTR;
	if (why->len < WHY_MAX && !(why->len > 0 && memchr(why->data, '\n', why->len)))
		text_add(why, bytes, (size_t)n);
	return n > 0;
}

static void cut_line(struct text *why)
{
	size_t len = why->len > 0 ? strcspn(why->data, "\n") : 0;

	if (len > WHY_MAX)
		len = WHY_MAX;
	while (len == WHY_MAX && len > 0 && ((unsigned char)why->data[len] & 0xc0) == 0x80)
		len--;
	if (why->data)
		why->data[why->len = len] = '\0';
}

/* Until it has ended, or a stop is ordered: the answer is of no use then. */
static void gather(struct program *p, int fd, const struct marks *marks, struct text *why)
{
	struct pollfd ends[] = {{p->held, POLLIN, 0}, {fd, POLLIN, 0}};

	while (!ends[0].revents && !marks_is_stopped(marks)) {
		if (poll(ends, 2, LOOK_MS) > 0 && ends[1].revents && !take_output(fd, why))
			ends[1].fd = -1;
	}
	if (ends[1].fd >= 0)
		take_output(fd, why);
}

int hook_ask_throttle(
	const struct job_message *m, const struct marks *marks, struct text *why, struct err *err)
{
	struct program p;
	int out[2], started;
	bool go = false;

	text_clear(why);
	if (program_pipe(out, 0, err) != 0)
		return -1;
	started = program_start(&p, m, m->lists[JOB_THROTTLE], -1, out[1], err);
	close(out[1]);
	if (started == 0) {
		gather(&p, out[0], marks, why);
		go = program_is_over(&p, 0) && p.status == 0;
		program_kill(&p);
	}
	close(out[0]);
	cut_line(why);
	return started == 0 ? go : err_at(err, "%s", hook_name(JOB_THROTTLE));
}

/* nursery/each/pace: see pace.h. */
#include "nursery/each/pace.h"

#include "base/clock.h"
#include "nursery/each/tell.h"

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

/*
 * A shorter wait is not worth a word; above the longest a worker is not held. How long a rate makes
 * us wait is droverd's knowledge: it is said once it has been that long.
 */
enum { SAY_MS = 250, KEEP_MS = 5000, SAY_RATE_MS = 1000 };

/* Until `turn` is another than this one, or the time is over. */
static void sleep_on(const struct marks *m, uint32_t turn, int64_t ms)
{
	const struct timespec most = {ms / 1000, ms % 1000 * 1000000};

	syscall(SYS_futex, &m->orders->turn, FUTEX_WAIT, turn, ms < 0 ? NULL : &most, NULL, 0);
}

/* False: it was stopped. */
static bool wait_until(struct pace *p, int64_t until_ms)
{
	for (;;) {
		uint32_t turn = scoreboard_turn(p->marks->orders);
		int64_t left_ms = until_ms - clock_mono_ms();

		marks_look_at_end(p->marks, p->taken);
		if (marks_is_stopped(p->marks))
			return false;
		if (left_ms <= 0)
			return true;
		sleep_on(p->marks, turn, left_ms);
	}
}

enum each_step pace_wait(struct pace *p, enum job_wait why, int64_t ms, struct span text)
{
	if (ms > SAY_MS) {
		tell_wait(why, ms, text);
		p->said_wait = true;
	}
	if (ms > KEEP_MS)
		return EACH_LATER;
	return wait_until(p, clock_mono_ms() + ms) ? EACH_ON : EACH_LATER;
}

enum each_step pace_await_grant(struct pace *p, int64_t used)
{
	int64_t began_ms = clock_mono_ms();

	for (;;) {
		uint32_t turn = scoreboard_turn(p->marks->orders);
		int64_t waited_ms = clock_mono_ms() - began_ms;

		marks_look_at_end(p->marks, p->taken);
		if (marks_is_stopped(p->marks))
			return EACH_LATER;
		if (used < scoreboard_granted(p->marks->orders))
			return EACH_ON;
		if (!p->said_wait && waited_ms >= SAY_RATE_MS) {
			tell_wait(JOB_WAIT_RATE, SAY_RATE_MS, SPAN_LIT(""));
			p->said_wait = true;
		}
		sleep_on(p->marks, turn, p->said_wait ? -1 : SAY_RATE_MS - waited_ms);
	}
}

void pace_go_on(struct pace *p)
{
	if (!p->said_wait)
		return;
	tell_working();
	p->said_wait = false;
}

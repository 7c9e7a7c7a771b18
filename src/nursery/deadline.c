/*
 * nursery/deadline: see deadline.h. In the nursery, never in a child.
 *
 * Order matters in two places. The clock is read before the deadline, and droverd reads it after it
 * has set another: so it knows of every job that is ended here. A job given after our reading of
 * the clock is under another deadline, and not meant. And droverd names a job in the scoreboard, then tells us, then gives it to its process; so a look
 * that finds no job may end the watch.
 */
#include "nursery/deadline.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/process.h"
#include "base/text.h"
#include "nursery/offspring.h"
#include "nursery/undertaker.h"
#include "wire/scoreboard.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

enum { TREE_PATIENCE_MS = 1000, MARKS_PATIENCE_MS = 2000, QUIET_LOOKS = 2 };

/* What the header said at one moment. */
struct reading {
	int64_t now_boot_ms; /* just before */
	int64_t deadline_boot_ms;
	uint32_t exclusive, records, page_bytes;
};

void deadline_init(struct deadline *d, const char *lease)
{
	*d = (struct deadline){.lease = lease, .board = -1, .timer = -1};
}

static void stop_watching(struct deadline *d)
{
	if (d->board >= 0)
		close(d->board);
	d->board = -1;
}

void deadline_fini(struct deadline *d)
{
	stop_watching(d);
	if (d->timer >= 0)
		close(d->timer);
	d->timer = -1;
}

/* Our words stand in droverd's log stream; there is nobody else to tell. */
static void complain(const struct err *why)
{
	fprintf(stderr, "drover-nursery: exclusive jobs: %s\n", why->text);
}

/* -- reading --------------------------------------------------------------------------------------- */

static int read_board(int board, struct reading *r, struct err *err)
{
	const size_t size = sizeof(struct scoreboard_header);
	struct scoreboard_header *h = mmap(NULL, size, PROT_READ, MAP_SHARED, board, 0);
	bool ours;

	*r = (struct reading){.now_boot_ms = clock_boot_ms()};
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (h == MAP_FAILED)
		return err_errno(err, "the scoreboard");
	ours = scoreboard_is_ours(h);
	if (ours) {
		r->deadline_boot_ms = scoreboard_deadline_ms(h);
		r->exclusive = scoreboard_exclusive(h);
		r->records = scoreboard_records(h);
		r->page_bytes = h->page_bytes;
	}
	munmap(h, size);
	return ours ? 0 : err_set(err, "what came as the scoreboard is none of this version");
}

/*
 * One record, whole where that can be had: a droverd that is stopped in the middle of writing one
 * leaves it so, and then what stands there is taken, for a process is looked at before it is ended.
 */
static bool read_record(
	int board, const struct reading *r, uint32_t number, struct scoreboard_slot *s)
{
	uint32_t before;

	for (int tries = 0; tries < 3; tries++) {
		off_t at = scoreboard_record_at(r->page_bytes, number);

		if (pread(board, &before, sizeof before, at) != (ssize_t)sizeof before ||
			pread(board, s, sizeof *s, at) != (ssize_t)sizeof *s)
			return false;
		if (s->sequence == before && before % 2 == 0)
			break;
	}
	scoreboard_slot_close(s);
	return (s->flags & SCOREBOARD_BUSY) && (s->flags & SCOREBOARD_EXCLUSIVE) && s->pid > 0 &&
	       s->given_boot_ms <= r->now_boot_ms;
}

/* -- ending ---------------------------------------------------------------------------------------- */

static void nap(void)
{
	nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL);
}

static bool is_the_one(struct text *scratch, const struct scoreboard_slot *s)
{
	int64_t start_boot_ms = process_start_boot_ms(scratch, s->pid);

	return start_boot_ms >= 0 && scoreboard_started_then(s, start_boot_ms, process_tick_ms());
}

/*
 * While its main process stands, whatever it started stays below it; stopped, it starts nothing
 * more and sees nobody of them go. So it goes last.
 */
static void end_tree(struct text *scratch, const struct scoreboard_slot *s, int held)
{
	int64_t until_ms = clock_mono_ms() + TREE_PATIENCE_MS;

	syscall(SYS_pidfd_send_signal, held, SIGSTOP, NULL, 0);
	for (int quiet = 0; quiet < QUIET_LOOKS && clock_mono_ms() < until_ms;) {
		quiet = offspring_kill(scratch, s->pid) > 0 ? 0 : quiet + 1;
		if (quiet < QUIET_LOOKS)
			nap();
	}
	if (is_the_one(scratch, s))
		kill(-s->pid, SIGKILL);
	syscall(SYS_pidfd_send_signal, held, SIGKILL, NULL, 0);
}

/* Held before it is looked at, so that the number cannot come to mean another. */
static void end_process(struct text *scratch, const struct scoreboard_slot *s)
{
	int held = (int)syscall(SYS_pidfd_open, s->pid, 0);

	if (held < 0)
		return;
	if (is_the_one(scratch, s))
		end_tree(scratch, s, held);
	close(held);
}

/* The processes that droverd knows, then whatever else carries the token of such a job. */
static void end_jobs(const struct deadline *d, const struct reading *r)
{
	struct text scratch = {0}, marks = {0};
	struct scoreboard_slot s;
	struct err err;

	for (uint32_t number = 1; number <= r->records; number++) {
		if (!read_record(d->board, r, number, &s))
			continue;
		end_process(&scratch, &s);
		text_addf(&marks, "DROVER_TOKEN=%s/%s", d->lease, s.token);
		text_add_char(&marks, '\0');
	}
	if (marks.len > 0 &&
		undertaker_end((struct span){marks.data, marks.len}, MARKS_PATIENCE_MS, &err) != 0)
		complain(&err);
	text_fini(&marks);
	text_fini(&scratch);
}

/* -- watching -------------------------------------------------------------------------------------- */

static int arm(const struct deadline *d, int64_t boot_ms)
{
	const struct itimerspec at = {.it_value = {boot_ms / 1000, boot_ms % 1000 * 1000000L}};

	return timerfd_settime(d->timer, TFD_TIMER_ABSTIME, &at, NULL);
}

/* Jobs that were ended are over, and for each new one droverd says so again. */
static void look(struct deadline *d)
{
	struct reading r;
	struct err err;

	if (read_board(d->board, &r, &err) != 0) {
		complain(&err);
		stop_watching(d);
	} else if (r.exclusive > 0 && r.now_boot_ms < r.deadline_boot_ms) {
		if (arm(d, r.deadline_boot_ms) == 0)
			return;
		err_errno(&err, "timerfd_settime");
		complain(&err);
		stop_watching(d);
	} else {
		if (r.exclusive > 0)
			end_jobs(d, &r);
		stop_watching(d);
	}
}

void deadline_watch(struct deadline *d, int board)
{
	struct err err;

	if (d->timer < 0)
		d->timer = timerfd_create(CLOCK_BOOTTIME, TFD_CLOEXEC | TFD_NONBLOCK);
	if (board < 0) {
		err_set(&err, "the scoreboard did not come through");
		complain(&err);
	} else if (d->timer < 0) {
		err_errno(&err, "timerfd");
		complain(&err);
		close(board);
	} else if (d->board >= 0) {
		close(board); /* the same: a lease has one, and the look at it is under way */
	} else {
		d->board = board;
		look(d);
	}
}

void deadline_wait(struct deadline *d, int fd)
{
	while (d->board >= 0) {
		struct pollfd p[] = {{d->timer, POLLIN, 0}, {fd, POLLIN, 0}};

		if (poll(p, 2, -1) < 0)
			continue;
		if (p[0].revents)
			look(d);
		if (p[1].revents)
			return;
	}
}

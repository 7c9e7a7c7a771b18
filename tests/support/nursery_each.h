/*
 * nursery_each: an `each` performed by a real nursery, droverd played by the test: a scoreboard of
 * one record, its orders, its marks. Built upon nursery_jobs, for the test programs of the nursery.
 */
#ifndef DROVER_TESTS_NURSERY_EACH_H
#define DROVER_TESTS_NURSERY_EACH_H

#include "support/nursery_jobs.h"

#include <linux/futex.h>
#include <sys/mman.h>

#include "wire/scoreboard.h"

enum { BOARD_RECORD = 2 };

/* The record, as droverd has it mapped. */
static struct {
	int fd;
	size_t page_bytes;
	struct scoreboard_slot *slot;
	struct scoreboard_mark *pages[2];
	uint32_t generation;
} board;

static inline void board_open(void)
{
	int64_t at;
	char *pages;

	board.page_bytes = (size_t)sysconf(_SC_PAGESIZE);
	board.generation = 7;
	board.fd = memfd_create("scoreboard", MFD_CLOEXEC);
	at = scoreboard_record_at((uint32_t)board.page_bytes, BOARD_RECORD);
	ck_assert_int_eq(ftruncate(board.fd, at + 3 * (off_t)board.page_bytes), 0);
	pages = mmap(NULL, 3 * board.page_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, board.fd, at);
	ck_assert(pages != MAP_FAILED);
	board.slot = (struct scoreboard_slot *)pages;
	board.pages[0] = (struct scoreboard_mark *)(pages + board.page_bytes);
	board.pages[1] = (struct scoreboard_mark *)(pages + 2 * board.page_bytes);
	board.slot->orders = (struct scoreboard_orders){.end = INT64_MAX, .granted = INT64_MAX};
}

/* Every change of the orders ends with this. */
static inline void board_turn(void)
{
	__atomic_add_fetch(&board.slot->orders.turn, 1, __ATOMIC_RELEASE);
	syscall(SYS_futex, &board.slot->orders.turn, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
}

static inline void board_stop(void)
{
	__atomic_store_n(&board.slot->orders.stop, SCOREBOARD_STOP, __ATOMIC_RELEASE);
	board_turn();
}

static inline void board_set_end(int64_t end)
{
	__atomic_store_n(&board.slot->orders.end, end, __ATOMIC_RELEASE);
	board_turn();
}

static inline void board_grant(int64_t granted)
{
	__atomic_store_n(&board.slot->orders.granted, granted, __ATOMIC_RELEASE);
	board_turn();
}

/* A later start in the same slot. */
static inline void board_renew(void)
{
	board.generation++;
	board.slot->orders = (struct scoreboard_orders){.end = INT64_MAX, .granted = INT64_MAX};
}

/* The newer whole mark; false: there is none, or both were being written while they were read. */
static inline bool board_mark(struct scoreboard_mark *out)
{
	bool found = false;

	for (int i = 0; i < 2; i++) {
		struct scoreboard_mark copy;

		memcpy(&copy, board.pages[i], sizeof copy);
		if (!scoreboard_mark_is_whole(&copy, board.generation))
			continue;
		if (!found || copy.sequence > out->sequence)
			*out = copy;
		found = true;
	}
	return found;
}

/* Of a child that is gone, or waits. */
static inline struct scoreboard_mark board_mark_now(void)
{
	struct scoreboard_mark mark = {0};

	ck_assert(board_mark(&mark));
	return mark;
}

static inline struct scoreboard_begun board_begun(void)
{
	return board.pages[0]->begun;
}

/* Waits until items up to `number` are passed. */
static inline void board_await(int64_t number)
{
	struct scoreboard_mark mark = {0};

	while (!board_mark(&mark) || mark.number < number)
		usleep(200);
	ck_assert_int_eq(mark.number, number);
}

static inline void board_says(int64_t number, int64_t done, int64_t errors, const char *cursor)
{
	struct scoreboard_mark mark = board_mark_now();

	ck_assert_int_eq(mark.number, number);
	ck_assert_int_eq(mark.done, done);
	ck_assert_int_eq(mark.errors, errors);
	ck_assert_span_eq(((struct span){mark.cursor, mark.cursor_len}), span_of(cursor));
}

/* -- the job ----------------------------------------------------------------------------------- */

/* Of numbers 1 to `last`, all else as a class without settings has it. */
static inline struct rig_each each_range(int64_t last)
{
	return (struct rig_each){
		.source = {.each = {.flags = JOB_EACH_FIRST,
				   .generation = board.generation,
				   .record = BOARD_RECORD,
				   .on_item_error = JOB_ITEM_STOP,
				   .from = JOB_NO_NUMBER,
				   .to = JOB_NO_NUMBER,
				   .limit = JOB_NO_NUMBER,
				   .batch = 1,
				   .max_item_errors = JOB_NO_NUMBER,
				   .max_items = JOB_NO_NUMBER,
				   .max_runtime_ms = JOB_NO_NUMBER,
				   .item_backoff = {.factor = 1}},
			.collection = {.kind = JOB_RANGE, .first = 1, .last = last, .step = 1}},
		.fds = {board.fd, -1}};
}

/* Goes on where the mark of the last start is. */
static inline void each_resume(struct rig_each *each)
{
	static struct scoreboard_mark mark;
	static char cursor[SCOREBOARD_CURSOR_MAX + 1];
	struct job_each *e = &each->source.each;

	mark = board_mark_now();
	memcpy(cursor, mark.cursor, mark.cursor_len);
	cursor[mark.cursor_len] = '\0';
	each->cursor = mark.cursor_len ? cursor : NULL;
	e->flags &= ~(uint32_t)JOB_EACH_FIRST;
	e->number = mark.number;
	e->done = mark.done;
	e->errors = mark.errors;
	board_renew();
	e->generation = board.generation;
}

static inline struct job_class_source each_function(const char *name)
{
	return (struct job_class_source){.limits = rig_limits(JOB_EACH), .function = name};
}

/* `script` is a filter in sh; it must live until the job is sent. */
static inline struct job_class_source each_filter(const char *script)
{
	static char *argv[] = {(char *)(uintptr_t) "sh", (char *)(uintptr_t) "-c", NULL, NULL};
	struct job_class_source c;

	argv[2] = (char *)(uintptr_t)script;
	c = command(argv);
	c.limits.handler = JOB_EACH;
	return c;
}

static inline struct rig_child each_begin(
	const struct job_class_source *c, const char *args, const struct rig_each *each)
{
	struct rig_child child = rig_spawn(&rig);

	ck_assert_int_gt(child.pid, 0);
	rig_send_each(child.socket, c, span_of(args), each);
	return child;
}

/* The child ends so, having printed and said so much more. */
static inline void each_ends(
	struct rig_child *child, int status, const char *output, const char *lines)
{
	struct rig_end end = rig_await(child);

	ck_assert_str_eq(end.lines.data, lines);
	ck_assert_str_eq(end.output.data, output);
	ck_assert_int_eq(rig_exit_status(&end), status);
	rig_end_fini(&end);
}

static inline void each_performs(const struct job_class_source *c, const struct rig_each *each,
	int status, const char *output, const char *lines)
{
	struct rig_child child = each_begin(c, "[]", each);

	each_ends(&child, status, output, lines);
}

/* The child's next line is this one; it is answered so. NULL: it is not. */
static inline void each_says(const struct rig_child *child, const char *line, const char *answer)
{
	ck_assert_str_eq(rig_line(child->socket), line);
	if (answer)
		ck_assert_int_eq(send(child->socket, answer, strlen(answer), MSG_NOSIGNAL),
			(ssize_t)strlen(answer));
}

/* Likewise, for a line that has a time in it: it begins so, up to "at". */
static inline void each_says_aside(
	const struct rig_child *child, const char *until_at, const char *answer)
{
	char line[300];
	const char *at, *said = rig_line(child->socket);

	snprintf(line, sizeof line, "%.*s", (int)sizeof line - 1, said);
	at = strstr(line, ",\"at\":\"");
	ck_assert_ptr_nonnull(at);
	ck_assert_int_eq(strlen(at), strlen(",\"at\":\"2026-11-21T19:26:23.123Z\"}\n"));
	line[at - line] = '\0';
	ck_assert_str_eq(line, until_at);
	ck_assert_int_eq(
		send(child->socket, answer, strlen(answer), MSG_NOSIGNAL), (ssize_t)strlen(answer));
}

static inline void each_open(void)
{
	board_open();
	start_module(NULL);
}

#endif

/* Tests of fleet/sharing: to which end did a child go, whatever became of the one it was offered? */
#include "supervisor/fleet/sharing.h"
#include "base/must.h"
#include "supervisor/job/slot.h"
#include "supervisor/state/scoreboard.h"
#include "support/suite.h"
#include "wire/scoreboard.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char folder_path[] = "/tmp/sharing_XXXXXX";
static struct scoreboard *board;
static struct slot slot;

/* One that runs part 1 of a run, up to item 100. */
static void set_up(void)
{
	static const struct scoreboard_orders orders = {.end = 100, .granted = INT64_MAX};
	struct err err;
	int folder;

	strcpy(folder_path, "/tmp/sharing_XXXXXX");
	must(mkdtemp(folder_path) != NULL);
	folder = open(folder_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	board = scoreboard_new(folder, "web:12:abcd", 15000, &err);
	ck_assert(board != NULL);
	close(folder);
	slot = (struct slot){
		.place = scoreboard_place(board, 1), .iteration = {.on = true, .end = 100}};
	scoreboard_given(slot.place, SPAN_LIT("main.1.1"), SPAN_LIT("r.p1"), false);
	scoreboard_iterates(slot.place, SPAN_LIT("r"), 1, &orders);
}

static void tear_down(void)
{
	char path[64];

	scoreboard_free(board);
	snprintf(path, sizeof path, "%s/" SCOREBOARD_FILE, folder_path);
	unlink(path);
	rmdir(folder_path);
}

/* As its child does, once it goes by an end. */
static void goes_by(int64_t end)
{
	struct scoreboard_mark *pages =
		(void *)((char *)slot.place.slot + slot.place.header->page_bytes);

	pages->begun.generation = slot.place.slot->generation;
	pages->begun.end = end;
}

static const struct {
	const char *what;
	int64_t offered, child, want;
} ENDS[] = {
	{"it never heard of any", 0, 0, 100},
	{"its own", 0, 100, 100},
	{"offered, and not heard of", 50, 100, 100},
	{"offered, and taken", 50, 50, 50},
	{"offered, and past it: where it was", 50, 53, 53},
	{"taken back, and it had ended where it was", 0, 53, 53},
};

START_TEST(test_ends)
{
	set_up();
	slot.iteration.offered = ENDS[_i].offered;
	if (ENDS[_i].child > 0)
		goes_by(ENDS[_i].child);
	sharing_note_end(&slot);
	ck_assert_msg(slot.iteration.end == ENDS[_i].want, "%s: %lld", ENDS[_i].what,
		(long long)slot.iteration.end);
	ck_assert_int_eq(slot.iteration.offered, 0);
	tear_down();
}
END_TEST

int main(void)
{
	TCase *tc;
	Suite *s = suite_with("sharing", &tc);

	tcase_add_loop_test(tc, test_ends, 0, COUNT(ENDS));
	return suite_run(s);
}

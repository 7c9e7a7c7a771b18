/* supervisor/said: what droverd keeps of the lines a job says. */
#include <string.h>
#include <unistd.h>

#include "supervisor/job/said.h"
#include "support/slot_fake.c"

static struct fake fake;
static struct slot_said *said;

static void start(void)
{
	fake_start(&fake);
	fake_reach(&fake, SLOT_RUNNING);
	said = &fake.slot->said;
}

static void stop(void)
{
	fake_stop(&fake);
}

static const struct {
	const char *line, *exception, *message, *backtrace;
	bool warned;
} ERRORS[] = {
	{"error {\"exception\":\"E\",\"message\":\"m\",\"backtrace\":[\"a\",\"b\"]}", "E", "m",
		"[\"a\",\"b\"]", false},
	{"error {}", "", "", "", false},
	{"error {\"exception\":7,\"message\":null,\"backtrace\":\"a\"}", "", "", "", false},
	{"error {\"exception\":\"\\u00fc\\\"\",\"backtrace\":[]}", "\xc3\xbc\"", "", "[]", false},
	{"error {\"backtrace\":[\"<\\\"\\n>\",1,null,{\"a\":[]},\"z\"]}", "", "",
		"[\"<\\\"\\n>\",\"?\",\"?\",\"?\",\"z\"]", false},
	{"error []", "", "", "", true},
	{"error {\"exception\":\"E\"", "", "", "", true},
	{"error {\"exception\":\"\xff\"}", "", "", "", true},
	{"error", "", "", "", true},
};

START_TEST(test_error)
{
	ck_assert(!said_read_line(fake.slot, span_of(ERRORS[_i].line)));
	ck_assert_span_eq(text_span(&said->exception), span_of(ERRORS[_i].exception));
	ck_assert_span_eq(text_span(&said->message), span_of(ERRORS[_i].message));
	ck_assert_span_eq(text_span(&said->backtrace_json), span_of(ERRORS[_i].backtrace));
	ck_assert_int_eq(said->warned, ERRORS[_i].warned);
}
END_TEST

START_TEST(test_a_nul_costs_nothing)
{
	said_read_line(fake.slot,
		SPAN_LIT("error {\"exception\":\"E\",\"message\":\"a\\u0000b\",\"n\":1e30}"));
	ck_assert_span_eq(text_span(&said->message), SPAN_LIT("a\0b"));
	ck_assert(!said->warned);
}
END_TEST

START_TEST(test_the_last_word_counts)
{
	said_read_line(fake.slot, SPAN_LIT("error {\"exception\":\"A\",\"message\":\"a\"}"));
	said_read_line(fake.slot, SPAN_LIT("error {\"exception\":\"B\"}"));
	ck_assert_span_eq(text_span(&said->exception), SPAN_LIT("B"));
	ck_assert_uint_eq(said->message.len, 0);
	said_read_line(fake.slot, SPAN_LIT("note one"));
	said_read_line(fake.slot, SPAN_LIT("note caf\xe9"));
	ck_assert_span_eq(text_span(&said->note), SPAN_LIT("caf\xef\xbf\xbd"));
	said_read_line(fake.slot, SPAN_LIT("result [1]"));
	said_read_line(fake.slot, SPAN_LIT("result {\"n\": 7.10}"));
	ck_assert_span_eq(text_span(&said->result), SPAN_LIT("{\"n\": 7.10}"));
	ck_assert_int_eq(said->progress_total, -1);
	said_read_line(fake.slot, SPAN_LIT("progress 3 10"));
	said_read_line(fake.slot, SPAN_LIT("progress 4"));
	ck_assert_int_eq(said->progress_done, 4);
	ck_assert_int_eq(said->progress_total, -1);
	ck_assert(!said->warned);
}
END_TEST

START_TEST(test_no_line_of_ours)
{
	static const char *const lines[] = {
		"", "hello", "cursor", "done", "done 0", "result {", "x"};

	for (size_t i = 0; i < COUNT(lines); i++) {
		said->warned = false;
		ck_assert(!said_read_line(fake.slot, span_of(lines[i])));
		ck_assert(said->warned);
		ck_assert(!said->done);
	}
}
END_TEST

START_TEST(test_done_of_a_reused_child)
{
	fake.slot->child_class = fake.slot->job->class;
	ck_assert(said_read_line(fake.slot, SPAN_LIT("done 7")));
	ck_assert(said->done);
	ck_assert_int_eq(said->done_status, 7);
}
END_TEST

/* What a child of this slot would read. */
static int connect_child(void)
{
	struct err err;
	int theirs[2];

	child_close(&fake.slot->child);
	ck_assert_int_eq(child_prepare(&fake.slot->child, 1, theirs, &err), 0);
	fake.slot->child.state = CHILD_BUSY;
	close(theirs[1]);
	return theirs[0];
}

START_TEST(test_a_cursor_is_answered)
{
	int fd = connect_child();
	char answer[16] = "";

	said_read_line(fake.slot, SPAN_LIT("cursor 12"));
	ck_assert_int_eq(read(fd, answer, sizeof answer), 3);
	ck_assert_str_eq(answer, "go\n");
	fake.slot->stop_asked = true;
	said_read_line(fake.slot, SPAN_LIT("cursor 13"));
	ck_assert_int_eq(read(fd, answer, sizeof answer), 5);
	ck_assert_mem_eq(answer, "stop\n", 5);
	close(fd);
	said_read_line(fake.slot, SPAN_LIT("cursor 14")); /* nobody reads: no matter */
}
END_TEST

START_TEST(test_forgotten_with_the_job)
{
	said_read_line(fake.slot, SPAN_LIT("error {\"exception\":\"E\",\"backtrace\":[]}"));
	said_read_line(fake.slot, SPAN_LIT("progress 3 10"));
	said_read_line(fake.slot, SPAN_LIT("nonsense"));
	fake.clears_at_once = true;
	fake_exit(&fake, 1, 0);
	slot_handle(fake.slot, SLOT_EV_CONFIRMED);
	ck_assert_uint_eq(said->exception.len + said->backtrace_json.len, 0);
	ck_assert_int_eq(said->progress_done, 0);
	ck_assert_int_eq(said->progress_total, -1);
	ck_assert(!said->warned);
	fake_say(&fake, "note late"); /* no job: nobody said it */
	ck_assert_uint_eq(said->note.len, 0);
}
END_TEST

int main(void)
{
	TCase *t;
	Suite *s = suite_with("said", &t);

	tcase_add_checked_fixture(t, start, stop);
	tcase_add_loop_test(t, test_error, 0, COUNT(ERRORS));
	tcase_add_test(t, test_a_nul_costs_nothing);
	tcase_add_test(t, test_the_last_word_counts);
	tcase_add_test(t, test_no_line_of_ours);
	tcase_add_test(t, test_done_of_a_reused_child);
	tcase_add_test(t, test_a_cursor_is_answered);
	tcase_add_test(t, test_forgotten_with_the_job);
	return suite_run(s);
}

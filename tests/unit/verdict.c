/* supervisor/verdict: what Redis is told of a job's end. */
#include <jansson.h>
#include <signal.h>
#include <string.h>

#include "supervisor/job/verdict.h"
#include "support/slot_fake.c"

static struct fake fake;

static void start(void)
{
	fake_start(&fake);
	fake.clears_at_once = true;
}

static void stop(void)
{
	fake_stop(&fake);
}

static void run(const char *payload)
{
	slot_take(fake.slot, fake_job(&fake, payload));
	if (fake.slot->state == SLOT_STARTING)
		slot_handle(fake.slot, SLOT_EV_GO);
	fake_hello(&fake, NURSERY_COMMANDS);
	ck_assert_int_eq(fake.slot->state, SLOT_RUNNING);
}

/* A member of the failure record that was sent, as a string. */
static const char *member(const char *name)
{
	static char last[2000];
	json_t *root = json_loadb(fake.text.data, fake.text.len, 0, NULL);
	json_t *value = json_object_get(root, name);
	char *dumped =
		json_is_string(value) ? NULL : json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);

	ck_assert_msg(value != NULL, "no %s in %s", name, fake.text.data);
	snprintf(last, sizeof last, "%s", dumped ? dumped : json_string_value(value));
	free(dumped);
	json_decref(root);
	return last;
}

START_TEST(test_done)
{
	run("{\"class\":\"Plain\"}");
	fake_exit(&fake, 0, 0);
	ck_assert_int_eq(fake.kind, VERDICT_DONE);
	ck_assert_str_eq(fake.text.data, "");
	ck_assert_str_eq(fake.record.data, ""); /* no run record is kept */
}
END_TEST

START_TEST(test_failed)
{
	run("{\"class\":\"Plain\",\"args\":[1]}");
	fake_print(&fake, "one\ncaf\xe9\n");
	fake_exit(&fake, 3, 0);
	ck_assert_int_eq(fake.kind, VERDICT_FAILED);
	ck_assert_str_eq(member("exception"), "Drover::ExitStatus");
	ck_assert_str_eq(member("error"), "exit status 3");
	ck_assert_str_eq(member("backtrace"), "[\"one\",\"caf\xef\xbf\xbd\"]");
	ck_assert_str_eq(member("payload"), "{\"class\":\"Plain\",\"args\":[1]}");
	ck_assert_str_eq(member("worker"), "host:1:low");
	ck_assert_str_eq(member("queue"), "low");
}
END_TEST

START_TEST(test_failed_in_its_own_words)
{
	run("{\"class\":\"Plain\"}");
	fake_print(&fake, "not this\n");
	fake_say(&fake,
		"error {\"exception\":\"Boom\",\"message\":\"boom\",\"backtrace\":[\"a:1\"]}");
	fake_exit(&fake, 1, 0);
	ck_assert_str_eq(member("exception"), "Boom");
	ck_assert_str_eq(member("error"), "boom");
	ck_assert_str_eq(member("backtrace"), "[\"a:1\"]");
}
END_TEST

START_TEST(test_dirty_exit)
{
	run("{\"class\":\"Plain\"}");
	fake_exit(&fake, 0, SIGKILL);
	ck_assert_str_eq(member("exception"), "Resque::DirtyExit");
	ck_assert_ptr_nonnull(strstr(member("error"), "SIGKILL (signal 9)"));
	ck_assert_str_eq(member("backtrace"), "[]");
}
END_TEST

/* -- what cannot be run ------------------------------------------------------------------------------ */

static const struct {
	const char *payload, *exception, *error, *kept;
} BAD[] = {
	{"no json", "Drover::BadPayload", "no JSON", "no json"},
	{"", "Drover::BadPayload", "no JSON", ""},
	{"[1]", "Drover::BadPayload", "not an object", "[1]"},
	{"{\"class\":\"Plain\",\"args\":{}}", "Drover::BadPayload", "args are not an array",
		"{\"class\":\"Plain\",\"args\":{}}"},
	{"caf\xe9", "Drover::BadPayload", "no JSON", "caf\xef\xbf\xbd"},
	{"{\"class\":\"Nobody\",\"args\":[]}", "Drover::UnknownClass", "the class Nobody",
		"{\"class\":\"Nobody\",\"args\":[]}"},
};

START_TEST(test_bad)
{
	slot_take(fake.slot, fake_job(&fake, BAD[_i].payload));
	ck_assert_int_eq(fake.slot->state, SLOT_VERDICT);
	ck_assert_int_eq(fake.kind, VERDICT_FAILED);
	ck_assert_str_eq(member("exception"), BAD[_i].exception);
	ck_assert_msg(strstr(member("error"), BAD[_i].error), "%s", member("error"));
	ck_assert_str_eq(member("payload"), BAD[_i].kept);
	ck_assert_str_eq(member("backtrace"), "[]");
}
END_TEST

/* -- what goes back ---------------------------------------------------------------------------------- */

START_TEST(test_interrupted)
{
	run("{\"class\":\"Plain\",\"args\":[7.10],\"x\":1}");
	slot_end(fake.slot, END_STOP, false);
	fake_exit(&fake, 0, SIGTERM);
	ck_assert_int_eq(fake.kind, VERDICT_HEAD);
	ck_assert_str_eq(fake.text.data,
		"{\"class\":\"Plain\",\"args\":[7.10],\"x\":1,\"jid\":\"j1\",\"drover\":"
		"{\"attempt\":1,\"interruptions\":1,\"origin\":\"resumed\"}}");
}
END_TEST

START_TEST(test_interrupted_at_most_once)
{
	run("{\"class\":\"Once\"}");
	slot_end(fake.slot, END_STOP, false);
	fake_exit(&fake, 0, SIGTERM);
	ck_assert_int_eq(fake.kind, VERDICT_FAILED);
	ck_assert_str_eq(member("exception"), "Drover::Interrupted");
}
END_TEST

START_TEST(test_payload_that_goes_back)
{
	static const struct {
		const char *payload;
		enum job_return why;
		const char *back;
	} rows[] = {
		{"{\"class\":\"A\",\"jid\":\"own\",\"drover\":{\"attempt\":2,\"interruptions\":3,"
		 "\"track\":true}}",
			JOB_INTERRUPTED,
			"{\"class\":\"A\",\"jid\":\"own\",\"drover\":{\"attempt\":2,"
			"\"interruptions\":4,\"origin\":\"resumed\",\"track\":true}}"},
		{"{\"class\":\"A\",\"drover\":{\"interruptions\":3,\"recoveries\":1}}",
			JOB_RECOVERED,
			"{\"class\":\"A\",\"jid\":\"j1\",\"drover\":{\"attempt\":1,"
			"\"interruptions\":3,\"recoveries\":2,\"origin\":\"recovered\","
			"\"lost_by\":\"host:1:low\"}}"},
		{"{\"class\":\"A\",\"drover\":{\"tick\":\"T\",\"origin\":\"scheduled\",\"x\":[1]}}",
			JOB_RETRIED,
			"{\"class\":\"A\",\"jid\":\"j1\",\"drover\":{\"attempt\":2,"
			"\"origin\":\"retry\",\"tick\":\"T\",\"x\":[1]}}"},
		{"no json", JOB_RECOVERED, "no json"}, /* not a byte is added to it */
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct job *j = fake_job(&fake, rows[i].payload);
		struct text out = {0};

		job_add_payload(&out, j, rows[i].why);
		ck_assert_str_eq(out.data, rows[i].back);
		text_fini(&out);
		job_free(j);
	}
}
END_TEST

START_TEST(test_retried)
{
	static const struct {
		const char *payload, *said;
		enum verdict_kind kind;
		int64_t delay_ms;
	} rows[] = {
		{"{\"class\":\"Retried\"}", NULL, VERDICT_LATER, 7000},
		{"{\"class\":\"Retried\",\"drover\":{\"attempt\":2}}", NULL, VERDICT_LATER, 14000},
		{"{\"class\":\"Retried\",\"drover\":{\"attempt\":2}}", "delay 250ms", VERDICT_LATER,
			250},
		{"{\"class\":\"Retried\",\"drover\":{\"attempt\":3}}", NULL, VERDICT_FAILED, 0},
		{"{\"class\":\"Plain\"}", "delay 1s", VERDICT_FAILED, 0},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		run(rows[i].payload);
		if (rows[i].said)
			fake_say(&fake, rows[i].said);
		fake_exit(&fake, 75, 0);
		ck_assert_int_eq(fake.kind, rows[i].kind);
		ck_assert_int_eq(fake.delay_ms, rows[i].delay_ms);
		slot_handle(fake.slot, SLOT_EV_CONFIRMED);
	}
}
END_TEST

START_TEST(test_worn_out)
{
	slot_take(fake.slot, fake_job(&fake, "{\"class\":\"Plain\",\"drover\":{\"recoveries\":4,"
					     "\"lost_by\":\"web1.2:77:q\"}}"));
	ck_assert_int_eq(fake.kind, VERDICT_FAILED);
	ck_assert_str_eq(member("exception"), "Drover::TooManyRecoveries");
	ck_assert_str_eq(member("error"),
		"its supervisor was lost 4 times while it was in hand, max_recoveries is 3; "
		"the last time with worker web1.2:77:q");
}
END_TEST

START_TEST(test_cancelled_before_it_began)
{
	slot_take(fake.slot, fake_job(&fake, "{\"class\":\"Plain\",\"jid\":\"unwanted\"}"));
	ck_assert_int_eq(fake.slot->state, SLOT_VERDICT);
	ck_assert_int_eq(fake.kind, VERDICT_CANCELLED);
}
END_TEST

START_TEST(test_cancelled_while_it_ran)
{
	run("{\"class\":\"Retried\"}");
	slot_end(fake.slot, END_CANCEL, false);
	fake_exit(&fake, 0, SIGTERM);
	ck_assert_int_eq(fake.kind, VERDICT_CANCELLED);
}
END_TEST

/* -- run records ------------------------------------------------------------------------------------- */

static const struct {
	int code;
	enum end_reason reason;
	const char *holds[5], *lacks;
} RECORDS[] = {
	{0, END_NONE,
		{"\"what\":\"done\",\"attempt\":1,\"worker\":\"host:1:low\"} state=done "
		 "ended_at=20",
			"result=[1] ", "note=well ", "progress_done=3 ", "progress_total=10 "},
		"exception"},
	{2, END_NONE,
		{"state=failed ", "ended_at=20", "exception=Drover::ExitStatus ",
			"error=exit status 2 "},
		"queued"},
	{2, END_STOP, {"state=queued ", "progress_done=3 "}, "ended_at"},
};

START_TEST(test_record)
{
	run("{\"class\":\"Tracked\"}");
	fake_say(&fake, "result [1]");
	fake_say(&fake, "note well");
	fake_say(&fake, "progress 3 10");
	if (RECORDS[_i].reason)
		slot_end(fake.slot, RECORDS[_i].reason, false);
	fake_exit(&fake, RECORDS[_i].code, 0);
	for (size_t i = 0; i < COUNT(RECORDS[_i].holds) && RECORDS[_i].holds[i]; i++)
		ck_assert_msg(strstr(fake.record.data, RECORDS[_i].holds[i]), "%s in %s",
			RECORDS[_i].holds[i], fake.record.data);
	ck_assert_ptr_null(strstr(fake.record.data, RECORDS[_i].lacks));
}
END_TEST

START_TEST(test_record_without_a_total)
{
	run("{\"class\":\"Plain\",\"drover\":{\"track\":true}}");
	fake_say(&fake, "progress 3");
	fake_exit(&fake, 0, 0);
	ck_assert_ptr_nonnull(strstr(fake.record.data, "progress_done=3 "));
	ck_assert_ptr_null(strstr(fake.record.data, "progress_total"));
}
END_TEST

int main(void)
{
	TCase *t;
	Suite *s = suite_with("verdict", &t);

	tcase_add_checked_fixture(t, start, stop);
	tcase_add_test(t, test_done);
	tcase_add_test(t, test_failed);
	tcase_add_test(t, test_failed_in_its_own_words);
	tcase_add_test(t, test_dirty_exit);
	tcase_add_loop_test(t, test_bad, 0, COUNT(BAD));
	tcase_add_test(t, test_interrupted);
	tcase_add_test(t, test_interrupted_at_most_once);
	tcase_add_test(t, test_payload_that_goes_back);
	tcase_add_test(t, test_retried);
	tcase_add_test(t, test_worn_out);
	tcase_add_test(t, test_cancelled_before_it_began);
	tcase_add_test(t, test_cancelled_while_it_ran);
	tcase_add_loop_test(t, test_record, 0, COUNT(RECORDS));
	tcase_add_test(t, test_record_without_a_total);
	return suite_run(s);
}

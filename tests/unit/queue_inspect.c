/* Tests of what queue/inspect, queue/failed and queue/enqueue decide without a Redis. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "queue/audit.h"
#include "queue/enqueue.h"
#include "queue/failed.h"
#include "queue/inspect.h"
#include "queue/waiting.h"

START_TEST(test_pool_of_a_token)
{
	ck_assert(span_is(inspect_pool(SPAN_LIT("main.12.3")), "main"));
	ck_assert(span_is(inspect_pool(SPAN_LIT("web.1.12.3")), "web.1"));
	ck_assert(span_is(inspect_pool(SPAN_LIT("main~1.12.3")), "main"));
	ck_assert(span_is(inspect_pool(SPAN_LIT("a~b.c~10.12.3")), "a~b.c"));
	ck_assert_uint_eq(inspect_pool(SPAN_LIT("~1.12.3")).len, 0);
	ck_assert_uint_eq(inspect_pool(SPAN_LIT("12.3")).len, 0);
	ck_assert_uint_eq(inspect_pool(SPAN_LIT("3")).len, 0);
	ck_assert_uint_eq(inspect_pool(SPAN_LIT("")).len, 0);
}
END_TEST

START_TEST(test_pid_of_a_worker)
{
	struct span pids = SPAN_LIT("h.1:7:a=100 h.1:7:a,b=200 h.11:7:a=300");

	ck_assert_int_eq(inspect_find_pid(pids, SPAN_LIT("h.1:7:a")), 100);
	ck_assert_int_eq(inspect_find_pid(pids, SPAN_LIT("h.1:7:a,b")), 200);
	ck_assert_int_eq(inspect_find_pid(pids, SPAN_LIT("h.11:7:a")), 300);
	ck_assert_int_eq(inspect_find_pid(pids, SPAN_LIT("h.2:7:a")), -1);
	ck_assert_int_eq(inspect_find_pid(SPAN_LIT(""), SPAN_LIT("h.2:7:a")), -1);
	ck_assert_int_eq(inspect_find_pid(SPAN_LIT("x=1 y"), SPAN_LIT("y")), -1);
}
END_TEST

static void expect_text(const struct text *got, const char *want)
{
	ck_assert_str_eq(got->data ? got->data : "", want);
}

START_TEST(test_record_of_a_job)
{
	struct failed_record r;
	struct span bytes = SPAN_LIT(
		"{\"failed_at\":\"2026/11/21 14:28:10 UTC\",\"payload\":{\"class\":\"A\\u0042\","
		"\"args\":[1.10],\"jid\":\"j1\"},\"exception\":\"E\",\"error\":\"a \\\"b\\\"\","
		"\"backtrace\":[\"x\"],\"worker\":\"w\",\"queue\":\"q\",\"more\":1}");

	ck_assert_int_eq(failed_read(&r, bytes), 0);
	ck_assert(r.is_job);
	expect_text(&r.class_name, "AB");
	expect_text(&r.jid, "j1");
	expect_text(&r.error, "a \"b\"");
	expect_text(&r.queue, "q");
	ck_assert(span_is(r.args, "[1.10]"));
	ck_assert(span_is(r.backtrace, "[\"x\"]"));
	failed_fini(&r);
}
END_TEST

START_TEST(test_record_without_a_job)
{
	static const char *const bytes[] = {"{}", "{\"payload\":null}", "{\"payload\":\"junk\"}",
		"{\"payload\":{\"class\":7}}", "{\"error\":7,\"queue\":[]}"};

	for (size_t i = 0; i < sizeof bytes / sizeof *bytes; i++) {
		struct failed_record r;

		ck_assert_int_eq(failed_read(&r, span_of(bytes[i])), 0);
		ck_assert(!r.is_job);
		expect_text(&r.queue, "");
		failed_fini(&r);
	}
}
END_TEST

START_TEST(test_no_record)
{
	static const char *const bytes[] = {"", "[]", "null", "\"x\"", "{\"a\":", "junk", "\xff"};
	struct failed_record r;

	for (size_t i = 0; i < sizeof bytes / sizeof *bytes; i++)
		ck_assert_int_eq(failed_read(&r, span_of(bytes[i])), -1);
}
END_TEST

START_TEST(test_what_can_be_enqueued)
{
	static const struct {
		const char *queue, *class_name, *args;
		int rc;
	} cases[] = {{"q", "C", "[]", 0}, {"q", "C", " [1] ", 0}, {"", "C", "[]", -1},
		{"q", "", "[]", -1}, {"q", "C", "{}", -1}, {"q", "C", "[", -1}, {"q", "C", "", -1},
		{"q\n", "C", "[]", -1}, {"q", "C\xff", "[]", -1}, {"f\xc3\xa4hre", "C", "[]", 0}};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct enqueue e = {.queue = span_of(cases[i].queue),
			.class_name = span_of(cases[i].class_name),
			.args = span_of(cases[i].args)};
		struct err err = {0};

		ck_assert_int_eq(enqueue_check(&e, &err), cases[i].rc);
		ck_assert((cases[i].rc < 0) == (err.text[0] != '\0'));
	}
}
END_TEST

START_TEST(test_numbers)
{
	ck_assert_int_eq(ask_to_number(SPAN_LIT("42"), -1), 42);
	ck_assert_int_eq(ask_to_number(SPAN_LIT(""), -1), -1);
	ck_assert_int_eq(ask_to_number(SPAN_LIT("-1"), 7), 7);
	ck_assert_int_eq(ask_to_number(SPAN_LIT("1e3"), 7), 7);
	ck_assert_int_eq(ask_to_number(SPAN_LIT("1234567890123456789"), 7), 7);
}
END_TEST

START_TEST(test_what_is_delayed)
{
	struct waiting w;

	ck_assert(waiting_read_delayed(&w, SPAN_LIT("retry 4 a b  {\"class\":\"A\"}")));
	ck_assert(span_is(w.why, "retry"));
	ck_assert(span_is(w.queue, "a b "));
	ck_assert(span_is(w.payload, "{\"class\":\"A\"}"));
	ck_assert(waiting_read_parked(&w, SPAN_LIT("0  {}")));
	ck_assert_uint_eq(w.queue.len, 0);
	ck_assert(span_is(w.payload, "{}"));
	ck_assert_str_eq(waiting_state(SPAN_LIT("retry")), "retrying");
	ck_assert_str_eq(waiting_state(SPAN_LIT("interrupted")), "interrupted");
	ck_assert_str_eq(waiting_state(SPAN_LIT("spawn")), "delayed");
}
END_TEST

START_TEST(test_what_is_not)
{
	static const char *const texts[] = {"", "retry", "retry ", "retry 3", "retry 3 ab",
		"retry 3 abc", "retry x abc {}", "retry -1 a", "retry 3 abcd {}",
		"retry 99999999999999999999 a b"};
	struct waiting w;

	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		ck_assert_msg(!waiting_read_delayed(&w, span_of(texts[i])), "%s", texts[i]);
}
END_TEST

START_TEST(test_names_of_the_delayed)
{
	char a[WAITING_ID_SIZE], b[WAITING_ID_SIZE];
	struct span long_second = SPAN_LIT("123456789012345678901234567890");

	ck_assert(span_is(waiting_jid(SPAN_LIT("j1/2")), "j1"));
	ck_assert(span_is(waiting_jid(SPAN_LIT("j1")), "j1"));
	waiting_foreign_id(SPAN_LIT("1893456000"), SPAN_LIT("{}"), a);
	waiting_foreign_id(SPAN_LIT("1893456000"), SPAN_LIT("{ }"), b);
	ck_assert_str_ne(a, b);
	ck_assert(span_is(waiting_foreign_second(span_of(a)), "1893456000"));
	ck_assert_uint_eq(waiting_foreign_second(SPAN_LIT("1893456000.x")).len, 0);
	ck_assert_uint_eq(waiting_foreign_second(SPAN_LIT("j1")).len, 0);
	ck_assert_uint_lt(strlen(waiting_foreign_id(long_second, SPAN_LIT("{}"), a)), sizeof a);
}
END_TEST

START_TEST(test_entry_of_an_audit)
{
	struct text entry = {0};

	audit_write(&entry, 1795289183123, "enqueued", NULL, NULL);
	expect_text(&entry, "{\"at\":\"2026-11-21T19:26:23.123Z\",\"what\":\"enqueued\"}");
	text_clear(&entry);
	audit_write(&entry, 1795289183123, "cancelled", "a \"b\"", NULL);
	expect_text(&entry, "{\"at\":\"2026-11-21T19:26:23.123Z\",\"what\":\"cancelled\","
			    "\"detail\":\"a \\\"b\\\"\"}");
	text_fini(&entry);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("queue_inspect");
	TCase *tc = tcase_create("all");
	SRunner *runner;
	int failed;

	tcase_add_test(tc, test_pool_of_a_token);
	tcase_add_test(tc, test_pid_of_a_worker);
	tcase_add_test(tc, test_record_of_a_job);
	tcase_add_test(tc, test_record_without_a_job);
	tcase_add_test(tc, test_no_record);
	tcase_add_test(tc, test_what_can_be_enqueued);
	tcase_add_test(tc, test_numbers);
	tcase_add_test(tc, test_what_is_delayed);
	tcase_add_test(tc, test_what_is_not);
	tcase_add_test(tc, test_names_of_the_delayed);
	tcase_add_test(tc, test_entry_of_an_audit);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

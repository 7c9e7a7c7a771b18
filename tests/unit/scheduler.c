/* supervisor/scheduler: items of resque-scheduler's layout. */
#include "supervisor/standing/scheduler.h"
#include "support/suite.h"

static const struct {
	const char *item, *queue, *payload; /* payload NULL: it is no job */
} ROWS[] = {
	{"{\"class\":\"A\",\"args\":[1],\"queue\":\"default\"}", "default",
		"{\"class\":\"A\",\"args\":[1]}"},
	{"{\"queue\":\"q\",\"class\":\"A\"}", "q", "{\"class\":\"A\"}"},
	{" { \"class\" : \"A\" , \"x\":[1.50, 1e400], \"queue\" : \"\\u00e9\" } ", "\xc3\xa9",
		"{\"class\":\"A\",\"x\":[1.50, 1e400]}"},
	{"{\"class\":\"A\",\"args\":[]}", "", NULL},
	{"{\"class\":\"A\",\"queue\":\"\"}", "", NULL},
	{"{\"class\":\"A\",\"queue\":7}", "", NULL},
	{"{\"queue\":\"q\"}", "", NULL},
	{"{\"class\":\"A\",\"queue\":\"q\"", "", NULL},
	{"[1]", "", NULL},
	{"", "", NULL},
};

START_TEST(test_item)
{
	struct text queue = {0}, payload = {0};
	struct err err;
	int rc = scheduler_read_item(span_of(ROWS[_i].item), &queue, &payload, &err);

	ck_assert_int_eq(rc, ROWS[_i].payload ? 0 : -1);
	if (rc == 0) {
		ck_assert_str_eq(queue.data, ROWS[_i].queue);
		ck_assert_str_eq(payload.data, ROWS[_i].payload);
	} else {
		ck_assert_uint_gt(strlen(err.text), 0);
	}
	text_fini(&queue);
	text_fini(&payload);
}
END_TEST

int main(void)
{
	TCase *t;
	Suite *s = suite_with("scheduler", &t);

	tcase_add_loop_test(t, test_item, 0, COUNT(ROWS));
	return suite_run(s);
}

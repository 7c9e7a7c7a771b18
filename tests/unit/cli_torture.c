/* The judge of drover torture: what is excused, and by which fault. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/torture/torture_config.c"
#include "cli/torture/torture_items.c"
#include "cli/torture/torture_ledger.c"
#include "support/suite.h"

/* Two supervisors: 11 (a) and 22 (b). */
#define A " 1.1.1 a:11:ff "
#define B " 2.1.1 b:22:ee "

static const struct {
	const char *what, *lines;
	struct torture_fault fault; /* pid 0: none */
	struct torture_count want;
} cases[] = {
	{"none ran", "", {0}, {2, 0, 2, 0, 0, 0, 0}},
	{"each ran once",
		"begin x" A "5 100 0\nbegin y" B "6 101 0\nend x" A "5 110 0\nend y" B "6 110 0\n",
		{0}, {2, 2, 0, 0, 0, 0, 0}},
	{"one began and never ended", "begin x" A "5 100 0\n", {0}, {2, 0, 2, 0, 0, 0, 0}},
	{"a line being written is none", "begin x" A "5 100 0\nend x" A "5 110 0", {0},
		{2, 0, 2, 0, 0, 0, 0}},
	{"again without a reason",
		"begin x" A "5 100 0\nend x" A "5 110 0\nbegin x" B "6 120 0\nend x" B "6 130 0\n",
		{0}, {2, 1, 1, 1, 1, 0, 1}},
	{"again, for its supervisor was killed",
		"begin x" A "5 100 0\nbegin x" B "6 120 0\nend x" B "6 130 0\n",
		{TORTURE_SUPERVISOR, 11, 110, 110}, {2, 1, 1, 1, 0, 0, 0}},
	{"again, for it was killed",
		"begin x" A "5 100 0\nbegin x" B "6 120 0\nend x" B "6 130 0\n",
		{TORTURE_CHILD, 5, 110, 110}, {2, 1, 1, 1, 0, 0, 0}},
	{"a nursery's death excuses nothing",
		"begin x" A "5 100 0\nbegin x" B "6 120 0\nend x" B "6 130 0\n",
		{TORTURE_NURSERY, 11, 110, 110}, {2, 1, 1, 1, 0, 0, 1}},
	{"nor does a fault of the other one",
		"begin x" A "5 100 0\nbegin x" B "6 120 0\nend x" B "6 130 0\n",
		{TORTURE_SUPERVISOR, 22, 110, 110}, {2, 1, 1, 1, 0, 0, 1}},
	{"nor one that came later", "begin x" A "5 100 0\nbegin x" B "6 120 0\nend x" B "6 130 0\n",
		{TORTURE_SUPERVISOR, 11, 125, 125}, {2, 1, 1, 1, 0, 0, 1}},
	{"beside itself, for the lease was lost",
		"begin x" A "5 100 0\nbeside x" B "6 120 5\nend x" B "6 130 0\n",
		{TORTURE_STOP, 11, 90, 200}, {2, 1, 1, 1, 0, 1, 0}},
	{"again, by one that had lost it and did not know",
		"begin x" A "5 100 0\nend x" A "5 110 0\nbegin x" B "6 120 0\nend x" B "6 130 0\n",
		{TORTURE_STOP, 22, 90, 200}, {2, 1, 1, 1, 1, 0, 0}},
	{"beside itself, and only a supervisor was killed",
		"begin x" A "5 100 0\nbeside x" B "6 120 5\nend x" B "6 130 0\n",
		{TORTURE_SUPERVISOR, 11, 110, 110}, {2, 1, 1, 1, 0, 1, 1}},
};

START_TEST(judges)
{
	char x[] = "x", y[] = "y", *jids[] = {x, y};
	struct torture_ledger ledger = {0};
	struct torture_count got;

	torture_ledger_read(&ledger, span_of(cases[_i].lines));
	torture_ledger_judge(&ledger, jids, 2, &cases[_i].fault, cases[_i].fault.pid != 0, &got);
	ck_assert_msg(memcmp(&got, &cases[_i].want, sizeof got) == 0,
		"%s: done %zu lost %zu again %zu twice %zu beside %zu unexcused %zu",
		cases[_i].what, got.done, got.lost, got.again, got.twice, got.beside,
		got.unexcused);
	torture_ledger_fini(&ledger);
}
END_TEST

START_TEST(the_configuration_is_one)
{
	struct text faults = {0}, out = {0};
	struct conf *conf = conf_new_default();
	char path[] = "/tmp/cli_torture_XXXXXX";
	FILE *file = fdopen(mkstemp(path), "w");
	struct conf *read;

	torture_config_add(&out, &(struct torture_setup){.conf = conf,
					 .url = "redis://:a\"b@127.0.0.1:1/0",
					 .space = "drover-torture-00",
					 .state_dir = "/tmp/s",
					 .name = "t1",
					 .self = "/usr/bin/drover",
					 .ledger = "/tmp/l",
					 .items = "/tmp/i",
					 .item_ms = 4,
					 .n_items = 200,
					 .work_ms = 20});
	fwrite(out.data, 1, out.len, file);
	fclose(file);
	read = conf_load(path, &faults);
	unlink(path);
	ck_assert_msg(read != NULL, "%s\n%s", faults.data, out.data);
	ck_assert_str_eq(read->redis.url, "redis://:a\"b@127.0.0.1:1/0");
	ck_assert_str_eq(read->redis.prefix, "drover-torture-00:");
	ck_assert_int_eq(read->supervisor.lease_ms, conf->supervisor.lease_ms);
	ck_assert_int_eq(read->pools[0].workers, TORTURE_WORKERS);
	text_fini(&faults);
	text_fini(&out);
	conf_unref(conf);
	conf_unref(read);
}
END_TEST

START_TEST(items_are_counted)
{
	struct torture_items_count c;
	struct text lines = {0};

	torture_items_judge(SPAN_LIT(""), 0, &c);
	ck_assert_uint_eq(c.missing, 0);
	for (int n = 1; n <= TORTURE_ITEMS; n++)
		text_addf(&lines, "r0%s %d\n", n % 2 ? ".p101" : "", n);
	text_add_str(
		&lines, "r1 7\nr1.p1 7\nr1 0\nr1 201\nr2 1\nx1 1\nr 1\nr1x 1\nr1 1x\nr1\n\nr1 9");
	torture_items_judge((struct span){lines.data, lines.len}, 2, &c);
	ck_assert_uint_eq(c.missing, TORTURE_ITEMS - 1);
	ck_assert_uint_eq(c.again, 1);
	text_fini(&lines);
}
END_TEST

int main(void)
{
	TCase *tc;
	Suite *s = suite_with("cli_torture", &tc);

	tcase_add_loop_test(tc, judges, 0, COUNT(cases));
	tcase_add_test(tc, the_configuration_is_one);
	tcase_add_test(tc, items_are_counted);
	return suite_run(s);
}

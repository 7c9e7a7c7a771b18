/* supervisor/output: the tail that is kept, and the lines that go into the log. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "supervisor/job/output.h"
#include "support/suite.h"

#define JID SPAN_LIT("j1")

static FILE *logged;

/* The log goes to standard error; here, to a file. */
static void catch_log(void)
{
	logged = tmpfile();
	ck_assert_ptr_nonnull(logged);
	fflush(stderr);
	ck_assert_int_ge(dup2(fileno(logged), STDERR_FILENO), 0);
	log_init(LOG_INFO, LOG_LOGFMT);
}

static int count_in_log(const char *word)
{
	char line[16384];
	int n = 0;

	log_drain(1000);
	rewind(logged);
	while (fgets(line, sizeof line, logged))
		n += strstr(line, word) != NULL;
	return n;
}

static void add(struct output *o, const char *s, size_t keep, int64_t now_ms)
{
	output_add(o, span_of(s), keep, JID, now_ms);
}

START_TEST(test_lines_are_put_together)
{
	struct output o = {0};

	add(&o, "one\ntw", 100, 0);
	ck_assert_int_eq(count_in_log("line=one"), 1);
	ck_assert_int_eq(count_in_log("line=tw"), 0);
	add(&o, "o\n\nlast", 100, 0);
	ck_assert_int_eq(count_in_log("line=two"), 1);
	output_end(&o, JID);
	ck_assert_int_eq(count_in_log("line=last"), 1);
	ck_assert_int_eq(count_in_log("event=job.output "), 4);
	ck_assert_int_eq(count_in_log("jid=j1"), 4);
	output_fini(&o);
}
END_TEST

START_TEST(test_a_line_without_end_does_not_grow_for_ever)
{
	struct output o = {0};
	char part[4000];

	memset(part, 'x', sizeof part);
	for (int i = 0; i < 20; i++) {
		output_add(&o, (struct span){part, sizeof part}, 0, JID, 0);
		ck_assert_uint_le(o.partial.len, 8192);
	}
	ck_assert_uint_eq(o.tail.len, 0);
	output_fini(&o);
}
END_TEST

START_TEST(test_so_many_lines_a_second)
{
	struct output o = {0};

	for (int i = 0; i < 250; i++)
		add(&o, "a\n", 0, 5000 + i);
	ck_assert_int_eq(count_in_log("line=a"), 100);
	add(&o, "b\n", 0, 6000);
	ck_assert_int_eq(count_in_log("line=b"), 1);
	output_end(&o, JID);
	ck_assert_int_eq(count_in_log("event=job.output_suppressed jid=j1 lines=150"), 1);
	output_end(&o, JID);
	ck_assert_int_eq(count_in_log("output_suppressed"), 1);
	output_fini(&o);
}
END_TEST

START_TEST(test_nothing_is_logged_where_it_is_not_wanted)
{
	struct output o = {0};

	log_init(LOG_WARN, LOG_LOGFMT);
	add(&o, "one\ntwo", 100, 0);
	output_end(&o, JID);
	ck_assert_int_eq(count_in_log("job.output"), 0);
	ck_assert_span_eq(output_tail(&o, 100), SPAN_LIT("one\ntwo"));
	output_fini(&o);
}
END_TEST

static const struct {
	const char *printed;
	size_t keep;
	const char *tail;
} TAILS[] = {
	{"", 10, ""},
	{"one\ntwo\n", 100, "one\ntwo\n"},
	{"one\ntwo\n", 8, "one\ntwo\n"},
	{"one\ntwo\n", 7, "two\n"},
	{"one\ntwo\nthree\n", 9, "three\n"},
	{"abcdefgh", 3, "fgh"},	   /* no line begins in it */
	{"abcdefgh\n", 3, "gh\n"}, /* none that holds something */
	{"one\ntwo", 0, ""},
};

START_TEST(test_tail)
{
	struct output o = {0};

	/* at once, and byte by byte: what is kept does not depend on how it came */
	add(&o, TAILS[_i].printed, TAILS[_i].keep, 0);
	ck_assert_span_eq(output_tail(&o, TAILS[_i].keep), span_of(TAILS[_i].tail));
	output_fini(&o);
	for (const char *c = TAILS[_i].printed; *c; c++) {
		output_add(&o, (struct span){c, 1}, TAILS[_i].keep, JID, 0);
		ck_assert_uint_le(o.tail.len, 2 * TAILS[_i].keep + 1);
	}
	ck_assert_span_eq(output_tail(&o, TAILS[_i].keep), span_of(TAILS[_i].tail));
	output_fini(&o);
}
END_TEST

/* However many were printed since they were taken last, it is the last ones that are kept. */
START_TEST(test_lines_for_the_log_of_a_run)
{
	static const size_t PRINTED[] = {0, 1, OUTPUT_KEPT_MAX, OUTPUT_KEPT_MAX + 1,
		2 * OUTPUT_KEPT_MAX, 2 * OUTPUT_KEPT_MAX + 1, 7 * OUTPUT_KEPT_MAX + 3};
	struct output o = {.keeps = true};
	size_t printed = PRINTED[_i], n, first;
	struct text kept;
	char line[32];

	for (size_t i = 0; i < printed; i++) {
		snprintf(line, sizeof line, "line %zu\n", i);
		add(&o, line, 0, 0);
	}
	kept = output_take_kept(&o, &n);
	first = printed > OUTPUT_KEPT_MAX ? printed - OUTPUT_KEPT_MAX : 0;
	ck_assert_uint_eq(n, printed - first);
	if (printed > 0) {
		snprintf(line, sizeof line, "line %zu\n", first);
		ck_assert_int_eq(strncmp(kept.data, line, strlen(line)), 0);
		snprintf(line, sizeof line, "line %zu\n", printed - 1);
		ck_assert_str_eq(kept.data + kept.len - strlen(line), line);
	}
	text_fini(&kept);
	output_fini(&o);
}
END_TEST

int main(void)
{
	TCase *t;
	Suite *s = suite_with("output", &t);

	tcase_add_checked_fixture(t, catch_log, NULL);
	tcase_add_test(t, test_lines_are_put_together);
	tcase_add_test(t, test_a_line_without_end_does_not_grow_for_ever);
	tcase_add_test(t, test_so_many_lines_a_second);
	tcase_add_test(t, test_nothing_is_logged_where_it_is_not_wanted);
	tcase_add_loop_test(t, test_tail, 0, COUNT(TAILS));
	tcase_add_loop_test(t, test_lines_for_the_log_of_a_run, 0, 7);
	return suite_run(s);
}

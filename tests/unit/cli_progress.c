/* Tests of cli/progress and cli/jobs_each: what is said of a run while it goes on. */
#include <check.h>
#include <string.h>

#include "cli/doc.c"
#include "cli/show.c"
#include "cli/table.c"
#include "cli/jobs_each.c"
#include "cli/progress.c"
#include "support/suite.h"

/* What they want of files that are not under test. */
struct span cli_span(struct drover_text t)
{
	return (struct span){t.at, t.len};
}

void cli_add_table(struct cli *cli, struct table *table)
{
	table_print(table, &cli->out, 0, false);
	table_fini(table);
}

void jobs_add_line(struct text *out, const char *name, struct span value)
{
	if (value.len)
		text_addf(out, "%s=%.*s;", name, (int)value.len, value.at);
}

void jobs_add_number(struct text *out, const char *name, long long n)
{
	if (n >= 0)
		text_addf(out, "%s=%lld;", name, n);
}

#define TEXT(s)                    \
	{                          \
		(s), sizeof(s) - 1 \
	}

static struct drover_job_info job(long long done, long long errors, long long total)
{
	return (struct drover_job_info){.jid = TEXT("r"),
		.state = TEXT("running"),
		.each = true,
		.done = done,
		.errors = errors,
		.total = total,
		.speed = -1,
		.eta_ms = -1,
		.pause_ms = -1};
}

static void expect(struct text *got, const char *want)
{
	ck_assert_str_eq(got->data ? got->data : "", want);
	text_fini(got);
}

START_TEST(test_progress)
{
	static const struct {
		long long done, errors, total;
		const char *words;
	} cases[] = {{0, 0, -1, "0"}, {7, 0, -1, "7"}, {0, 0, 10, "0 of 10 (0 %)"},
		{5, 1, 10, "5 of 10 (60 %)"}, {9, 1, 10, "9 of 10 (100 %)"},
		{999, 0, 1000, "999 of 1000 (99 %)"}, {0, 0, 0, "0 of 0"},
		{12, 0, 10, "12 of 10 (100 %)"}, {3, -1, 4, "3 of 4 (75 %)"}, {-1, 0, 4, ""}};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct drover_job_info j = job(cases[i].done, cases[i].errors, cases[i].total);
		struct text out = {0};

		jobs_say_progress(&out, &j);
		expect(&out, cases[i].words);
	}
}
END_TEST

START_TEST(test_line)
{
	struct drover_job_info j = job(30, 3, 100);
	struct text out = {0};

	j.speed = 12.54;
	j.eta_ms = 125000;
	progress_write(&out, &j, 10);
	expect(&out, "[###.......] 30 of 100 (33 %), 12.5/s, about 2m 5s left, 3 failed");
	j = job(0, 0, -1);
	j.state = (struct drover_text)TEXT("paused");
	j.reason = (struct drover_text)TEXT("disk\x1b[1m");
	j.note = (struct drover_text)TEXT("page 3");
	progress_write(&out, &j, 10);
	expect(&out, "0, paused: disk\\x1b[1m, page 3");
	j = job(200, 0, 100);
	progress_write(&out, &j, 4);
	expect(&out, "[####] 200 of 100 (100 %)");
}
END_TEST

START_TEST(test_a_cut_line_keeps_its_characters)
{
	struct text line = {0};

	text_add_str(&line, "a\xc3\xa9\xe2\x82\xac\xff"
			    "b");
	ck_assert_uint_eq(fit(&line, 0), 8);
	ck_assert_uint_eq(fit(&line, 1), 0);
	ck_assert_uint_eq(fit(&line, 3), 3);
	ck_assert_uint_eq(fit(&line, 4), 6);
	ck_assert_uint_eq(fit(&line, 80), 8);
	text_fini(&line);
}
END_TEST

START_TEST(test_document)
{
	struct drover_part parts[] = {{.part = 2,
		.state = TEXT("paused"),
		.first = 10,
		.end = 20,
		.number = 15,
		.cursor = TEXT("c\xff"),
		.done = 5,
		.errors = 0,
		.speed = 0.04,
		.at_ms = 0}};
	struct drover_job_info j = job(5, 0, 20);
	struct doc doc = {0};

	j.parts = parts;
	j.n_parts = 1;
	j.rate_items = 90;
	j.rate_per_ms = 60000;
	doc_open(&doc, NULL, '{');
	jobs_add_each_doc(&doc, &j);
	doc_close(&doc, '}');
	expect(&doc.text,
		"{\"errors\":0,\"rate\":null,\"rate_limit\":\"90/"
		"m\",\"eta_ms\":null,\"cursor\":null,"
		"\"reason\":null,\"pause_at\":null,\"csv\":null,\"round\":0,\"parts\":[{\"part\":2,"
		"\"state\":\"paused\",\"first\":11,\"last\":20,\"number\":15,\"cursor\":"
		"\"c\xef\xbf\xbd\","
		"\"done\":5,\"errors\":0,\"rate\":0.0,\"at\":\"1970-01-01T00:00:00.000Z\"}]}");
}
END_TEST

START_TEST(test_lines)
{
	struct drover_job_info j = job(5, 1, 20);
	struct text out = {0};

	j.rate_items = 50;
	j.rate_per_ms = 1000;
	j.pause_ms = 5;
	j.round = 2;
	jobs_add_each_lines(&out, &j);
	expect(&out, "done=5 of 20 (30 %);items failed=1;rate=at most 50/s;wanted=paused;retry "
		     "round=2;");
}
END_TEST

int main(void)
{
	TCase *t;
	Suite *s = suite_with("cli_progress", &t);

	tcase_add_test(t, test_progress);
	tcase_add_test(t, test_line);
	tcase_add_test(t, test_a_cut_line_keeps_its_characters);
	tcase_add_test(t, test_document);
	tcase_add_test(t, test_lines);
	return suite_run(s);
}

/* Files between two starts: what pins a cursor to its file, and what is said where it does not. */
#include "support/items.h"
#include "support/suite.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>

/* Rows of many lengths, some of them much longer than the window of a hash. */
static struct text make_lines(int count)
{
	struct text t = {0};

	for (int i = 0; i < count; i++) {
		text_addf(&t, "line %d ", i);
		for (int j = i * i % 41; j > 0; j--)
			text_add_str(
				&t, i % 50 ? "x" : "a thousand bytes or so, now and then ....");
		text_add_char(&t, '\n');
	}
	return t;
}

/* Only what is written changes then, and not when. */
static void set_time(const char *path, time_t at)
{
	const struct timespec times[2] = {{at, 0}, {at, 0}};

	ck_assert_int_eq(utimensat(AT_FDCWD, path, times, 0), 0);
}

static int reopen(const struct job_message *m, const struct items_one *at, struct err *err)
{
	struct collection *c = collection_open(m,
		&(struct collection_start){
			.cursor = {at->cursor, at->cursor_len}, .number = at->number, .stream = -1},
		err);

	collection_close(c);
	return c ? 0 : -1;
}

struct bed {
	struct job_message m;
	struct text bytes;
	struct items_list all;
	char *path;
};

static void bed_init(struct bed *b)
{
	b->bytes = make_lines(400);
	b->path = items_file(text_span(&b->bytes));
	set_time(b->path, 1000);
	b->m = items_message(JOB_LINES);
	b->m.path = b->path;
	b->all = items_all(&b->m, -1);
	ck_assert_uint_eq(b->all.count, 400);
}

static void bed_fini(struct bed *b)
{
	text_fini(&b->bytes);
	items_fini(&b->all);
	items_drop(b->path);
}

static void must_be_refused(struct bed *b, size_t item, const char *why)
{
	struct err err = {""};

	b->m.each.flags = 0;
	ck_assert_int_eq(reopen(&b->m, &b->all.list[item], &err), -1);
	ck_assert_msg(strncmp(err.text, COLLECTION_CHANGED, sizeof COLLECTION_CHANGED - 1) == 0,
		"%s", err.text);
	ck_assert_msg(strstr(err.text, why), "%s", err.text);
}

static void must_be_gone_on_with(struct bed *b, size_t item)
{
	struct err err = {""};

	b->m.each.flags = JOB_EACH_CHANGE;
	ck_assert_msg(reopen(&b->m, &b->all.list[item], &err) == 0, "%s", err.text);
}

/* -- what has changed ---------------------------------------------------------------------------- */

START_TEST(test_unchanged)
{
	struct bed b;
	struct err err = {""};

	bed_init(&b);
	for (size_t i = 0; i < b.all.count; i++)
		ck_assert_msg(reopen(&b.m, &b.all.list[i], &err) == 0, "%s", err.text);
	bed_fini(&b);
}
END_TEST

START_TEST(test_grown)
{
	struct bed b;
	struct items_list more = {0};
	struct err err = {""};

	bed_init(&b);
	text_add_str(&b.bytes, "one more\n");
	items_write(b.path, text_span(&b.bytes));
	must_be_refused(&b, 399, "its size was");
	must_be_gone_on_with(&b, 399);
	ck_assert_int_eq(items_take(&more, &b.m, -1,
				 (struct span){b.all.list[399].cursor, b.all.list[399].cursor_len},
				 400, INT64_MAX, 5, &err),
		1);
	ck_assert_str_eq(more.list[0].text, "one more");
	ck_assert_int_eq(more.list[0].number, 401);
	items_fini(&more);
	bed_fini(&b);
}
END_TEST

START_TEST(test_shorter)
{
	struct bed b;
	struct err err = {""};

	bed_init(&b);
	ck_assert_int_eq(truncate(b.path, (off_t)b.bytes.len - 1), 0);
	set_time(b.path, 1000);
	must_be_refused(&b, 200, "its size was");
	must_be_gone_on_with(&b, 200);
	must_be_refused(&b, 399, "it ends before byte");
	b.m.each.flags = JOB_EACH_CHANGE;
	ck_assert_int_eq(reopen(&b.m, &b.all.list[399], &err), -1);
	ck_assert_msg(strstr(err.text, "it ends before byte"), "%s", err.text);
	bed_fini(&b);
}
END_TEST

START_TEST(test_written_to)
{
	struct bed b;

	bed_init(&b);
	set_time(b.path, 1001);
	must_be_refused(&b, 0, "it was written to");
	must_be_gone_on_with(&b, 0);
	bed_fini(&b);
}
END_TEST

START_TEST(test_another_file)
{
	struct bed b;
	char *other;

	bed_init(&b);
	other = items_file(text_span(&b.bytes));
	set_time(other, 1000);
	ck_assert_int_eq(rename(other, b.path), 0);
	must_be_refused(&b, 7, "it is another file");
	must_be_gone_on_with(&b, 7);
	free(other);
	bed_fini(&b);
}
END_TEST

/* Size and time are those of before: each byte of the 4 KiB before the cursor pins it. */
START_TEST(test_overwritten)
{
	struct bed b;
	uint64_t chance = 1;

	bed_init(&b);
	for (int round = 0; round < 500; round++) {
		size_t item = (size_t)items_below(&chance, 400);
		int64_t offset = atoll(b.all.list[item].cursor);
		int64_t back = 1 + items_below(&chance, offset < 4096 ? offset : 4096);
		char *at = &b.bytes.data[offset - back], was = *at;

		*at ^= (char)(1 << items_below(&chance, 7));
		items_write(b.path, text_span(&b.bytes));
		set_time(b.path, 1000);
		must_be_refused(&b, item, "what stands before");
		*at = was;
	}
	bed_fini(&b);
}
END_TEST

/* While it is read: nothing is said to be done that was not seen. */
START_TEST(test_cut_off_while_read)
{
	struct bed b;
	struct collection *c;
	struct collection_item item;
	struct err err = {""}, again = {""};
	struct text more = make_lines(8000); /* more than is read at once */
	int got;

	bed_init(&b);
	items_write(b.path, text_span(&more));
	text_fini(&more);
	c = collection_open(&b.m, &FROM_BEGINNING, &err);
	ck_assert_ptr_nonnull(c);
	ck_assert_int_eq(truncate(b.path, 10), 0);
	while ((got = collection_next(c, INT64_MAX, &item, &err)) == 1)
		;
	ck_assert_int_eq(got, -1);
	ck_assert_msg(strstr(err.text, "became shorter"), "%s", err.text);
	ck_assert_int_eq(collection_next(c, INT64_MAX, &item, &again), -1);
	ck_assert_str_eq(err.text, again.text);
	collection_close(c);
	bed_fini(&b);
}
END_TEST

/* -- cursors from anywhere ----------------------------------------------------------------------- */

START_TEST(test_hostile_cursors)
{
	static const char *const cursors[] = {"x", " ", "0", "1 2", "1 2 3", "-1 0 0.0.0.0.0",
		"9223372036854775807 1 0.0.0.0.0", "9223372036854775808 1 0.0.0.0.0",
		"1 9223372036854775807 0.0.0.0.0", "1 1 0.0.0.0", "1 1 0.0.0.0.0.0",
		"1 1 0.0.0.0.G", "1 1 0.0.0.0.00000000000000000", "+1 1 0.0.0.0.0",
		"1  1 0.0.0.0.0", "999999999 1 0.0.0.0.0", "10 11 0.0.0.0.0"};
	struct bed b;

	bed_init(&b);
	for (size_t i = 0; i < COUNT(cursors); i++) {
		struct items_list got = {0};
		struct err err = {""};

		b.m.each.flags = JOB_EACH_CHANGE;
		ck_assert_msg(items_take(&got, &b.m, -1, span_of(cursors[i]), 1, INT64_MAX, 9,
				      &err) == -1,
			"%s", cursors[i]);
		ck_assert_str_ne(err.text, "");
		items_fini(&got);
	}
	bed_fini(&b);
}
END_TEST

START_TEST(test_a_cursor_in_the_header)
{
	char *path = items_file(SPAN_LIT("a,b\n1,2\n3,4\n"));
	struct job_message m = items_message(JOB_CSV);
	struct items_list got = {0};
	struct err err = {""};

	m.path = path;
	m.each.flags = JOB_EACH_CHANGE;
	ck_assert_int_eq(
		items_take(&got, &m, -1, span_of("2 1 0.0.0.0.0"), 1, INT64_MAX, 9, &err), -1);
	ck_assert_msg(strstr(err.text, "before the first item"), "%s", err.text);
	ck_assert_int_eq(
		items_take(&got, &m, -1, span_of("8 1 0.0.0.0.0"), 1, INT64_MAX, 9, &err), 1);
	ck_assert_str_eq(got.list[0].text, "{\"a\":\"3\",\"b\":\"4\"}");
	items_fini(&got);
	items_drop(path);
}
END_TEST

START_TEST(test_ranges)
{
	static const struct {
		int64_t first, last, step;
		const char *cursor, *why;
	} rows[] = {{1, 9, 2, "2", "no number of the range"}, {1, 9, 2, "11", "no number"},
		{1, 9, 2, "-1", "no number"}, {1, 9, 2, "", NULL}, {1, 9, 2, "9", NULL},
		{9, 1, -2, "1", NULL}, {9, 1, -2, "11", "no number"}, {1, 9, 2, "3x", "no number"},
		{1, 9, 2, "-", "no number"}, {1, 9, 2, "9223372036854775808", "no number"},
		{INT64_MIN, INT64_MAX, 1, "", "more numbers than"},
		{INT64_MIN, INT64_MAX, 1000, "-9223372036854775808", NULL}, {1, 9, 0, "", "step 0"},
		{INT64_MIN, INT64_MIN, INT64_MIN, "-9223372036854775808", NULL}};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct job_message m = items_message(0);
		struct items_list got = {0};
		struct err err = {""};

		items_range(&m.collection, rows[i].first, rows[i].last, rows[i].step);
		ck_assert_int_eq(items_take(&got, &m, -1, span_of(rows[i].cursor), 0, INT64_MAX, 3,
					 &err) < 0,
			rows[i].why != NULL);
		ck_assert_msg(!rows[i].why || strstr(err.text, rows[i].why), "%s", err.text);
		items_fini(&got);
	}
}
END_TEST

/* -- what is no file ----------------------------------------------------------------------------- */

START_TEST(test_no_file)
{
	struct job_message m = items_message(JOB_LINES);
	struct err err = {""};
	char *path = items_file(SPAN_LIT(""));

	ck_assert_ptr_null(collection_open(&m, &FROM_BEGINNING, &err));
	m.path = "/tmp";
	ck_assert_ptr_null(collection_open(&m, &FROM_BEGINNING, &err));
	ck_assert_str_eq(err.text, "/tmp: not a regular file");
	m.path = path;
	ck_assert_int_eq(unlink(path), 0);
	ck_assert_ptr_null(collection_open(&m, &FROM_BEGINNING, &err));
	ck_assert_msg(strstr(err.text, "No such file"), "%s", err.text);
	ck_assert_int_eq(mkfifo(path, 0600), 0);
	ck_assert_ptr_null(collection_open(&m, &FROM_BEGINNING, &err));
	m.collection.kind = 99;
	ck_assert_ptr_null(collection_open(&m, &FROM_BEGINNING, &err));
	m.collection.kind = 0;
	ck_assert_ptr_null(collection_open(&m, &FROM_BEGINNING, &err));
	items_drop(path);
}
END_TEST

/* As drover-items lists an item, of whose text it has the beginning. */
static void list(struct text *out, const struct items_one *before, int64_t count)
{
	text_addf(out, "%lld %lld 0 %zu 4\n", (long long)before->number + 1, (long long)count,
		before->cursor_len);
	text_add(out, before->cursor, before->cursor_len);
	text_add_str(out, "line");
}

static struct items_list read_again(struct bed *b, const struct text *listed)
{
	int fd = items_saying(listed->data);
	struct items_list all;

	b->m.each.flags = JOB_EACH_LISTED;
	all = items_all(&b->m, fd);
	close(fd);
	return all;
}

START_TEST(test_set_aside_in_part)
{
	struct items_list again;
	struct text listed = {0};
	struct text three = {0};
	struct bed b;

	bed_init(&b);
	text_add_str(&listed, "1 1 1 0 5\nwhole");
	list(&listed, &b.all.list[49], 1);
	list(&listed, &b.all.list[99], 3);
	list(&listed, &b.all.list[398], 1);
	again = read_again(&b, &listed);
	ck_assert_uint_eq(again.count, 4);
	ck_assert_str_eq(again.list[0].text, "whole");
	ck_assert_str_eq(again.list[1].text, b.all.list[50].text);
	for (size_t i = 100; i < 103; i++) {
		text_add_char(&three, i == 100 ? '[' : ',');
		text_add_json(&three, (struct span){b.all.list[i].text, b.all.list[i].len});
	}
	text_add_char(&three, ']');
	ck_assert_str_eq(again.list[2].text, three.data);
	ck_assert_int_eq(again.list[2].number, 101);
	ck_assert_int_eq(again.list[2].last, 103);
	ck_assert_str_eq(again.list[3].text, b.all.list[399].text);
	for (size_t i = 0; i < again.count; i++)
		ck_assert(!again.list[i].unfit);
	items_fini(&again);
	text_fini(&three);
	text_fini(&listed);
	bed_fini(&b);
}
END_TEST

START_TEST(test_set_aside_and_gone)
{
	struct items_list again;
	struct text listed = {0};
	struct bed b;

	bed_init(&b);
	list(&listed, &b.all.list[399], 1);
	list(&listed, &b.all.list[9], 1);
	again = read_again(&b, &listed);
	ck_assert_uint_eq(again.count, 2);
	ck_assert(again.list[0].unfit && !again.list[1].unfit);
	ck_assert_str_eq(again.list[0].text, "line");
	items_fini(&again);
	b.bytes.data[1] = 'I'; /* the file is another one now */
	items_write(b.path, text_span(&b.bytes));
	again = read_again(&b, &listed);
	ck_assert_uint_eq(again.count, 2);
	ck_assert(again.list[0].unfit && again.list[1].unfit);
	items_fini(&again);
	b.m.path = NULL; /* it was uploaded */
	again = read_again(&b, &listed);
	ck_assert_uint_eq(again.count, 0);
	text_fini(&listed);
	bed_fini(&b);
}
END_TEST

int main(void)
{
	TCase *t;
	Suite *s = suite_with("collection_file", &t);

	tcase_set_timeout(t, 60);
	tcase_add_test(t, test_unchanged);
	tcase_add_test(t, test_grown);
	tcase_add_test(t, test_shorter);
	tcase_add_test(t, test_written_to);
	tcase_add_test(t, test_another_file);
	tcase_add_test(t, test_overwritten);
	tcase_add_test(t, test_cut_off_while_read);
	tcase_add_test(t, test_hostile_cursors);
	tcase_add_test(t, test_a_cursor_in_the_header);
	tcase_add_test(t, test_ranges);
	tcase_add_test(t, test_no_file);
	tcase_add_test(t, test_set_aside_in_part);
	tcase_add_test(t, test_set_aside_and_gone);
	return suite_run(s);
}

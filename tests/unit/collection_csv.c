/* CSV: what becomes of each kind of row, and generated files beside what they were made of. */
#include "nursery/items/csv_row.h"
#include "support/items.h"
#include "support/suite.h"

#define UNFIT "!" /* in front of the text of an item that is to be set aside */

static const struct {
	const char *name;
	struct span bytes;
	char separator;
	const char *items; /* each with a newline behind it */
} FILES[] = {
	{"plain", SPAN_LIT("a,b\n1,2\n3,4\n"), 0,
		"{\"a\":\"1\",\"b\":\"2\"}\n{\"a\":\"3\",\"b\":\"4\"}\n"},
	{"no newline at the end", SPAN_LIT("a,b\n1,2"), 0, "{\"a\":\"1\",\"b\":\"2\"}\n"},
	{"\\r at the very end", SPAN_LIT("a\r\n1\r"), 0, "{\"a\":\"1\"}\n"},
	{"both line ends", SPAN_LIT("a\r\n1\n2\r\n3\n"), 0,
		"{\"a\":\"1\"}\n{\"a\":\"2\"}\n{\"a\":\"3\"}\n"},
	{"a mark", SPAN_LIT("\xef\xbb\xbf\"a\",b\n1,2\n"), 0, "{\"a\":\"1\",\"b\":\"2\"}\n"},
	{"half a mark", SPAN_LIT("\xef\xbb"), 0, ""},
	{"tabs", SPAN_LIT("a\tb,c\n1\t2,3\n"), '\t', "{\"a\":\"1\",\"b,c\":\"2,3\"}\n"},
	{"quotes", SPAN_LIT("\"a\",\"b\"\n\"1,\"\"\",\"\n\r\n\"\n"), 0,
		"{\"a\":\"1,\\\"\",\"b\":\"\\n\\r\\n\"}\n"},
	{"quotes of quotes", SPAN_LIT("a\n\"\"\"\"\n\"\"\"\"\"\"\n"), 0,
		"{\"a\":\"\\\"\"}\n{\"a\":\"\\\"\\\"\"}\n"},
	{"empty fields", SPAN_LIT("a,b\n,\n\"\",\"\"\n"), 0,
		"{\"a\":\"\",\"b\":\"\"}\n{\"a\":\"\",\"b\":\"\"}\n"},
	{"an empty value of the only column", SPAN_LIT("a\n\"\"\n"), 0, "{\"a\":\"\"}\n"},
	{"rows without a byte", SPAN_LIT("\n\r\na\n\n1\n\r\n\n2\n\n"), 0,
		"{\"a\":\"1\"}\n{\"a\":\"2\"}\n"},
	{"blanks are a value", SPAN_LIT("a, b \n 1 , \n"), 0, "{\"a\":\" 1 \",\" b \":\" \"}\n"},
	{"a quote inside", SPAN_LIT("a,b\n1\"2,\"3\"\n \"x\",y\n"), 0,
		"{\"a\":\"1\\\"2\",\"b\":\"3\"}\n{\"a\":\" \\\"x\\\"\",\"b\":\"y\"}\n"},
	{"text behind a closing quote", SPAN_LIT("a,b\n\"1\"2\"3,4\n\"\"x,\n"), 0,
		"{\"a\":\"12\\\"3\",\"b\":\"4\"}\n{\"a\":\"x\",\"b\":\"\"}\n"},
	{"short and long rows", SPAN_LIT("a,b,c\n1\n1,2,3,4,5\n"), 0,
		"{\"a\":\"1\"}\n{\"a\":\"1\",\"b\":\"2\",\"c\":\"3\",\"column 4\":\"4\","
		"\"column 5\":\"5\"}\n"},
	{"names that are missing or there twice",
		SPAN_LIT("a,,a,a (3),\"\",column 2\n1,2,3,4,5,6\n"), 0,
		"{\"a\":\"1\",\"column 2\":\"2\",\"a (3)\":\"3\",\"a (3) (4)\":\"4\","
		"\"column 5\":\"5\",\"column 2 (6)\":\"6\"}\n"},
	{"a name that a long row would need", SPAN_LIT("column 2\n1,2\n"), 0,
		"{\"column 2\":\"1\",\"column 2 (2)\":\"2\"}\n"},
	{"no UTF-8", SPAN_LIT("\xff,b\n\xc3\xbc\xc3,\"\xed\xa0\x80\"\n"), 0,
		"{\"\xef\xbf\xbd\":\"\xc3\xbc\xef\xbf\xbd\","
		"\"b\":\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"}\n"},
	{"control characters", SPAN_LIT("a\n\0\x01\x1f\x7f\rx\n"), 0,
		"{\"a\":\"\\u0000\\u0001\\u001f\x7f\\rx\"}\n"},
	{"a backslash", SPAN_LIT("a\nC:\\temp\\\n"), 0, "{\"a\":\"C:\\\\temp\\\\\"}\n"},
	{"a quote without end", SPAN_LIT("a,b\n1,2\n3,\"4\n5,6\n"), 0,
		"{\"a\":\"1\",\"b\":\"2\"}\n" UNFIT "3,\"4\n5,6\n"},
	{"a doubled quote at the end", SPAN_LIT("a\n\"4\"\""), 0, UNFIT "\"4\"\"\n"},
	{"a header alone", SPAN_LIT("a,b\n"), 0, ""},
	{"a header without newline", SPAN_LIT("a,b"), 0, ""},
	{"nothing", SPAN_LIT(""), 0, ""},
	{"newlines", SPAN_LIT("\n\n"), 0, ""},
	{"semicolons", SPAN_LIT("a;b\n1,5;\";\"\n"), ';', "{\"a\":\"1,5\",\"b\":\";\"}\n"},
};

static struct job_message csv_message(const char *path, char separator)
{
	struct job_message m = items_message(JOB_CSV);

	m.collection.separator = (unsigned char)separator;
	m.path = path;
	return m;
}

START_TEST(test_each_file)
{
	char *path = items_file(FILES[_i].bytes);
	struct job_message m = csv_message(path, FILES[_i].separator);
	struct items_list all = items_all(&m, -1);
	struct text got = {0};

	for (size_t i = 0; i < all.count; i++) {
		ck_assert_int_eq(all.list[i].number, (int64_t)i + 1);
		text_add_str(&got, all.list[i].unfit ? UNFIT : "");
		text_add(&got, all.list[i].text, all.list[i].len);
		text_add_char(&got, '\n');
	}
	ck_assert_msg(strcmp(got.data ? got.data : "", FILES[_i].items) == 0, "%s: %s",
		FILES[_i].name, got.data);
	text_fini(&got);
	items_fini(&all);
	items_drop(path);
}
END_TEST

/* -- what is no CSV ------------------------------------------------------------------------------ */

START_TEST(test_bad_headers)
{
	static const struct {
		struct span bytes;
		uint32_t separator;
		const char *why;
	} rows[] = {{SPAN_LIT("a,\"b\n1,2\n"), ',', "the header: a quote without end"},
		{SPAN_LIT("a\n"), '"', "cannot separate"},
		{SPAN_LIT("a\n"), '\n', "cannot separate"},
		{SPAN_LIT("a\n"), 256, "cannot separate"}};

	for (size_t i = 0; i < COUNT(rows); i++) {
		char *path = items_file(rows[i].bytes);
		struct job_message m = csv_message(path, 0);
		struct err err = {""};

		m.collection.separator = rows[i].separator;
		ck_assert_ptr_null(collection_open(&m, &FROM_BEGINNING, &err));
		ck_assert_msg(strstr(err.text, rows[i].why), "%s", err.text);
		items_drop(path);
	}
}
END_TEST

START_TEST(test_too_many_columns)
{
	struct text bytes = {0};
	struct err err = {""};
	struct job_message m = csv_message(NULL, 0);
	struct items_list all;
	char *path;

	text_add_str(&bytes, "a\n");
	for (int i = 0; i < CSV_COLUMNS_MAX; i++)
		text_add_char(&bytes, ',');
	text_add_str(&bytes, "\nx\n");
	path = items_file(text_span(&bytes));
	m.path = path;
	all = items_all(&m, -1);
	ck_assert_uint_eq(all.count, 2);
	ck_assert(all.list[0].unfit && !all.list[1].unfit);
	items_fini(&all);
	items_write(path, (struct span){bytes.data + 2, bytes.len - 2});
	ck_assert_ptr_null(collection_open(&m, &FROM_BEGINNING, &err));
	ck_assert_msg(strstr(err.text, "more than 4096 columns"), "%s", err.text);
	text_fini(&bytes);
	items_drop(path);
}
END_TEST

/* A quote that is never closed takes the rest of the file, and not that much memory. */
START_TEST(test_a_very_long_row)
{
	struct text bytes = {0};
	struct job_message m = csv_message(NULL, 0);
	struct items_list all;
	char *path;

	text_add_str(&bytes, "a,b\n1,2\n\"");
	for (int i = 0; i < 400000; i++)
		text_add_str(&bytes, "x,\"\"y\nz");
	text_add_str(&bytes, "\",2\n3,4\n\"");
	for (int i = 0; i < 400000; i++)
		text_add_str(&bytes, "x,y\nz");
	path = items_file(text_span(&bytes));
	m.path = path;
	all = items_all(&m, -1);
	ck_assert_uint_eq(all.count, 4);
	ck_assert(!all.list[0].unfit && all.list[1].unfit);
	ck_assert(!all.list[2].unfit && all.list[3].unfit);
	ck_assert_str_eq(all.list[2].text, "{\"a\":\"3\",\"b\":\"4\"}");
	ck_assert_uint_lt(all.list[1].len, 5000);
	items_fini(&all);
	text_fini(&bytes);
	items_drop(path);
}
END_TEST

/* -- generated files ----------------------------------------------------------------------------- */

static const char *const PIECES[] = {"", "a", "0123456789", ",", "\"", "\n", "\r\n", "\xc3\xbc",
	" ", "\r", "\"\"", "x,y", "\\", "\t", "a quite long piece of text, to fill what is read"};

/* As a writer of CSV does it: quotes where they are needed, and now and then where they are not. */
static void add_field(struct text *out, struct span value, bool quoted)
{
	for (size_t i = 0; i < value.len; i++)
		quoted = quoted || strchr(",\"\r\n", value.at[i]);
	if (!quoted) {
		text_add_span(out, value);
		return;
	}
	text_add_char(out, '"');
	for (size_t i = 0; i < value.len; i++) {
		if (value.at[i] == '"')
			text_add_char(out, '"');
		text_add_char(out, value.at[i]);
	}
	text_add_char(out, '"');
}

static void add_row(struct text *csv, struct text *json, uint64_t *chance, int columns)
{
	text_clear(json);
	for (int c = 0; c < columns; c++) {
		struct text value = {0};

		for (int64_t n = items_below(chance, 5); n > 0; n--)
			text_add_str(&value, PIECES[items_below(chance, COUNT(PIECES))]);
		text_add_str(csv, c ? "," : "");
		add_field(csv, text_span(&value), c == 0 || items_below(chance, 4) == 0);
		text_addf(json, "%s\"c%d\":", c ? "," : "{", c);
		text_add_json(json, text_span(&value));
		text_fini(&value);
	}
	text_add_char(json, '}');
	text_add_str(csv, items_below(chance, 2) ? "\n" : "\r\n");
}

static void check_generated(uint64_t *chance, int columns, int rows)
{
	struct text csv = {0}, json = {0};
	struct items_list want = {0}, got;
	struct job_message m = csv_message(NULL, 0);
	char *path;

	for (int c = 0; c < columns; c++)
		text_addf(&csv, "%sc%d", c ? "," : "", c);
	text_add_str(&csv, "\n");
	for (int i = 0; i < rows; i++) {
		add_row(&csv, &json, chance, columns);
		items_add(&want, text_span(&json), (struct span){0}, i + 1, i + 1, false);
	}
	path = items_file(text_span(&csv));
	m.path = path;
	got = items_all(&m, -1);
	ck_assert_uint_eq(got.count, want.count);
	for (size_t i = 0; i < got.count; i++)
		ck_assert_str_eq(got.list[i].text, want.list[i].text);
	items_fini(&want);
	items_fini(&got);
	text_fini(&csv);
	text_fini(&json);
	items_drop(path);
}

/* Enough rows that the buffer turns over at every place of a row there is. */
START_TEST(test_generated)
{
	uint64_t chance = (uint64_t)_i;

	check_generated(&chance, 1 + (int)items_below(&chance, 9), 1500);
}
END_TEST

/* Told byte by byte, a row ends where it does told at once. */
START_TEST(test_ends_byte_by_byte)
{
	for (size_t f = 0; f < COUNT(FILES); f++) {
		struct csv_scan at_once = {.separator = ','}, slowly = {.separator = ','};
		const char *p = FILES[f].bytes.at, *to = p + FILES[f].bytes.len;

		while (p < to) {
			const char *end = csv_find_end(&at_once, p, to), *found = NULL;

			for (; p < to && !found; p++)
				found = csv_find_end(&slowly, p, p + 1);
			ck_assert_ptr_eq(end, found);
			ck_assert_int_eq(at_once.state, slowly.state);
		}
	}
}
END_TEST

int main(void)
{
	TCase *t;
	Suite *s = suite_with("collection_csv", &t);

	tcase_set_timeout(t, 60);
	tcase_add_loop_test(t, test_each_file, 0, COUNT(FILES));
	tcase_add_test(t, test_bad_headers);
	tcase_add_test(t, test_too_many_columns);
	tcase_add_test(t, test_a_very_long_row);
	tcase_add_loop_test(t, test_generated, 0, 12);
	tcase_add_test(t, test_ends_byte_by_byte);
	return suite_run(s);
}

/* Collections that somebody else tells: commands, keys of Redis, items that were set aside; and what
   two nested ones make of each other. */
#include "nursery/items/fill.h"
#include "support/items.h"
#include "support/suite.h"

#include <signal.h>
#include <sys/wait.h>

static struct job_message printed(const char **argv)
{
	struct job_message m = items_message(JOB_PRINTED);

	m.lists[JOB_COLLECTION_ARGV] = argv;
	return m;
}

/* Goes through it: the texts, each with a blank behind it, and then how it ended. */
static char *outcome(const struct job_message *m, int stream, const char *cursor)
{
	struct items_list list = {0};
	struct err err = {""};
	struct text out = {0};
	int64_t got = items_take(&list, m, stream, span_of(cursor), 0, INT64_MAX, INT64_MAX, &err);

	for (size_t i = 0; i < list.count; i++)
		text_addf(&out, "%s%lld=%s ", list.list[i].unfit ? "!" : "",
			(long long)list.list[i].number, list.list[i].text);
	text_add_str(&out, got < 0 ? err.text : "end");
	items_fini(&list);
	return text_take(&out);
}

/* -- commands ------------------------------------------------------------------------------------ */

static const struct {
	const char *script, *outcome;
} SCRIPTS[] = {
	{"printf 'a\\tx\\nb\\ty'", "1=x 2=y end"},
	{"true", "end"},
	{"printf 'a\\t\\n'", "1= end"},
	{"printf 'a\\tx\\n'; exit 3", "1=x sh ended with status 3"},
	{"printf 'a\\tx'; exit 3", "sh ended with status 3"},
	{"printf 'a\\tx\\n'; kill -9 $$", "1=x sh was ended by signal 9 (Killed)"},
	{"echo x", "sh printed a line without a TAB: CURSOR<TAB>ITEM is due"},
	{"printf '\\tx\\n'", "sh printed a line without a cursor: CURSOR<TAB>ITEM is due"},
	{"printf 'a\\0b\\tx\\n'", "sh printed a NUL byte in a cursor: CURSOR<TAB>ITEM is due"},
	{"printf '%04001d\\tx\\n' 1",
		"sh printed a line with too long a cursor: CURSOR<TAB>ITEM is due"},
	{"read line || printf 'a\\tno input\\n'", "1=no input end"},
	{"printf 'a\\t%s%s%s\\n' $DROVER_FROM $DROVER_TO $DROVER_CURSOR", "1= end"},
	{"printf 'a\\t%s%s\\n' $DROVER_JID $DROVER_FD", "1=1 end"},
	{"ls -l /proc/self/fd | grep -c 'socket\\|drover' | sed 's/^/a\\t/'", "1=0 end"},
};

START_TEST(test_each_script)
{
	const char *argv[] = {"sh", "-c", SCRIPTS[_i].script, NULL};
	struct job_message m = printed(argv);
	int pair[2];
	char *got;

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	got = outcome(&m, -1, "");
	ck_assert_str_eq(got, SCRIPTS[_i].outcome);
	free(got);
	ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1);
}
END_TEST

START_TEST(test_what_a_command_is_told)
{
	const char *argv[] = {"sh", "-c",
		"printf 'a\\t%s %s %s\\n' \"$DROVER_FROM\" \"$DROVER_TO\" \"$DROVER_CURSOR\"",
		NULL};
	struct job_message m = printed(argv);
	char *got;

	m.each.from = 7;
	m.each.to = 9;
	m.cursor = "the job's";
	got = outcome(&m, -1, "");
	ck_assert_str_eq(got, "7=7 9  end");
	free(got);
	got = outcome(&m, -1, "c  \"x\"");
	ck_assert_str_eq(got, "7=7 9 c  \"x\" end");
	free(got);
}
END_TEST

START_TEST(test_programs_that_are_not_there)
{
	static const struct {
		const char *program, *why;
	} rows[] = {{"no-such-program", "no-such-program: No such file"},
		{"/no/such/program", "/no/such/program: No such file"},
		{"/", "/: Permission denied"}, {"", "an empty command"}};

	for (size_t i = 0; i < COUNT(rows); i++) {
		const char *argv[] = {rows[i].program, NULL};
		struct job_message m = printed(argv);
		char *got = outcome(&m, -1, "");

		ck_assert_msg(strncmp(got, rows[i].why, strlen(rows[i].why)) == 0, "%s", got);
		free(got);
		ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1);
	}
}
END_TEST

/* Closed before its end it is killed with what it started, and is no child of ours any more. */
START_TEST(test_a_command_is_ended)
{
	const char *argv[] = {"sh", "-c",
		"sleep 1000 & printf 'a\\t%d\\n' $!; while :; do printf 'b\\tx\\n'; done", NULL};
	struct job_message m = printed(argv);
	struct collection_item item;
	struct err err = {""};
	struct collection *c = collection_open(&m, &FROM_BEGINNING, &err);
	pid_t sleeper;

	ck_assert_msg(c, "%s", err.text);
	ck_assert_int_eq(collection_next(c, INT64_MAX, &item, &err), 1);
	sleeper = (pid_t)strtol(item.text.at, NULL, 10);
	ck_assert_int_eq(kill(sleeper, 0), 0);
	collection_close(c);
	ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1);
	while (kill(sleeper, 0) == 0) { /* until whoever adopted it has reaped it */
		char path[64], state = 0;
		FILE *file;

		snprintf(path, sizeof path, "/proc/%d/stat", (int)sleeper);
		file = fopen(path, "r");
		if (!file || (fscanf(file, "%*d (%*[^)]) %c", &state) == 1 && state == 'Z'))
			break;
		fclose(file);
	}
}
END_TEST

static bool third_time(void *ctx)
{
	int *asked = ctx;

	return ++*asked >= 3;
}

START_TEST(test_a_silent_one_is_given_up)
{
	const char *argv[] = {"sh", "-c", "printf 'a\\tx\\n'; sleep 1000", NULL};
	struct job_message m = printed(argv);
	struct collection_item item;
	int asked = 0;
	struct collection_start start = {.stream = -1, .stop = third_time, .stop_ctx = &asked};
	struct err err = {""};
	struct collection *c = collection_open(&m, &start, &err);

	ck_assert_msg(c, "%s", err.text);
	ck_assert_int_eq(collection_next(c, INT64_MAX, &item, &err), 1);
	ck_assert_int_eq(collection_next(c, INT64_MAX, &item, &err), -1);
	ck_assert_str_eq(err.text, "sh: stopped");
	ck_assert_span_eq(collection_cursor(c), SPAN_LIT("a"));
	collection_close(c);
	ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1);
}
END_TEST

START_TEST(test_an_item_too_long)
{
	const char *argv[] = {"sh", "-c",
		"printf 'a\\t'; head -c 3000000 /dev/zero | tr '\\0' x; printf '\\nb\\ty\\n'",
		NULL};
	struct job_message m = printed(argv);
	struct items_list all = items_all(&m, -1);

	ck_assert_uint_eq(all.count, 2);
	ck_assert(all.list[0].unfit && !all.list[1].unfit);
	ck_assert_str_eq(all.list[0].cursor, "a");
	ck_assert_str_eq(all.list[1].text, "y");
	items_fini(&all);
}
END_TEST

/* -- keys of Redis ------------------------------------------------------------------------------- */

static struct job_message members(uint32_t kind)
{
	struct job_message m = items_message(JOB_MEMBERS);

	m.collection.members = kind;
	m.collection.stream = 1;
	return m;
}

/* More than a page of them; some so large that a page is full before, one too large for an item. */
START_TEST(test_many_and_large_members)
{
	static struct span list[1000];
	struct items_stream s = {.members = list, .count = 1000};
	struct job_message m = members(JOB_MEMBERS_LIST);
	struct items_list all;
	char *large = must_alloc(2000000);

	memset(large, 'x', 2000000);
	for (size_t i = 0; i < 1000; i++)
		list[i] = (struct span){large, i * 7 % 500 == 0 ? i * 800 : i % 10};
	list[900].len = 1048577;
	items_stream_start(&s);
	all = items_all(&m, s.theirs);
	ck_assert_uint_eq(all.count, 1000);
	for (size_t i = 0; i < all.count; i++) {
		ck_assert_int_eq(all.list[i].number, (int64_t)i + 1);
		ck_assert_int_eq(all.list[i].unfit, i == 900);
		ck_assert(i == 900 || all.list[i].len == list[i].len);
	}
	items_fini(&all);
	items_stream_end(&s);
	free(large);
}
END_TEST

/* Given as it is, a line break is two lines; as a string in a batch it is none. */
START_TEST(test_line_breaks)
{
	static const struct span list[] = {SPAN_LIT("a"), SPAN_LIT("b\nc"), SPAN_LIT("d")};
	struct items_stream s = {.members = list, .count = 3};
	struct job_message m = members(JOB_MEMBERS_SET);
	char *got;

	items_stream_start(&s);
	got = outcome(&m, s.theirs, "");
	ck_assert_str_eq(got, "1=a !2=b\nc 3=d end");
	free(got);
	m.each.batch = 5;
	got = outcome(&m, s.theirs, "");
	ck_assert_str_eq(got, "1=[\"a\",\"b\\nc\",\"d\"] end");
	free(got);
	items_stream_end(&s);
}
END_TEST

/* -- answers that are none ----------------------------------------------------------------------- */

START_TEST(test_bad_answers)
{
	static const struct {
		const char *answer, *outcome;
	} rows[] = {{"error LOADING Redis is loading\n", "LOADING Redis is loading"},
		{"", "the stream of the collection has ended"},
		{"items 1\n", "the stream of the collection has ended"},
		{"items 1\n1 9\nxy", "the stream of the collection has ended"},
		{"items -1\n", "the stream of the collection: -1 members, asked for 256"},
		{"items 257\n", "the stream of the collection: 257 members, asked for 256"},
		{"items x\n", "the stream of the collection: `items N` is due"},
		{"bytes 1\n", "the stream of the collection: `items N` is due"},
		{"items 1\n1\n", "the stream of the collection: two lengths are due"},
		{"items 1\n1 -1\n", "the stream of the collection: two lengths are due"},
		{"items 1\n5000 1\n", "a cursor of 5000 bytes, at most 4000"},
		{"items 1\n0 1\nx", "a member of the key came with a cursor that is none"},
		{"items 1\n1 1\n\nx", "a member of the key came with a cursor that is none"},
		{"items 1\n1 1\nabc", "the stream of the collection: more than was asked for"},
		{"items 0\n", "end"}};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct job_message m = members(JOB_MEMBERS_SCAN);
		int fd = items_saying(rows[i].answer);
		char *got = outcome(&m, fd, "");

		ck_assert_str_eq(got, rows[i].outcome);
		free(got);
		close(fd);
	}
}
END_TEST

START_TEST(test_an_upload_that_fails)
{
	static const struct {
		const char *answer, *outcome;
	} rows[] = {{"error it has expired\n", "it has expired"},
		{"size 4\nerror it has expired\n", "the stream of the collection: more than was "
						   "asked for"},
		{"", "the stream of the collection has ended"}};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct job_message m = items_message(JOB_CSV);
		int fd = items_saying(rows[i].answer);
		char *got;

		m.collection.stream = 1;
		got = outcome(&m, fd, "");
		ck_assert_str_eq(got, rows[i].outcome);
		free(got);
		close(fd);
	}
}
END_TEST

/* -- set aside ----------------------------------------------------------------------------------- */

#define FIVE_DUE "the list of items: five numbers are due"

static struct job_message listed_message(uint32_t kind)
{
	struct job_message m = items_message(kind);

	m.each.flags |= JOB_EACH_LISTED;
	return m;
}

START_TEST(test_listed)
{
	static const struct {
		const char *bytes, *outcome;
	} rows[] = {{"", "end"},
		{"7 1 1 1 3\ncabc3 1 1 0 0\n12 2 1 2 3\nxxa\nb", "7=abc 3= !12=a\nb end"},
		{"7 1 1 0 1\nxerror LOADING\n", "7=x LOADING"},
		{"7 1 1 1 3\ncab", "the list of items ends in one"}, {"7 1 1 1\n", FIVE_DUE},
		{"0 1 1 1 1\n", FIVE_DUE}, {"7 0 1 1 1\n", FIVE_DUE}, {"7 1 2 1 1\n", FIVE_DUE},
		{"1 1 1 1 99999999\n", FIVE_DUE}, {"1 1 1 1 1", FIVE_DUE}};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct job_message m = listed_message(JOB_MEMBERS);
		int fd = items_saying(rows[i].bytes);
		char *got;

		m.each.batch = 9;
		m.each.from = 8;
		m.each.limit = 1;
		m.inner.kind = JOB_RANGE;
		got = outcome(&m, fd, "");
		ck_assert_str_eq(got, rows[i].outcome);
		free(got);
		close(fd);
	}
}
END_TEST

START_TEST(test_listed_cursors)
{
	struct job_message m = listed_message(JOB_MEMBERS);
	int fd = items_saying("7 1 1 3 1\n1 2x9 1 1 0 1\ny");
	struct items_list all = items_all(&m, fd);

	ck_assert_uint_eq(all.count, 2);
	ck_assert_str_eq(all.list[0].cursor, "1 2");
	ck_assert_str_eq(all.list[1].cursor, "");
	items_fini(&all);
	close(fd);
}
END_TEST

/* -- nested ones --------------------------------------------------------------------------------- */

START_TEST(test_fill)
{
	static const struct {
		const char *with, *item, *outcome;
	} rows[] = {{"/data/{item}/x{item}", "a b", "/data/a b/xa b"}, {"", "x", ""},
		{"{{item}{{}}", "x", "{item}{}}"}, {"{item.a}", "{\"a\":\"{item}\"}", "{item}"},
		{"{item.a}{item.b}", "{\"a\":[1, 2],\"b\":null}", "[1, 2]null"},
		{"{item.ab}", "{\"\\u0061b\":\"\\u00fc\\n\"}", "\xc3\xbc\n"},
		{"{item.a}", "{\"a\":1,\"a\":2}", "2"},
		{"{item.a}", "{\"b\":1}", "{item.a}: the item has no such member"},
		{"{item.a}", "[1]", "{item.a}: the item is no JSON object"},
		{"{item.a}", "{\"a\":1", "{item.a}: the item is no JSON object"},
		{"{item.a}", "{\"a\":\"x\\u0000\"}", "{item.a}: holds a NUL"},
		{"{args.0}", "x", "{args.0}: is not filled in"}};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct text out = {0};
		struct err err = {""};
		int done = fill(&out, rows[i].with, span_of(rows[i].item), &err);

		ck_assert_str_eq(done == 0 ? out.data : err.text, rows[i].outcome);
		text_fini(&out);
	}
}
END_TEST

START_TEST(test_nested_faults)
{
	struct job_message m = items_message(0);
	char *got;

	items_range(&m.collection, 1, 2, 1);
	m.inner.kind = JOB_LINES;
	m.inner_path = "/no/{item}";
	got = outcome(&m, -1, "");
	ck_assert_str_eq(got, "the inner collection: /no/1: No such file or directory");
	free(got);
	m.inner_path = "{item.x}";
	got = outcome(&m, -1, "");
	ck_assert_str_eq(got, "the inner collection: {item.x}: the item is no JSON object");
	free(got);
}
END_TEST

START_TEST(test_nested_cursors)
{
	static const struct {
		const char *cursor, *outcome;
	} rows[] = {{"1 1 2", "1=[2,3] end"}, {"0  3", "1=[2,1] 2=[2,2] 3=[2,3] end"},
		{"1 1 ", "1=[2,1] 2=[2,2] 3=[2,3] end"}, {"1 2 ", "end"}, {"1 2 3", NULL},
		{"1 1", NULL}, {"9 1 1", NULL}, {"-1 1 1", NULL}, {"x", NULL}, {"1 1 9", NULL},
		{"1 9 1", NULL}, {"99999999999999999999 1 1", NULL}};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct job_message m = items_message(0);
		char *got;

		items_range(&m.collection, 1, 2, 1);
		items_range(&m.inner, 1, 3, 1);
		got = outcome(&m, -1, rows[i].cursor);
		if (rows[i].outcome)
			ck_assert_str_eq(got, rows[i].outcome);
		else
			ck_assert_msg(strstr(got, "cursor") || strstr(got, "not there"), "%s", got);
		free(got);
	}
}
END_TEST

/* Two cursors, each as long as one may be, are too long. */
START_TEST(test_nested_cursor_too_long)
{
	const char *argv[] = {"sh", "-c", "printf '%03000d\\tx\\n%03000d\\ty\\n' 1 2", NULL};
	struct job_message m = printed(argv);
	char *got;

	m.inner.kind = JOB_PRINTED;
	m.lists[JOB_INNER_ARGV] = argv;
	got = outcome(&m, -1, "");
	ck_assert_str_eq(got, "1=[\"x\",\"x\"] 2=[\"x\",\"y\"] "
			      "the cursor of item 3 has 6006 bytes, at most 4000");
	free(got);
}
END_TEST

int main(void)
{
	TCase *t;
	Suite *s = suite_with("collection_command", &t);

	tcase_set_timeout(t, 60);
	tcase_add_loop_test(t, test_each_script, 0, COUNT(SCRIPTS));
	tcase_add_test(t, test_what_a_command_is_told);
	tcase_add_test(t, test_programs_that_are_not_there);
	tcase_add_test(t, test_a_command_is_ended);
	tcase_add_test(t, test_a_silent_one_is_given_up);
	tcase_add_test(t, test_an_item_too_long);
	tcase_add_test(t, test_many_and_large_members);
	tcase_add_test(t, test_line_breaks);
	tcase_add_test(t, test_bad_answers);
	tcase_add_test(t, test_an_upload_that_fails);
	tcase_add_test(t, test_listed);
	tcase_add_test(t, test_listed_cursors);
	tcase_add_test(t, test_fill);
	tcase_add_test(t, test_nested_faults);
	tcase_add_test(t, test_nested_cursors);
	tcase_add_test(t, test_nested_cursor_too_long);
	return suite_run(s);
}

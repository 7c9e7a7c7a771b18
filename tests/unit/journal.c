/* supervisor/journal: verdicts that outlive their droverd, also where its end cut a write in two. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "supervisor/state/journal.h"
#include "support/suite.h"

static char path[] = "/tmp/drover-journal-XXXXXX";
static int folder = -1;

static void set_up(void)
{
	ck_assert_ptr_nonnull(mkdtemp(path));
	folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ck_assert_int_ge(folder, 0);
}

static void tear_down(void)
{
	unlinkat(folder, JOURNAL_FILE, 0);
	close(folder);
	ck_assert_int_eq(rmdir(path), 0);
	memcpy(path + sizeof path - 7, "XXXXXX", 6);
}

static struct journal *make(void)
{
	struct err err;
	struct journal *j = journal_new(folder, &err);

	ck_assert_ptr_nonnull(j);
	return j;
}

static struct journal_mark note(struct journal *j, const char *token)
{
	return journal_add(j, &(struct verdict){.kind = VERDICT_DONE, .token = span_of(token)});
}

static off_t size(void)
{
	struct stat st;

	ck_assert_int_eq(fstatat(folder, JOURNAL_FILE, &st, 0), 0);
	return st.st_size;
}

static void add_token(void *ctx, const struct verdict *v)
{
	struct text *out = ctx;

	text_add_span(out, v->token);
	text_add_char(out, ' ');
}

/* The tokens that are found, a blank behind each. */
#define ck_assert_waiting(want)                                                     \
	do {                                                                        \
		struct text got_ = {0};                                             \
		struct err err_;                                                    \
		ck_assert_int_ge(journal_read(folder, add_token, &got_, &err_), 0); \
		ck_assert_str_eq(got_.len ? got_.data : "", want);                  \
		text_fini(&got_);                                                   \
	} while (0)

static void check_all(void *ctx, const struct verdict *v)
{
	*(int *)ctx += 1;
	ck_assert_int_eq(v->kind, VERDICT_LATER);
	ck_assert_int_eq(v->order, 77);
	ck_assert_span_eq(v->token, SPAN_LIT("main~1.4.2"));
	ck_assert_span_eq(v->worker, SPAN_LIT("web.1:9:default"));
	ck_assert_span_eq(v->queue, SPAN_LIT("default"));
	ck_assert_span_eq(v->text, ((struct span){"{\"a\0b\n", 6}));
	ck_assert_span_eq(v->jid, SPAN_LIT("j1"));
	ck_assert_int_eq(v->delay_ms, 1500);
	ck_assert_span_eq(v->why, SPAN_LIT("retry"));
	ck_assert_span_eq(v->record.audit, SPAN_LIT("{\"what\":\"retry\"}"));
	ck_assert(v->locks); /* Redis is asked to look */
	ck_assert_uint_eq(v->record.n_pairs, 3);
	ck_assert_span_eq(v->record.pairs[0], SPAN_LIT("result"));
	ck_assert_span_eq(v->record.pairs[1], SPAN_LIT(""));
	ck_assert_span_eq(v->record.pairs[2], SPAN_LIT("3"));
	ck_assert_uint_eq(v->next_record.len, 0); /* its worker is gone */
}

START_TEST(test_a_verdict_comes_back_whole)
{
	const struct span pairs[] = {SPAN_LIT("result"), SPAN_LIT(""), SPAN_LIT("3")};
	const struct verdict v = {.kind = VERDICT_LATER,
		.order = 77,
		.token = SPAN_LIT("main~1.4.2"),
		.worker = SPAN_LIT("web.1:9:default"),
		.queue = SPAN_LIT("default"),
		.text = {"{\"a\0b\n", 6},
		.next_record = SPAN_LIT("{}"),
		.delay_ms = 1500,
		.why = SPAN_LIT("retry"),
		.jid = SPAN_LIT("j1"),
		.record = {SPAN_LIT("{\"what\":\"retry\"}"), pairs, COUNT(pairs)}};
	struct journal *j = make();
	struct err err;
	int n = 0;

	journal_add(j, &v);
	journal_write(j);
	journal_free(j);
	ck_assert_int_eq(journal_read(folder, check_all, &n, &err), 1);
	ck_assert_int_eq(n, 1);
}
END_TEST

START_TEST(test_what_is_struck_out_is_gone)
{
	struct journal *j = make();
	struct journal_mark a = note(j, "a"), b;

	b = note(j, "b");
	note(j, "c");
	journal_write(j);
	ck_assert_waiting("a b c ");
	journal_strike(j, b);
	journal_strike(j, a);
	ck_assert_waiting("a b c "); /* not written yet */
	note(j, "d");
	journal_write(j);
	ck_assert_waiting("c d ");
	journal_free(j);
}
END_TEST

/* Else a supervisor that is never idle would fill the memory. */
START_TEST(test_it_begins_anew_where_nothing_waits)
{
	struct journal *j = make();
	off_t first;

	note(j, "much-longer-than-what-comes-behind-it");
	for (int i = 0; i < 3; i++)
		journal_strike(j, note(j, "x"));
	journal_free(j);
	j = make();
	journal_strike(j, note(j, "first"));
	note(j, "a");
	journal_write(j);
	first = size();
	for (int i = 0; i < 1000; i++) {
		struct journal_mark mark = note(j, "b");

		journal_write(j);
		journal_strike(j, mark);
	}
	ck_assert_int_gt(size(), first); /* "a" waits all the time */
	journal_free(j);
	j = make();
	for (int i = 0; i < 1000; i++) {
		struct journal_mark mark = note(j, i % 2 ? "a-long-one-and-then" : "b");

		journal_write(j);
		journal_strike(j, mark);
	}
	ck_assert_int_lt(size(), 200);
	note(j, "z"); /* over longer ones: they are of another epoch */
	note(j, "y");
	journal_write(j);
	ck_assert_waiting("z y ");
	journal_free(j);
}
END_TEST

START_TEST(test_idle_it_is_empty)
{
	struct journal *j = make();
	struct journal_mark mark = note(j, "a");

	journal_write(j);
	journal_settle(j);
	ck_assert_waiting("a ");
	journal_strike(j, mark);
	journal_settle(j);
	ck_assert_int_eq(size(), 0);
	ck_assert_waiting("");
	note(j, "b");
	journal_write(j);
	ck_assert_waiting("b ");
	journal_free(j);
}
END_TEST

/* Whatever byte the end came at, all before the cut is read and nothing else. */
START_TEST(test_torn_at_every_byte)
{
	struct journal *j = make();
	off_t ends[3], whole;

	for (int i = 0; i < 3; i++) {
		note(j, (const char *[]){"first", "second", "third"}[i]);
		journal_write(j);
		ends[i] = size();
	}
	journal_free(j);
	whole = size();
	for (off_t cut = whole; cut >= 0; cut--) {
		int fd = openat(folder, JOURNAL_FILE, O_RDWR | O_CLOEXEC);

		ck_assert_int_eq(ftruncate(fd, cut), 0);
		close(fd);
		ck_assert_waiting(cut >= ends[2]   ? "first second third "
				  : cut >= ends[1] ? "first second "
				  : cut >= ends[0] ? "first "
						   : "");
	}
}
END_TEST

/* A write over older records that was cut: what follows is old, and must not be taken for its rest. */
START_TEST(test_a_damaged_byte_ends_the_list)
{
	struct journal *j = make();
	off_t first, all;

	note(j, "first");
	journal_write(j);
	first = size();
	note(j, "second");
	journal_write(j);
	all = size();
	journal_free(j);
	for (off_t at = first; at < all; at++) {
		int fd = openat(folder, JOURNAL_FILE, O_RDWR | O_CLOEXEC);
		char c;

		ck_assert_int_eq(pread(fd, &c, 1, at), 1);
		c ^= 0x40;
		ck_assert_int_eq(pwrite(fd, &c, 1, at), 1);
		ck_assert_waiting("first ");
		c ^= 0x40;
		ck_assert_int_eq(pwrite(fd, &c, 1, at), 1);
		close(fd);
	}
	ck_assert_waiting("first second ");
}
END_TEST

START_TEST(test_a_long_one_is_written_anew)
{
	struct journal *j = make();
	struct journal_mark kept = note(j, "kept"), mark;

	while (!journal_is_long(j)) {
		mark = note(j, "passing-by");
		journal_write(j);
		journal_strike(j, mark);
		ck_assert_int_lt(size(), 16 << 20);
	}
	journal_rewrite_begin(j);
	kept = note(j, "kept");
	journal_rewrite_end(j);
	ck_assert(!journal_is_long(j));
	ck_assert_int_lt(size(), 1000);
	ck_assert_waiting("kept ");
	note(j, "next");
	journal_write(j);
	ck_assert_waiting("kept next ");
	journal_strike(j, kept);
	note(j, "last");
	journal_write(j);
	ck_assert_waiting("next last ");
	ck_assert_int_eq(faccessat(folder, JOURNAL_FILE ".new", F_OK, 0), -1);
	journal_free(j);
}
END_TEST

START_TEST(test_a_new_file_that_cannot_be_had)
{
	struct journal *j = make();
	struct journal_mark kept = note(j, "kept");

	journal_write(j);
	ck_assert_int_eq(mkdirat(folder, JOURNAL_FILE ".new", 0700), 0);
	journal_rewrite_begin(j);
	kept = note(j, "kept");
	journal_rewrite_end(j);
	ck_assert_waiting("kept kept "); /* twice is harmless: the second is stale */
	note(j, "next");
	journal_strike(j, kept);
	journal_write(j);
	ck_assert_waiting("kept next ");
	journal_free(j);
	unlinkat(folder, JOURNAL_FILE ".new", AT_REMOVEDIR);
}
END_TEST

START_TEST(test_none_and_nonsense)
{
	struct err err;
	int fd, n = 0;

	ck_assert_int_eq(journal_read(folder, check_all, &n, &err), 0);
	fd = openat(folder, JOURNAL_FILE, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	ck_assert_int_eq(write(fd, "no journal at all, but long enough for a head", 45), 45);
	close(fd);
	ck_assert_int_eq(journal_read(folder, check_all, &n, &err), 0);
	ck_assert_uint_eq(journal_add(NULL, &(struct verdict){0}).id, 0);
	journal_strike(NULL, (struct journal_mark){0});
	journal_write(NULL);
	journal_settle(NULL);
	ck_assert(!journal_is_long(NULL));
	journal_free(NULL);
}
END_TEST

int main(void)
{
	TCase *tc;
	Suite *s = suite_with("journal", &tc);

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_test(tc, test_a_verdict_comes_back_whole);
	tcase_add_test(tc, test_what_is_struck_out_is_gone);
	tcase_add_test(tc, test_it_begins_anew_where_nothing_waits);
	tcase_add_test(tc, test_idle_it_is_empty);
	tcase_add_test(tc, test_torn_at_every_byte);
	tcase_add_test(tc, test_a_damaged_byte_ends_the_list);
	tcase_add_test(tc, test_a_long_one_is_written_anew);
	tcase_add_test(tc, test_a_new_file_that_cannot_be_had);
	tcase_add_test(tc, test_none_and_nonsense);
	return suite_run(s);
}

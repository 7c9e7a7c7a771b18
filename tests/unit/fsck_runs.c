/* Tests of what client/fsck decides of runs that iterate: what was read in, suspicions out. */
#include <string.h>

#include "client/fsck/fsck.h"
#include "support/suite.h"

/* "a b c": words with blanks between. */
static struct texts words_of(const char *words)
{
	struct texts out = {0};

	while (*words) {
		size_t len = strcspn(words, " ");

		texts_add(&out, (struct span){words, len});
		words += len + strspn(words + len, " ");
	}
	return out;
}

/* The kinds that were found, with blanks between; forgets them. */
static const char *said(struct fsck_findings *f)
{
	static char words[1024];

	*words = '\0';
	for (size_t i = 0; i < f->n; i++) {
		strcat(words, i ? " " : "");
		strcat(words, fsck_kinds[f->items[i].kind].name);
	}
	fsck_findings_fini(f);
	return words;
}

static const struct {
	const char *record, *parts, *said;
} SUMS[] = {
	{"state done", "", ""},
	{"state done done 3", "0:state done 0:number 3 0:done 3 0:errors 0", ""},
	{"state done done 2", "0:state done 0:number 3 0:done 3 0:errors 0", "run.sums"},
	/* errors are always looked at again: they are listed elsewhere */
	{"done 2 errors 1", "0:number 3 0:done 2 0:errors 1", "run.errors"},
	{"done 3 errors 0", "0:number 3 0:done 2 0:errors 1", ""},
	{"done 1 errors 2", "0:number 3 0:done 2 0:errors 1", "run.sums run.errors"},
	{"done 4 errors -1", "0:number 3 0:done 3 0:errors 0", "run.sums"},
	{"done 1 parts 2 parts_left 1", "1:state done 1:done 1 1:errors 0 2:state queued", ""},
	{"done 1 parts 2 parts_left 2", "1:state done 1:done 1 1:errors 0 2:state queued",
		"parts.left"},
	{"parts 2", "1:state failed 2:state queued", "parts.left"},
	{"parts 2 parts_left 0", "0:state divided 1:state done 2:state cancelled -1:state queued",
		""},
	{"done 5", "1:state running 1:number 5 1:first 0 1:end 4 1:done 5", "part.bounds"},
	{"done 5", "1:state running 1:number 5 1:first 6 1:done 5", "part.bounds"},
	{"done 5", "1:state running 1:number 6 1:first 6 1:end 6 1:done 5", ""},
};

START_TEST(test_sums)
{
	struct texts record = words_of(SUMS[_i].record), parts = words_of(SUMS[_i].parts);
	struct fsck_findings f = {0};

	fsck_check_sums(SPAN_LIT("r"), &record, &parts, &f);
	ck_assert_str_eq(said(&f), SUMS[_i].said);
	texts_fini(&record);
	texts_fini(&parts);
}
END_TEST

START_TEST(test_parts_one_after_the_other)
{
	struct texts parts = words_of("0:state divided 1:number 7 12:state running :state x "
				      "-1:state queued state y 3:state done 4:states z");
	struct fsck_part part = {0};
	size_t at = 0;

	ck_assert(fsck_next_part(&parts, SPAN_LIT("r"), &at, &part));
	ck_assert_str_eq(part.jid.data, "r.p12");
	ck_assert(span_is(part.state, "running") && span_is(part.number, "12"));
	ck_assert(fsck_next_part(&parts, SPAN_LIT("r"), &at, &part));
	ck_assert_str_eq(part.jid.data, "r.p3");
	ck_assert(!fsck_next_part(&parts, SPAN_LIT("r"), &at, &part));
	ck_assert(part.jid.data == NULL);
	texts_fini(&parts);
}
END_TEST

#define IN(place) (1u << (place))

static const struct {
	const char *state;
	unsigned own, of_parts;
	enum fsck_fit want;
} WHOLE[] = {
	{"running", 0, 0, FSCK_NOWHERE},
	{"running", IN(FSCK_LEASE), 0, FSCK_FITS},
	{"running", IN(FSCK_QUEUE), 0, FSCK_CONTRADICTS},
	{"running", 0, IN(FSCK_QUEUE), FSCK_FITS},
	{"paused", 0, IN(FSCK_QUEUE) | IN(FSCK_PAUSED), FSCK_FITS},
	{"paused", IN(FSCK_QUEUE), 0, FSCK_CONTRADICTS},
	{"paused", 0, 0, FSCK_NOWHERE},
	{"done", 0, 0, FSCK_FITS},
	{"done", 0, IN(FSCK_LEASE), FSCK_CONTRADICTS},
	{"failed", IN(FSCK_FAILED), 0, FSCK_FITS},
	{"failed", 0, IN(FSCK_QUEUE), FSCK_CONTRADICTS},
};

START_TEST(test_a_run_and_its_parts)
{
	ck_assert_int_eq(
		fsck_judge_whole(span_of(WHOLE[_i].state), WHOLE[_i].own, WHOLE[_i].of_parts),
		WHOLE[_i].want);
}
END_TEST

static const char *check_part(const char *state, const struct fsck_sighting *s)
{
	struct fsck_part part = {.number = SPAN_LIT("7"), .state = span_of(state)};
	struct fsck_findings f = {0};
	struct fsck_seens seens = {0};

	text_add_str(&part.jid, "r.p7");
	if (s)
		fsck_seens_add(&seens, s);
	fsck_check_part(&seens, SPAN_LIT("r"), &part, &f);
	fsck_seens_fini(&seens);
	text_fini(&part.jid);
	return said(&f);
}

START_TEST(test_where_a_part_is)
{
	const struct fsck_sighting seen = {.place = FSCK_QUEUE,
		.name = SPAN_LIT("low"),
		.bytes = SPAN_LIT("{}"),
		.jid = SPAN_LIT("r.p7"),
		.parent = SPAN_LIT("r")};
	struct fsck_sighting other = seen;

	other.jid = SPAN_LIT("r.p8");
	ck_assert_str_eq(check_part("queued", &seen), "");
	ck_assert_str_eq(check_part("running", &seen), "part.state");
	ck_assert_str_eq(check_part("done", &seen), "part.state");
	ck_assert_str_eq(check_part("done", NULL), "");
	ck_assert_str_eq(check_part("failed", NULL), "");
	ck_assert_str_eq(check_part("queued", NULL), "part.lost");
	ck_assert_str_eq(check_part("queued", &other), "part.lost");
	ck_assert_str_eq(check_part("of another version", &seen), "");
}
END_TEST

/* -- names alone ------------------------------------------------------------------------------- */

static void add_key(struct fsck_image *im, const char *name, const char *type, const char *detail)
{
	fsck_keys_add(&im->keys, span_of(name), span_of(type), span_of(detail));
}

START_TEST(test_what_is_left_behind)
{
	struct fsck_image im = {.pauses = words_of("r 1 e 1 gone 1 r:parts 1")};
	struct fsck_findings f = {0};

	add_key(&im, "drover:run:r", "hash", "running -1");
	add_key(&im, "drover:run:e", "hash", "done 5");
	add_key(&im, "drover:run:r:parts", "hash", "- -1");
	add_key(&im, "drover:run:e:errors", "hash", "- 5");
	add_key(&im, "drover:run:a:log", "stream", "- 5");
	add_key(&im, "drover:run:b:log", "stream", "- -1");
	add_key(&im, "drover:run:c:audit", "list", "- -1");
	add_key(&im, "drover:run::errors", "hash", "- -1"); /* of nobody's */
	add_key(&im, "drover:csv:f", "hash", "- 5");
	add_key(&im, "drover:csv:f:0", "string", "- -1");
	add_key(&im, "drover:csv:g:0", "string", "- 5");
	fsck_keys_sort(&im.keys);
	fsck_check_runs(&im, &f);
	ck_assert_str_eq(said(&f), "run.remains run.remains pause.idle pause.idle pause.idle");
	fsck_check_uploads(&im, &f);
	ck_assert_str_eq(said(&f), "csv.forever csv.chunk");
	texts_fini(&im.pauses);
	fsck_keys_fini(&im.keys);
}
END_TEST

int main(void)
{
	TCase *tc;
	Suite *s = suite_with("fsck_runs", &tc);

	tcase_add_loop_test(tc, test_sums, 0, COUNT(SUMS));
	tcase_add_test(tc, test_parts_one_after_the_other);
	tcase_add_loop_test(tc, test_a_run_and_its_parts, 0, COUNT(WHOLE));
	tcase_add_test(tc, test_where_a_part_is);
	tcase_add_test(tc, test_what_is_left_behind);
	return suite_run(s);
}

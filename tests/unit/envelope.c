/*
 * queue/envelope: what a payload says, and that no byte of it is touched that need not be. Run from
 * the root of the repository, or with VECTORS naming the folder.
 */
#include <glob.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "queue/envelope.h"
#include "support/suite.h"

static const struct {
	const char *payload, *class_name, *args, *jid;
} GOOD[] = {
	{"{\"class\":\"A\",\"args\":[1]}", "A", "[1]", ""},
	{"{\"class\":\"A\"}", "A", "[]", ""},
	{"{\"class\":\"A\",\"args\":null}", "A", "[]", ""},
	{" {\n\"args\" : [ ] , \"class\" : \"A::B\" }\n", "A::B", "[ ]", ""},
	{"{\"class\":\"A\",\"args\":[7.10,1e400,1234567890123456789012345678901234567890]}", "A",
		"[7.10,1e400,1234567890123456789012345678901234567890]", ""},
	{"{\"class\":\"A\",\"args\":[\"\\u00e9\\/\xc3\xa9\",[],{}]}", "A",
		"[\"\\u00e9\\/\xc3\xa9\",[],{}]", ""},
	{"{\"class\":\"caf\\u00e9\"}", "caf\xc3\xa9", "[]", ""},
	{"{\"class\":\"A\",\"jid\":\"ok-1.2:3_4\"}", "A", "[]", "ok-1.2:3_4"},
	{"{\"class\":\"A\",\"jid\":null}", "A", "[]", ""},
	{"{\"class\":\"A\",\"jid\":\"\\u0061b\"}", "A", "[]", "ab"},
	/* the last one wins, as in Ruby */
	{"{\"class\":\"A\",\"args\":[1],\"class\":\"B\",\"args\":[2]}", "B", "[2]", ""},
	{"{\"class\":7,\"class\":\"B\"}", "B", "[]", ""},
	{"{\"class\":\"A\",\"args\":[1],\"args\":null}", "A", "[]", ""},
	/* members of others, members inside of others, a name written with escapes */
	{"{\"class\":\"A\",\"meta\":{\"class\":\"B\",\"jid\":7},\"retry\":true}", "A", "[]", ""},
	{"{\"class\":\"A\",\"\\u0063lass\":\"B\"}", "A", "[]", ""},
	{"{\"class\":\"A\",\"drover\":\"odd\",\"at\":\"odd\"}", "A", "[]", ""},
};

START_TEST(test_good)
{
	struct envelope e;
	struct err err = {""};

	ck_assert_msg(envelope_read(&e, span_of(GOOD[_i].payload), &err) == 0, "%s", err.text);
	ck_assert_span_eq(text_span(&e.class_name), span_of(GOOD[_i].class_name));
	ck_assert_span_eq(e.args, span_of(GOOD[_i].args));
	ck_assert_span_eq(text_span(&e.jid), span_of(GOOD[_i].jid));
	ck_assert_int_eq(e.attempt, 1);
	ck_assert_int_eq(e.interruptions + e.recoveries + e.at_ms, 0);
	ck_assert(!e.track);
	envelope_fini(&e);
}
END_TEST

static const struct {
	struct span payload;
	const char *why, *class_name, *jid; /* what could be read all the same */
} BAD[] = {
	{SPAN_LIT(""), "no JSON", "", ""},
	{SPAN_LIT("not json"), "no JSON", "", ""},
	{SPAN_LIT("{\"class\":\"A\"} x"), "behind the end", "", ""},
	{SPAN_LIT("{\"class\":\"A\",\"args\":[\"\xff\"]}"), "no UTF-8", "", ""},
	{SPAN_LIT("null"), "not an object", "", ""},
	{SPAN_LIT("\"A\""), "not an object", "", ""},
	{SPAN_LIT("[{\"class\":\"A\"}]"), "not an object", "", ""},
	{SPAN_LIT("{}"), "no class", "", ""},
	{SPAN_LIT("{\"class\":null}"), "no class", "", ""},
	{SPAN_LIT("{\"class\":\"A\",\"class\":null}"), "no class", "", ""},
	{SPAN_LIT("{\"class\":7}"), "not a string", "", ""},
	{SPAN_LIT("{\"class\":\"\"}"), "is empty", "", ""},
	{SPAN_LIT("{\"class\":\"A\\u0000\"}"), "NUL", "A", ""},
	{SPAN_LIT("{\"class\":\"A\",\"args\":{}}"), "args are not", "A", ""},
	{SPAN_LIT("{\"class\":\"A\",\"args\":\"[]\"}"), "args are not", "A", ""},
	{SPAN_LIT("{\"args\":7,\"jid\":\"j1\"}"), "no class", "", "j1"},
	{SPAN_LIT("{\"class\":\"A\",\"jid\":7}"), "jid is not", "", ""},
	{SPAN_LIT("{\"class\":\"A\",\"jid\":\"\"}"), "jid is not", "", ""},
	{SPAN_LIT("{\"class\":\"A\",\"jid\":\"a b\"}"), "jid is not", "", ""},
	{SPAN_LIT("{\"class\":\"A\",\"jid\":\"\\u0000\"}"), "jid is not", "", ""},
};

START_TEST(test_bad)
{
	struct envelope e;
	struct err err = {""};

	ck_assert_int_eq(envelope_read(&e, BAD[_i].payload, &err), -1);
	ck_assert_msg(strstr(err.text, BAD[_i].why), "%s", err.text);
	if (*BAD[_i].class_name)
		ck_assert_int_eq(e.class_name.data[0], BAD[_i].class_name[0]);
	ck_assert_span_eq(text_span(&e.jid), span_of(BAD[_i].jid));
	ck_assert_span_eq(e.args, SPAN_LIT("[]"));
	envelope_fini(&e);
}
END_TEST

START_TEST(test_own_member)
{
	static const struct {
		const char *drover, *origin;
		int64_t attempt, interruptions, recoveries;
		bool track;
	} rows[] = {
		{"{}", "", 1, 0, 0, false},
		{"{\"attempt\":3,\"interruptions\":2,\"recoveries\":1,\"track\":true,"
		 "\"origin\":\"resumed\"}",
			"resumed", 3, 2, 1, true},
		{"{\"attempt\":\"3\",\"interruptions\":-1,\"recoveries\":1.5,\"track\":1,"
		 "\"origin\":7}",
			"", 1, 0, 0, false},
		{"{\"attempt\":1e3,\"recoveries\":9999999999999999999,\"track\":false}", "", 1, 0,
			0, false},
		{"{\"origin\":\"a\",\"origin\":\"b\\n\",\"more\":{\"attempt\":9}}", "b\n", 1, 0, 0,
			false},
		{"[]", "", 1, 0, 0, false},
		{"null", "", 1, 0, 0, false},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct text payload = {0};
		struct envelope e;
		struct err err;

		text_addf(&payload, "{\"class\":\"A\",\"drover\":%s}", rows[i].drover);
		ck_assert_int_eq(envelope_read(&e, text_span(&payload), &err), 0);
		ck_assert_int_eq(e.attempt, rows[i].attempt);
		ck_assert_int_eq(e.interruptions, rows[i].interruptions);
		ck_assert_int_eq(e.recoveries, rows[i].recoveries);
		ck_assert_int_eq(e.track, rows[i].track);
		ck_assert_span_eq(text_span(&e.origin), span_of(rows[i].origin));
		envelope_fini(&e);
		text_fini(&payload);
	}
}
END_TEST

START_TEST(test_at)
{
	static const struct {
		const char *at;
		int64_t ms;
	} rows[] = {{"1795289183.123", INT64_C(1795289183123)},
		{"1795289183", INT64_C(1795289183000)}, {"0", 0}, {"-1", 0}, {"1e400", 0},
		{"1e12", 0}, {"\"1\"", 0}, {"null", 0},
		{"1.00000000000000000000000000000000000000000000", 0}};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct text payload = {0};
		struct envelope e;
		struct err err;

		text_addf(&payload, "{\"class\":\"A\",\"at\":%s}", rows[i].at);
		ck_assert_int_eq(envelope_read(&e, text_span(&payload), &err), 0);
		ck_assert_int_eq(e.at_ms, rows[i].ms);
		envelope_fini(&e);
		text_fini(&payload);
	}
}
END_TEST

START_TEST(test_jids)
{
	char jid[JID_MAX + 2], own[JID_OWN + 1], other[JID_OWN + 1];

	memset(jid, 'a', sizeof jid);
	ck_assert(envelope_jid_valid((struct span){jid, 1}));
	ck_assert(envelope_jid_valid((struct span){jid, JID_MAX}));
	ck_assert(!envelope_jid_valid((struct span){jid, JID_MAX + 1}));
	ck_assert(!envelope_jid_valid((struct span){NULL, 0}));
	ck_assert(envelope_jid_valid(SPAN_LIT("AZaz09._:-")));
	for (const char *c = " /\\\"'@+\xc3\n\t*"; *c; c++)
		ck_assert(!envelope_jid_valid((struct span){c, 1}));
	ck_assert(!envelope_jid_valid((struct span){"\0", 1}));
	envelope_new_jid(own);
	envelope_new_jid(other);
	ck_assert_uint_eq(strlen(own), JID_OWN);
	ck_assert_uint_eq(strspn(own, "0123456789abcdef"), JID_OWN);
	ck_assert_str_ne(own, other);
}
END_TEST

START_TEST(test_written_ones_read_back)
{
	struct text out = {0};
	struct envelope e;
	struct err err;

	envelope_compose(&out, &(struct envelope_new){.class_name = SPAN_LIT("A\"b"),
				       .args_json = SPAN_LIT("[7.10]"),
				       .jid = "j1",
				       .now_ms = 1795289183007});
	ck_assert_str_eq(out.data, "{\"class\":\"A\\\"b\",\"args\":[7.10],\"jid\":\"j1\","
				   "\"at\":1795289183.007}");
	ck_assert_int_eq(envelope_read(&e, text_span(&out), &err), 0);
	ck_assert_int_eq(e.at_ms, 1795289183007);
	envelope_fini(&e);
	text_clear(&out);
	envelope_compose(&out, &(struct envelope_new){.class_name = SPAN_LIT("A"),
				       .args_json = SPAN_LIT("[]"),
				       .jid = "j1",
				       .now_ms = 1000,
				       .track = true});
	ck_assert_int_eq(envelope_read(&e, text_span(&out), &err), 0);
	ck_assert(e.track);
	envelope_fini(&e);
	text_fini(&out);
}
END_TEST

/* -- what is said of an iterating job ------------------------------------------------------------- */

static void read_own(struct envelope *e, struct text *payload, const char *own)
{
	struct err err = {""};

	text_clear(payload);
	text_addf(payload, "{\"class\":\"A\",\"drover\":%s}", own);
	ck_assert_msg(envelope_read(e, text_span(payload), &err) == 0, "%s", err.text);
}

START_TEST(test_each_is_read)
{
	struct text payload = {0};
	struct envelope e;

	read_own(&e, &payload,
		"{\"from\":0,\"to\":9,\"limit\":0,\"parallel\":3,\"csv\":\"u1\",\"parent\":\"p1\","
		"\"part\":2,\"retry\":4}");
	ck_assert_int_eq(e.from, 0);
	ck_assert_int_eq(e.to, 9);
	ck_assert_int_eq(e.limit, 0);
	ck_assert_int_eq(e.parallel, 3);
	ck_assert_span_eq(text_span(&e.csv), SPAN_LIT("u1"));
	ck_assert_span_eq(text_span(&e.parent), SPAN_LIT("p1"));
	ck_assert_int_eq(e.part, 2);
	ck_assert_int_eq(e.retry, 4);
	envelope_fini(&e);
	read_own(&e, &payload, "{\"part\":-1}");
	ck_assert_int_eq(e.part, ENVELOPE_END);
	envelope_fini(&e);
	text_fini(&payload);
}
END_TEST

START_TEST(test_each_that_is_odd_is_not_said)
{
	static const char *const odd[] = {"{}", "null",
		"{\"from\":-1,\"to\":1.5,\"limit\":\"7\",\"parallel\":null,\"csv\":\"a/b\","
		"\"parent\":\"a b\",\"part\":-2,\"retry\":true}",
		"{\"csv\":\"ok\",\"csv\":7,\"parent\":\"ok\",\"parent\":null}"};
	struct text payload = {0};
	struct envelope e;

	for (size_t i = 0; i < COUNT(odd); i++) {
		read_own(&e, &payload, odd[i]);
		ck_assert_int_eq(e.from, -1);
		ck_assert_int_eq(e.to, -1);
		ck_assert_int_eq(e.limit, -1);
		ck_assert_int_eq(e.parallel, 0);
		ck_assert_int_eq(e.csv.len + e.parent.len, 0);
		ck_assert_int_eq(e.part, ENVELOPE_NO_PART);
		ck_assert_int_eq(e.retry, 0);
		envelope_fini(&e);
	}
	text_fini(&payload);
}
END_TEST

#define EACH_SAID                                                                          \
	"\"from\":0,\"to\":7,\"limit\":0,\"parallel\":3,\"csv\":\"u1\",\"parent\":\"p1\"," \
	"\"part\":-1,\"retry\":2"

START_TEST(test_each_is_written_and_kept)
{
	const struct envelope_each nothing = {ENVELOPE_EACH};
	const struct envelope_each all = {.to = 7,
		.parallel = 3,
		.csv = SPAN_LIT("u1"),
		.parent = SPAN_LIT("p1"),
		.part = ENVELOPE_END,
		.retry = 2};
	struct envelope_new n = {.class_name = SPAN_LIT("A"),
		.args_json = SPAN_LIT("[]"),
		.jid = "j1",
		.now_ms = 1500,
		.each = &all};
	struct text payload = {0}, again = {0};

	envelope_compose(&payload, &n);
	ck_assert_str_eq(payload.data, "{\"class\":\"A\",\"args\":[],\"jid\":\"j1\",\"at\":1.500,"
				       "\"drover\":{" EACH_SAID "}}");
	envelope_rewrite(&again, text_span(&payload),
		&(struct envelope_change){.jid = SPAN_LIT("j1"), .attempt = 2});
	ck_assert_ptr_nonnull(strstr(again.data, EACH_SAID "}}"));
	text_clear(&payload);
	n.each = &nothing;
	envelope_compose(&payload, &n);
	ck_assert_ptr_null(strstr(payload.data, "drover"));
	text_fini(&payload);
	text_fini(&again);
}
END_TEST

/* -- rewriting --------------------------------------------------------------------------------------- */

#define OURS "\"jid\":\"j9\",\"drover\":{\"attempt\":2,\"interruptions\":1,\"origin\":\"resumed\"}}"

static const struct {
	const char *payload, *rewritten;
} REWRITES[] = {
	{"{\"class\":\"A\",\"args\":[1]}", "{\"class\":\"A\",\"args\":[1]," OURS},
	{" { \"class\" : \"A\" , \"args\" : [ 7.10, 1e400 ] } ",
		"{\"class\":\"A\",\"args\":[ 7.10, 1e400 ]," OURS},
	{"{\"class\":\"A\",\"args\":[1234567890123456789012345678901234567890,-0.0,[],{}]}",
		"{\"class\":\"A\",\"args\":[1234567890123456789012345678901234567890,-0.0,[],{}]"
		"," OURS},
	{"{\"class\":\"A\",\"args\":[\"\\u00e9\\/\\n\xc3\xa9\"]}",
		"{\"class\":\"A\",\"args\":[\"\\u00e9\\/\\n\xc3\xa9\"]," OURS},
	/* members of others stay, twice and with odd names as well */
	{"{\"class\":\"A\",\"x\":1,\"x\":2,\"\":null,\"a\\\"b\":{\"jid\":1}}",
		"{\"class\":\"A\",\"x\":1,\"x\":2,\"\":null,\"a\\\"b\":{\"jid\":1}," OURS},
	/* ours are replaced wherever they stood and however often */
	{"{\"jid\":\"old\",\"class\":\"A\",\"drover\":{\"attempt\":7},\"args\":[]}",
		"{\"class\":\"A\",\"args\":[]," OURS},
	{"{\"jid\":\"a\",\"jid\":\"b\",\"drover\":1,\"drover\":null,\"class\":\"A\"}",
		"{\"class\":\"A\"," OURS},
};

START_TEST(test_rewrite)
{
	const struct envelope_change change = {
		.jid = SPAN_LIT("j9"), .origin = "resumed", .attempt = 2, .interruptions = 1};
	struct text once = {0}, twice = {0};
	struct envelope e;
	struct err err;

	envelope_rewrite(&once, span_of(REWRITES[_i].payload), &change);
	ck_assert_str_eq(once.data, REWRITES[_i].rewritten);
	ck_assert_int_eq(envelope_read(&e, text_span(&once), &err), 0);
	ck_assert_span_eq(text_span(&e.jid), SPAN_LIT("j9"));
	ck_assert_int_eq(e.attempt, 2);
	envelope_fini(&e);
	envelope_rewrite(&twice, text_span(&once), &change);
	ck_assert_str_eq(twice.data, once.data);
	text_fini(&once);
	text_fini(&twice);
}
END_TEST

START_TEST(test_rewrite_says_only_what_there_is)
{
	const struct envelope_change change = {
		.jid = SPAN_LIT("j9"), .attempt = 1, .recoveries = 2, .track = true};
	struct text out = {0};

	envelope_rewrite(&out, SPAN_LIT("{\"jid\":\"x\"}"), &change);
	ck_assert_str_eq(out.data,
		"{\"jid\":\"j9\",\"drover\":{\"attempt\":1,\"recoveries\":2,\"track\":true}}");
	text_fini(&out);
}
END_TEST

/* -- what real clients enqueued ---------------------------------------------------------------------- */

/* Good ones are read, and go back with all their bytes. */
static void check_recorded(const char *payload, int *good, int *bad)
{
	const struct envelope_change change = {.jid = SPAN_LIT("j9"), .attempt = 1};
	struct span bytes = span_of(payload);
	struct text out = {0};
	struct envelope e;
	struct err err;

	if (envelope_read(&e, bytes, &err) < 0) {
		++*bad;
	} else {
		++*good;
		envelope_rewrite(&out, bytes, &change);
		if (e.args.len > 2)
			ck_assert_ptr_nonnull(memmem(out.data, out.len, e.args.at, e.args.len));
		if (e.jid.len == 0 && bytes.at[1] == '"') /* compact, nothing of ours in it */
			ck_assert_mem_eq(out.data, bytes.at, bytes.len - 1);
	}
	envelope_fini(&e);
	text_fini(&out);
}

static void check_scenario(json_t *scenario, const char *when, int *good, int *bad)
{
	json_t *key, *item;
	size_t i, k;

	json_array_foreach(json_object_get(scenario, when), i, key)
	{
		const char *name = json_string_value(json_object_get(key, "key"));

		if (strncmp(name, "resque:queue:", 13) != 0)
			continue;
		json_array_foreach(json_object_get(key, "value"), k, item)
			check_recorded(json_string_value(item), good, bad);
	}
}

START_TEST(test_recorded_payloads)
{
	const char *folder = getenv("VECTORS");
	int good = 0, bad = 0;
	char pattern[512];
	glob_t found;

	snprintf(pattern, sizeof pattern, "%s/[0-9]*.json", folder ? folder : "tests/vectors");
	ck_assert_int_eq(glob(pattern, 0, NULL, &found), 0);
	for (size_t i = 0; i < found.gl_pathc; i++) {
		json_t *scenario = json_load_file(found.gl_pathv[i], 0, NULL);

		ck_assert_ptr_nonnull(scenario);
		check_scenario(scenario, "before", &good, &bad);
		check_scenario(scenario, "after", &good, &bad);
		json_decref(scenario);
	}
	globfree(&found);
	ck_assert_int_ge(good, 30);
	ck_assert_int_ge(bad, 5); /* the poison of 20 to 24 */
}
END_TEST

int main(void)
{
	TCase *t;
	Suite *s = suite_with("envelope", &t);

	tcase_add_loop_test(t, test_good, 0, COUNT(GOOD));
	tcase_add_loop_test(t, test_bad, 0, COUNT(BAD));
	tcase_add_test(t, test_own_member);
	tcase_add_test(t, test_at);
	tcase_add_test(t, test_jids);
	tcase_add_test(t, test_written_ones_read_back);
	tcase_add_test(t, test_each_is_read);
	tcase_add_test(t, test_each_that_is_odd_is_not_said);
	tcase_add_test(t, test_each_is_written_and_kept);
	tcase_add_loop_test(t, test_rewrite, 0, COUNT(REWRITES));
	tcase_add_test(t, test_rewrite_says_only_what_there_is);
	tcase_add_test(t, test_recorded_payloads);
	return suite_run(s);
}

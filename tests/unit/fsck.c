/* Tests of what client/fsck decides without a Redis: what was read in, suspicions out. */
#include <string.h>

#include "client/fsck/fsck.h"
#include "support/suite.h"

#define NOW 1795000000000

/* -- an image, by words ------------------------------------------------------------------------ */

static void add_key(struct fsck_image *im, const char *name, const char *type, const char *detail)
{
	fsck_keys_add(&im->keys, span_of(name), span_of(type), span_of(detail));
}

/* "a b c": words with blanks between. */
static void add_words(struct texts *out, const char *words)
{
	while (*words) {
		size_t len = strcspn(words, " ");

		texts_add(out, (struct span){words, len});
		words += len + strspn(words + len, " ");
	}
}

static void image_fini(struct fsck_image *im)
{
	struct texts *const all[] = {&im->supervisors, &im->taken, &im->queues, &im->parked,
		&im->workers, &im->claimed, &im->heartbeats, &im->times};

	for (size_t i = 0; i < COUNT(all); i++)
		texts_fini(all[i]);
	fsck_keys_fini(&im->keys);
	fsck_set_fini(&im->tokens);
	fsck_set_fini(&im->in_flight);
}

/* The kinds that were found, with blanks between; forgets them. */
static const char *said(struct fsck_findings *f)
{
	static char words[1024];

	*words = '\0';
	for (size_t i = 0; i < f->n; i++) {
		strcat(words, i ? " " : "");
		strcat(words, fsck_kinds[f->items[i].kind].name);
		ck_assert(f->items[i].where.len > 0);
		ck_assert(f->items[i].text.len > 0);
	}
	fsck_findings_fini(f);
	return words;
}

/* -- tests ------------------------------------------------------------------------------------- */

START_TEST(test_every_kind_has_its_words)
{
	for (size_t i = 0; i < FSCK_KINDS; i++)
		for (size_t k = 0; k < i; k++)
			ck_assert_str_ne(fsck_kinds[i].name, fsck_kinds[k].name);
}
END_TEST

START_TEST(test_keys_are_found)
{
	struct fsck_keys keys = {0};
	size_t n = 0;

	for (const char *const *name =
			(const char *const[]){"b:2", "a", "b:", "b:2", "c", "b", NULL};
		*name; name++)
		fsck_keys_add(&keys, span_of(*name), SPAN_LIT("set"), SPAN_LIT(""));
	fsck_keys_sort(&keys);
	ck_assert_uint_eq(keys.n, 5);
	FSCK_EACH_KEY(&keys, i, "b:")
	n++;
	ck_assert_uint_eq(n, 2);
	ck_assert(fsck_keys_have(&keys, "b:", SPAN_LIT("2")));
	ck_assert(!fsck_keys_have(&keys, "b:", SPAN_LIT("1")));
	ck_assert(!fsck_keys_have(&keys, "d", SPAN_LIT("")));
	fsck_keys_fini(&keys);
}
END_TEST

START_TEST(test_types)
{
	static const struct {
		const char *name, *type, *said;
	} cases[] = {{"queues", "set", ""}, {"queues", "list", "key.type"}, {"queue:x", "list", ""},
		{"queue:x", "string", "key.type"}, {"worker:w:started", "string", ""},
		{"workers:heartbeat", "hash", ""}, {"drover:supervisors", "zset", ""},
		{"drover:supervisor:x", "hash", ""}, {"drover:delayed", "hash", "key.type"},
		{"drover:delayed:jobs", "hash", ""}, {"drover:parked", "set", ""},
		{"drover:parked:C", "set", "key.type"}, {"drover:run:j", "hash", ""},
		{"drover:run:j", "list", "key.type"}, {"drover:run:j:audit", "list", ""},
		{"drover:run:j:audit", "hash", ""}, {"drover:schedule", "hash", ""},
		{"drover:schedules", "hash", "key.unknown"}, {"drover:x", "set", "key.unknown"},
		{"whatever", "set", ""}, {"delayed:last_enqueued_at", "hash", ""}};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct fsck_image im = {0};
		struct fsck_findings f = {0};

		add_key(&im, cases[i].name, cases[i].type, "1");
		fsck_check_types(&im, &f);
		ck_assert_str_eq(said(&f), cases[i].said);
		image_fini(&im);
	}
}
END_TEST

START_TEST(test_leases)
{
	static const struct {
		const char *supervisors, *field, *value, *more, *said;
	} cases[] = {
		{"L 1795000000001", "#p", "1", "p.1.1", ""},
		{"L 1795000000000", "#p", "1", "p.1.1", "lease.expired"},
		{"L 1", "#p", "1", NULL, ""},
		{"", "#p", "1", "p.1.1", "lease.unnamed"},
		{"", "#p", "1", NULL, "lease.left"},
		{"", "!p.1.1", "x", NULL, "lease.left"},
		{"L 1795000000001", "#p", "0", "p.1.1", "lease.mark"},
		{"L 1795000000001", "#q", "5", "p.1.1", "lease.mark"},
		{"L 1795000000001", "#p", "5", "nonsense", "lease.mark"},
		{"L 1795000000001", "#a.b", "5", "a.b.5.1", ""},
		{"L 1795000000001", "#~adopt", "2", "~adopt.2.1", ""},
		{"L 1795000000001", "#~adopt", "2 3 a:1:0", "~adopt.2.1", ""},
		{"L 1795000000001", "#~adopt", "1 3 a:1:0", "~adopt.2.1", "lease.mark"},
		{"L 1795000000001", "#p", "x", NULL, "lease.mark"},
		{"L 1795000000001", "!p.1.1", "x", NULL, "lease.lock"},
		{"L 1795000000001", "p.1.1", "what", NULL, "lease.entry"},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct fsck_image im = {.now_ms = NOW};
		struct fsck_findings f = {0};
		struct texts fields = {0};

		add_words(&im.supervisors, cases[i].supervisors);
		texts_add(&fields, span_of(cases[i].field));
		texts_add(&fields, span_of(cases[i].value));
		if (cases[i].more) {
			texts_add(&fields, span_of(cases[i].more));
			texts_add(&fields, SPAN_LIT("taken 1 j 1 w 1 q {}"));
		}
		fsck_check_lease(&im, SPAN_LIT("L"), &fields, &f);
		ck_assert_str_eq(said(&f), cases[i].said);
		texts_fini(&fields);
		image_fini(&im);
	}
}
END_TEST

START_TEST(test_locks)
{
	struct fsck_image im = {0};
	struct fsck_findings f = {0};
	struct texts holders = {0}, pairs = {0};

	fsck_set_add(&im.tokens, fsck_hash(SPAN_LIT("L p.1.1")));
	texts_add(&holders, SPAN_LIT("L p.1.1"));
	texts_add(&holders, SPAN_LIT("L p.1.2"));
	fsck_check_running(&im, SPAN_LIT("C"), &holders, &f);
	ck_assert_str_eq(said(&f), "lock.running");

	texts_add(&pairs, SPAN_LIT("j1"));
	texts_add(&pairs, SPAN_LIT("running L p.1.1"));
	texts_add(&pairs, SPAN_LIT("j2"));
	texts_add(&pairs, SPAN_LIT("running M p.1.1"));
	texts_add(&pairs, SPAN_LIT("j3"));
	texts_add(&pairs, SPAN_LIT("waiting 5"));
	fsck_check_overlap(&im, SPAN_LIT("C"), &pairs, &f);
	ck_assert_str_eq(said(&f), "lock.overlap");

	add_key(&im, "drover:unique:a", "string", "-1 j1 L p.1.1");
	add_key(&im, "drover:unique:b", "string", "-1 j1 L p.1.2");
	add_key(&im, "drover:unique:c", "string", "500 j1");
	add_key(&im, "drover:unique:d", "string", "-1 j1");
	fsck_keys_sort(&im.keys);
	fsck_check_unique(&im, &f);
	ck_assert_str_eq(said(&f), "lock.unique lock.forever");
	texts_fini(&holders);
	texts_fini(&pairs);
	image_fini(&im);
}
END_TEST

START_TEST(test_workers)
{
	static const struct {
		const char *supervisors, *taken, *worker, *claimed, *beat, *said;
	} cases[] = {
		{"h:7:aa 5", "", "h.1:7:q", "", "", ""},
		{"h:77:aa 5", "", "h.1:7:q", "", "", "worker.dead"},
		{"a/b:7:aa 5", "", "a-b.1:7:q", "", "", ""},
		{"h:7:aa 5", "", "h.x.1:7:q", "", "", "worker.dead"},
		{"h.x:7:aa 5", "", "h.x.1:7:q,r", "", "", ""},
		{"", "", "h.1:7:q", "h.1:7:q", "", ""},
		{"", "", "h.1:7:q", "h.1:7:p", "2026-11-21T19:26:23+00:00", "worker.dead"},
		{"", "", "h.1:7:q", "", "2026-11-18T11:06:40+00:00", "worker.strange"},
		{"", "h:7:aa 5", "h.1:7:q", "", "2026-11-18T11:06:40+00:00", "worker.dead"},
		{"", "", "h.1:7:q", "", "no time", "worker.dead"},
		{"", "", "h:7:q", "", "", ""},
		{"", "", "h.web:7:q", "", "", ""},
		{"", "", ".1:7:q", "", "", ""},
		{"", "", "h.1:x:q", "", "", ""},
		{"", "", "h.1:7", "", "", ""},
		{"", "", "h.1", "", "", ""},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct fsck_image im = {.now_ms = 1795000000000};
		struct fsck_findings f = {0};

		if (strcmp(cases[i].beat, "2026-11-21T19:26:23+00:00") == 0)
			im.now_ms += 400000000;
		add_words(&im.supervisors, cases[i].supervisors);
		add_words(&im.taken, cases[i].taken);
		add_words(&im.workers, cases[i].worker);
		add_words(&im.claimed, cases[i].claimed);
		texts_add(&im.heartbeats, span_of(cases[i].worker));
		texts_add(&im.heartbeats, span_of(cases[i].beat));
		fsck_check_workers(&im, &f);
		ck_assert_msg(strcmp(said(&f), cases[i].said) == 0, "case %zu", i);
		image_fini(&im);
	}
}
END_TEST

START_TEST(test_what_workers_left)
{
	struct fsck_image im = {0};
	struct fsck_findings f = {0};

	add_key(&im, "stat:processed:h.1:7:q", "string", "1");
	add_key(&im, "stat:processed:ruby:7:q", "string", "1");
	add_key(&im, "worker:h.1:7:q", "string", "{}");
	add_key(&im, "worker:h.2:7:q:started", "string", "x");
	add_key(&im, "worker:h.3:7:q", "string", "{}");
	fsck_keys_sort(&im.keys);
	add_words(&im.claimed, "h.3:7:q");
	fsck_check_workers(&im, &f);
	ck_assert_str_eq(said(&f), "worker.remains worker.remains");
	image_fini(&im);
}
END_TEST

START_TEST(test_parked)
{
	static const struct {
		const char *listed, *running, *on_its_way, *said;
	} cases[] = {{"C", "C", "", ""}, {"C", "", "C", ""}, {"C", "", "D", "parked.stuck"},
		{"", "C", "", "parked.unlisted"}, {"", "", "", "parked.unlisted parked.stuck"},
		{"C D", "C", "", "parked.empty"}};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct fsck_image im = {0};
		struct fsck_findings f = {0};

		add_key(&im, "drover:parked:C", "list", "1");
		if (*cases[i].running)
			add_key(&im, "drover:running:C", "set", "1");
		fsck_keys_sort(&im.keys);
		add_words(&im.parked, cases[i].listed);
		if (*cases[i].on_its_way)
			fsck_set_add(&im.in_flight, fsck_hash(span_of(cases[i].on_its_way)));
		fsck_check_parked(&im, &f);
		ck_assert_str_eq(said(&f), cases[i].said);
		image_fini(&im);
	}
}
END_TEST

START_TEST(test_counters)
{
	static const struct {
		const char *processed, *failed, *part, *failed_part, *said;
	} cases[] = {{"5", "2", "5", "2", ""}, {"5", "5", "0", "0", ""},
		{"5", "2", "6", "0", "counter"}, {"5", "6", "0", "0", "counter"},
		{"-1", "0", "0", "0", "counter"}, {"5", "x", "0", "0", "counter"},
		{"5", "1", "0", "2", "counter"}, {"5", "2", "junk", "0", ""}};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct fsck_image im = {0};
		struct fsck_findings f = {0};

		add_key(&im, "stat:processed", "string", cases[i].processed);
		add_key(&im, "stat:failed", "string", cases[i].failed);
		add_key(&im, "stat:processed:h:1:q", "string", cases[i].part);
		add_key(&im, "stat:failed:h:1:q", "string", cases[i].failed_part);
		fsck_keys_sort(&im.keys);
		fsck_check_counters(&im, &f);
		ck_assert_str_eq(said(&f), cases[i].said);
		image_fini(&im);
	}
}
END_TEST

#define IN(place) (1u << (place))

START_TEST(test_states_and_places)
{
	static const struct {
		const char *state;
		unsigned places;
		enum fsck_fit fit;
	} cases[] = {{"queued", IN(FSCK_QUEUE), FSCK_FITS}, {"queued", IN(FSCK_LEASE), FSCK_FITS},
		{"queued", 0, FSCK_NOWHERE}, {"queued", IN(FSCK_FAILED), FSCK_CONTRADICTS},
		{"running", IN(FSCK_LEASE), FSCK_FITS}, {"running", 0, FSCK_NOWHERE},
		{"running", IN(FSCK_QUEUE), FSCK_CONTRADICTS},
		{"running", IN(FSCK_QUEUE) | IN(FSCK_LEASE), FSCK_FITS},
		{"retrying", IN(FSCK_DELAYED), FSCK_FITS}, {"parked", IN(FSCK_PARKED), FSCK_FITS},
		{"done", 0, FSCK_FITS}, {"done", IN(FSCK_LEASE), FSCK_CONTRADICTS},
		{"failed", IN(FSCK_FAILED), FSCK_FITS}, {"failed", 0, FSCK_FITS},
		{"failed", IN(FSCK_QUEUE), FSCK_CONTRADICTS}, {"cancelled", 0, FSCK_FITS},
		{"cancelled", IN(FSCK_PARKED), FSCK_CONTRADICTS},
		{"pausing", IN(FSCK_LEASE), FSCK_FITS}, {"pausing", IN(FSCK_PAUSED), FSCK_FITS},
		{"pausing", 0, FSCK_NOWHERE}, {"paused", IN(FSCK_PAUSED), FSCK_FITS},
		{"paused", IN(FSCK_QUEUE), FSCK_CONTRADICTS}, {"paused", 0, FSCK_NOWHERE},
		{"cancelling", IN(FSCK_PAUSED), FSCK_FITS}, {"cancelling", 0, FSCK_NOWHERE},
		{"throttled", IN(FSCK_DELAYED), FSCK_FITS},
		{"running", IN(FSCK_PAUSED), FSCK_CONTRADICTS},
		{"of another version", 0, FSCK_FITS}};

	for (size_t i = 0; i < COUNT(cases); i++)
		ck_assert_int_eq(
			fsck_judge_run(span_of(cases[i].state), cases[i].places), cases[i].fit);
}
END_TEST

static void see(struct fsck_seens *seens, enum fsck_place place, const char *field, const char *jid,
	uint64_t body, bool marked)
{
	fsck_seens_add(seens, &(struct fsck_sighting){.place = place,
				      .name = SPAN_LIT("n"),
				      .field = span_of(field),
				      .bytes = SPAN_LIT("bytes"),
				      .jid = span_of(jid),
				      .body = body,
				      .marked = marked});
}

START_TEST(test_jobs_twice)
{
	static const struct {
		enum fsck_place a, b;
		uint64_t body_b;
		bool marked;
		const char *said;
	} cases[] = {{FSCK_QUEUE, FSCK_LEASE, 1, false, "job.twice"},
		{FSCK_QUEUE, FSCK_QUEUE, 1, false, "job.same_id"},
		{FSCK_QUEUE, FSCK_QUEUE, 1, true, "job.twice"},
		{FSCK_QUEUE, FSCK_LEASE, 2, true, "job.same_id"},
		{FSCK_FAILED, FSCK_FAILED, 1, true, "job.same_id"},
		{FSCK_QUEUE, FSCK_FAILED, 1, false, "job.same_id"},
		{FSCK_DELAYED, FSCK_FAILED, 1, false, "job.twice"}};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct fsck_seens seens = {0};
		struct fsck_findings f = {0};

		see(&seens, cases[i].a, "", "j1", 1, false);
		see(&seens, cases[i].b, "", "j1", cases[i].body_b, cases[i].marked);
		see(&seens, FSCK_QUEUE, "", "j2", 1, true);
		fsck_check_twice(&seens, &f);
		ck_assert_str_eq(said(&f), cases[i].said);
		fsck_seens_fini(&seens);
	}
}
END_TEST

START_TEST(test_a_field_read_twice_is_one_place)
{
	struct fsck_seens seens = {0};
	struct fsck_findings f = {0};

	see(&seens, FSCK_LEASE, "p.1.1", "j1", 1, true);
	see(&seens, FSCK_LEASE, "p.1.1", "j1", 1, true);
	fsck_check_twice(&seens, &f);
	ck_assert_str_eq(said(&f), "");
	see(&seens, FSCK_LEASE, "p.1.2", "j1", 1, true);
	fsck_check_twice(&seens, &f);
	ck_assert_str_eq(said(&f), "job.twice");
	fsck_seens_fini(&seens);
}
END_TEST

START_TEST(test_jobs_by_their_hashes)
{
	static const char *const jids[] = {"a", "b", "a", "c", "a", "b"};
	struct fsck_jobs jobs = {0};
	struct fsck_set twice = {0};

	for (size_t i = 0; i < COUNT(jids); i++)
		fsck_jobs_add(&jobs, &(struct fsck_sighting){.place = (enum fsck_place)(i % 2),
					     .jid = span_of(jids[i])});
	fsck_jobs_sort(&jobs);
	fsck_jobs_twice(&jobs, 10, &twice);
	ck_assert_uint_eq(twice.n, 2);
	ck_assert(fsck_set_has(&twice, fsck_hash(SPAN_LIT("a"))));
	ck_assert(!fsck_set_has(&twice, fsck_hash(SPAN_LIT("c"))));
	ck_assert_uint_eq(fsck_jobs_places(&jobs, fsck_hash(SPAN_LIT("a"))), IN(FSCK_QUEUE));
	ck_assert_uint_eq(fsck_jobs_places(&jobs, fsck_hash(SPAN_LIT("b"))), IN(FSCK_LEASE));
	ck_assert_uint_eq(fsck_jobs_places(&jobs, fsck_hash(SPAN_LIT("d"))), 0);
	fsck_set_fini(&twice);
	fsck_jobs_twice(&jobs, 1, &twice);
	ck_assert_uint_eq(twice.n, 1);
	fsck_set_fini(&twice);
	fsck_jobs_fini(&jobs);
}
END_TEST

START_TEST(test_scheduler_and_ids)
{
	struct fsck_image im = {0};
	struct fsck_findings f = {0};

	add_key(&im, "delayed:5", "list", "1");
	add_key(&im, "delayed:6", "list", "1");
	add_key(&im, "delayed:x", "list", "1");
	add_key(&im, "timestamps:a", "set", "delayed:5 delayed:7");
	add_key(&im, "drover:id:a", "string", "j1 0123456789012345678901234567890123456789");
	add_key(&im, "drover:id:b", "string", "j2 0123456789012345678901234567890123456789");
	add_key(&im, "drover:id:c", "string", "j1");
	add_key(&im, "drover:run:j1", "hash", "done 5");
	add_key(&im, "drover:run:j3", "hash", "done -1");
	add_key(&im, "drover:run:j4", "hash", "queued -1");
	fsck_keys_sort(&im.keys);
	add_words(&im.times, "5");
	fsck_check_scheduler(&im, &f);
	ck_assert_str_eq(said(&f), "scheduler.unlisted scheduler.stale");
	fsck_check_ids(&im, &f);
	ck_assert_str_eq(said(&f), "id.gone id.value");
	fsck_check_runs(&im, &f);
	ck_assert_str_eq(said(&f), "run.forever");
	image_fini(&im);
}
END_TEST

int main(void)
{
	TCase *tc;
	Suite *s = suite_with("fsck", &tc);

	tcase_add_test(tc, test_every_kind_has_its_words);
	tcase_add_test(tc, test_keys_are_found);
	tcase_add_test(tc, test_types);
	tcase_add_test(tc, test_leases);
	tcase_add_test(tc, test_locks);
	tcase_add_test(tc, test_workers);
	tcase_add_test(tc, test_what_workers_left);
	tcase_add_test(tc, test_parked);
	tcase_add_test(tc, test_counters);
	tcase_add_test(tc, test_states_and_places);
	tcase_add_test(tc, test_jobs_twice);
	tcase_add_test(tc, test_a_field_read_twice_is_one_place);
	tcase_add_test(tc, test_jobs_by_their_hashes);
	tcase_add_test(tc, test_scheduler_and_ids);
	return suite_run(s);
}

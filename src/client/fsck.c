/*
 * client/fsck: reads all keys, asks the checks, looks at every suspicion again and mends what may
 * be mended; see fsck.h and drover_fsck in include/drover/client.h.
 */
#include <stdlib.h>
#include <string.h>

#include "base/must.h"
#include "client/fsck.h"
#include "queue/keys.h"
#include "queue/scripts.h"
#include "queue/waiting.h"

#define SUSPECTS_MOST 1000  /* ids in two places that one call looks into */
#define PAGE	      1000  /* members read at once */
#define OVERDUE_MS    60000 /* a due job that waits longer has nobody who promotes it */
#define OVERDUE_MOST  100

struct fsck {
	struct drover_client *c;
	struct fsck_image im;
	struct fsck_findings found;
	struct fsck_jobs jobs;
	struct fsck_set suspects; /* ids */
	struct fsck_seens seens;
	struct texts runs; /* pairs jid, the whole record as it was before the second walk */
	bool parked;	   /* there are parked jobs */
	long long n_jobs;
	struct err err;
};

static struct span text_span(const struct text *t)
{
	return (struct span){t->data ? t->data : "", t->len};
}

/* A key of another type is told as such, and holds nothing else that could be wrong. */
static int ask(struct fsck *k, struct words *w, struct texts *out)
{
	int rc = ask_texts(k->c->redis, w, out, &k->err);

	return rc == ASK_WRONG_TYPE ? 0 : rc;
}

static int read_all(struct fsck *k, const char *command, const char *key, struct span rest,
	const char *more, struct texts *out)
{
	struct words w = {0};

	words_add_str(&w, command);
	words_add_key(&w, k->c->prefix, key, rest);
	if (more) {
		words_add_int(&w, 0);
		words_add_int(&w, -1);
		words_add_str(&w, more);
	}
	return ask(k, &w, out);
}

#define NO_REST SPAN_LIT("")

/* -- small things, read whole ----------------------------------------------------------------------- */

static void add_lines(struct texts *out, struct span lines)
{
	while (lines.len) {
		const char *end = memchr(lines.at, '\n', lines.len);
		size_t len = end ? (size_t)(end - lines.at) : lines.len;

		texts_add(out, (struct span){lines.at, len});
		len += end ? 1 : 0;
		lines.at += len;
		lines.len -= len;
	}
}

static int read_claims(struct fsck *k)
{
	struct texts record = {0};
	int rc = 0;

	for (size_t i = 0; rc == 0 && i + 1 < k->im.supervisors.n; i += 2) {
		texts_fini(&record);
		rc = read_all(k, "HGETALL", KEY_SUPERVISOR, texts_at(&k->im.supervisors, i), NULL,
			&record);
		if (rc == 0)
			add_lines(&k->im.claimed, texts_value(&record, "worker_ids"));
	}
	texts_fini(&record);
	texts_sort(&k->im.claimed);
	return rc;
}

static int read_times(struct fsck *k)
{
	struct texts page = {0};
	int rc = 0;

	for (int64_t from = 0; rc == 0; from += PAGE) {
		texts_fini(&page);
		rc = waiting_foreign_seconds(&k->c->in, from, PAGE, &page, &k->err);
		rc = rc == ASK_WRONG_TYPE ? 0 : rc;
		for (size_t i = 0; i < page.n; i++)
			texts_add(&k->im.times, texts_at(&page, i));
		if (page.n < PAGE)
			break;
	}
	texts_fini(&page);
	texts_sort(&k->im.times);
	return rc;
}

/* Who is registered is read after the names of leases: one that registers meanwhile is no find. */
static int read_small(struct fsck *k)
{
	const struct {
		const char *command, *key, *more;
		struct texts *out;
	} sets[] = {{"ZRANGE", KEY_SUPERVISORS, "WITHSCORES", &k->im.supervisors},
		{"ZRANGE", KEY_TAKEN, "WITHSCORES", &k->im.taken},
		{"SMEMBERS", KEY_QUEUES, NULL, &k->im.queues},
		{"SMEMBERS", KEY_PARKED_CLASSES, NULL, &k->im.parked},
		{"SMEMBERS", KEY_WORKERS, NULL, &k->im.workers},
		{"HGETALL", KEY_HEARTBEAT, NULL, &k->im.heartbeats}};
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < sizeof sets / sizeof *sets; i++)
		rc = read_all(k, sets[i].command, sets[i].key, NO_REST, sets[i].more, sets[i].out);
	texts_sort(&k->im.queues);
	texts_sort(&k->im.parked);
	texts_sort(&k->im.workers);
	if (rc == 0)
		rc = read_claims(k);
	return rc == 0 ? read_times(k) : rc;
}

/* -- one key after the other --------------------------------------------------------------------------- */

typedef void check_fn(struct fsck_image *im, struct span name, const struct texts *content,
	struct fsck_findings *f);

static int check_each(
	struct fsck *k, const char *prefix, const char *type, const char *command, check_fn *check)
{
	struct texts content = {0};
	int rc = 0;

	FSCK_EACH_KEY(&k->im.keys, i, prefix)
	{
		struct span rest = fsck_key_rest(&k->im.keys, i, prefix);

		if (!fsck_key_is(&k->im.keys, i, type))
			continue;
		texts_fini(&content);
		rc = read_all(k, command, prefix, rest, NULL, &content);
		if (rc < 0)
			break;
		check(&k->im, rest, &content, &k->found);
	}
	texts_fini(&content);
	return rc;
}

/* Leases before the locks of those who hold them. */
static int check_owners(struct fsck *k)
{
	int rc = check_each(k, KEY_LEASE, "hash", "HGETALL", fsck_check_lease);

	if (rc == 0)
		rc = check_each(k, KEY_RUNNING, "set", "SMEMBERS", fsck_check_running);
	if (rc == 0)
		rc = check_each(k, KEY_OVERLAP, "hash", "HGETALL", fsck_check_overlap);
	return rc;
}

static void check_names(struct fsck *k)
{
	fsck_check_types(&k->im, &k->found);
	fsck_check_queues(&k->im, &k->found);
	fsck_check_supervisors(&k->im, &k->found);
	fsck_check_unique(&k->im, &k->found);
	fsck_check_workers(&k->im, &k->found);
	fsck_check_runs(&k->im, &k->found);
	fsck_check_ids(&k->im, &k->found);
	fsck_check_scheduler(&k->im, &k->found);
	fsck_check_counters(&k->im, &k->found);
}

/* -- members of large sets and hashes ------------------------------------------------------------------- */

typedef void member_fn(struct fsck *k, struct span member, void *ctx);

/* All of a hash's fields, or a zset's members. */
static int scan_members(
	struct fsck *k, const char *command, const char *key, member_fn *fn, void *ctx)
{
	struct texts page = {0};
	struct text cursor = {0};
	int rc;

	text_add_char(&cursor, '0');
	do {
		struct words w = {0};

		words_add_str(&w, command);
		words_add_key(&w, k->c->prefix, key, NO_REST);
		words_add(&w, text_span(&cursor));
		words_add_str(&w, "COUNT");
		words_add_int(&w, PAGE / 10);
		texts_fini(&page);
		rc = ask(k, &w, &page);
		text_clear(&cursor);
		if (rc == 0 && page.n > 0)
			text_add_span(&cursor, texts_at(&page, 0));
		for (size_t i = 1; rc == 0 && i + 1 < page.n; i += 2)
			fn(k, texts_at(&page, i), ctx);
	} while (rc == 0 && cursor.len && strcmp(cursor.data, "0") != 0);
	text_fini(&cursor);
	texts_fini(&page);
	return rc;
}

static void note_member(struct fsck *k, struct span member, void *ctx)
{
	(void)k;
	fsck_set_add(ctx, fsck_hash(member));
}

static void want_time(struct fsck *k, struct span member, void *ctx)
{
	if (!fsck_set_has(ctx, fsck_hash(member)))
		words_add(&fsck_add(&k->found, FSCK_DELAYED_TIMELESS, KEY_DELAYED_JOBS, NO_REST,
				  "the job %.*s has no time at which it is due", FSCK_SHORT(member))
				   ->words,
			member);
}

static void want_job(struct fsck *k, struct span member, void *ctx)
{
	if (!fsck_set_has(ctx, fsck_hash(member)))
		words_add(&fsck_add(&k->found, FSCK_DELAYED_EMPTY, KEY_DELAYED, NO_REST,
				  "%.*s is due some time, and there is no job behind it",
				  FSCK_SHORT(member))
				   ->words,
			member);
}

static void want_record(struct fsck *k, struct span member, void *ctx)
{
	(void)ctx;
	if (!fsck_keys_have(&k->im.keys, KEY_RUN, member))
		words_add(&fsck_add(&k->found, FSCK_RUNS_GONE, KEY_RUNS, NO_REST,
				  "lists %.*s, whose record is gone", FSCK_SHORT(member))
				   ->words,
			member);
}

static int check_delayed(struct fsck *k)
{
	struct fsck_set times = {0}, jobs = {0};
	int rc = scan_members(k, "ZSCAN", KEY_DELAYED, note_member, &times);

	if (rc == 0)
		rc = scan_members(k, "HSCAN", KEY_DELAYED_JOBS, note_member, &jobs);
	if (rc == 0)
		rc = scan_members(k, "HSCAN", KEY_DELAYED_JOBS, want_time, &times);
	if (rc == 0)
		rc = scan_members(k, "ZSCAN", KEY_DELAYED, want_job, &jobs);
	fsck_set_fini(&times);
	fsck_set_fini(&jobs);
	return rc;
}

/* Only where a supervisor lives that should promote them. */
static int check_overdue(struct fsck *k)
{
	struct texts late = {0};
	struct words w = {0};
	int rc;

	if (k->im.supervisors.n == 0)
		return 0;
	words_add_str(&w, "ZRANGEBYSCORE");
	words_add_key(&w, k->c->prefix, KEY_DELAYED, NO_REST);
	words_add_str(&w, "-inf");
	words_add_int(&w, k->im.now_ms - OVERDUE_MS);
	words_add_str(&w, "LIMIT");
	words_add_int(&w, 0);
	words_add_int(&w, OVERDUE_MOST);
	rc = ask(k, &w, &late);
	for (size_t i = 0; rc == 0 && i < late.n; i++) {
		struct fsck_finding *finding = fsck_add(&k->found, FSCK_DELAYED_OVERDUE,
			KEY_DELAYED, NO_REST, "%.*s was due more than a minute ago",
			FSCK_SHORT(texts_at(&late, i)));

		words_add(&finding->words, texts_at(&late, i));
		words_add_int(&finding->words, OVERDUE_MS);
	}
	texts_fini(&late);
	return rc;
}

/* -- jobs in their places ----------------------------------------------------------------------------------- */

static void note_wrong(struct fsck *k, const struct fsck_sighting *s)
{
	bool parked = s->place == FSCK_PARKED;
	struct text where = {0};
	struct fsck_finding *finding;

	fsck_add_where(&where, s);
	finding = fsck_add(&k->found, parked ? FSCK_PARKED_ITEM : FSCK_DELAYED_ITEM, where.data,
		NO_REST, "%.*s: %s", FSCK_SHORT(parked ? s->bytes : s->field), s->wrong);
	if (!parked)
		words_add(&finding->words, s->field);
	words_add(&finding->words, s->bytes);
	text_fini(&where);
}

static void note_way(struct fsck *k, const struct fsck_sighting *s)
{
	if (k->parked && (s->place == FSCK_QUEUE || s->place == FSCK_LEASE) &&
		fsck_keys_have(&k->im.keys, KEY_PARKED, s->class_name))
		fsck_set_add(&k->im.in_flight, fsck_hash(s->class_name));
}

static void see_first(void *ctx, const struct fsck_sighting *s)
{
	struct fsck *k = ctx;

	k->n_jobs++;
	note_way(k, s);
	if (s->wrong)
		note_wrong(k, s);
	if (s->jid.len && !s->retried)
		fsck_jobs_add(&k->jobs, s);
}

static void see_again(void *ctx, const struct fsck_sighting *s)
{
	struct fsck *k = ctx;

	note_way(k, s);
	if (s->jid.len && !s->retried && fsck_set_has(&k->suspects, fsck_hash(s->jid)))
		fsck_seens_add(&k->seens, s);
}

/* The whole of it as one text, to be compared, and its state. */
static int read_record(struct fsck *k, struct span jid, struct text *record, struct text *state)
{
	struct texts pairs = {0};
	int rc = read_all(k, "HGETALL", KEY_RUN, jid, NULL, &pairs);

	for (size_t i = 0; rc == 0 && i < pairs.n; i++) {
		text_add_span(record, texts_at(&pairs, i));
		text_add_char(record, '\0');
	}
	text_add_span(state, texts_value(&pairs, "state"));
	texts_fini(&pairs);
	return rc;
}

static int suspect_run(struct fsck *k, struct span jid)
{
	struct text record = {0}, state = {0};
	int rc = read_record(k, jid, &record, &state);

	fsck_set_add(&k->suspects, fsck_hash(jid));
	texts_add(&k->runs, jid);
	texts_add(&k->runs, text_span(&record));
	text_fini(&record);
	text_fini(&state);
	return rc;
}

/* Runs whose state and place did not fit at the first look, with what their records say now. */
static int suspect_runs(struct fsck *k)
{
	int rc = 0;

	FSCK_EACH_KEY(&k->im.keys, i, KEY_RUN)
	{
		struct span jid = fsck_key_rest(&k->im.keys, i, KEY_RUN);
		struct span detail = fsck_key_detail(&k->im.keys, i);
		const char *blank = detail.len ? memchr(detail.at, ' ', detail.len) : NULL;
		struct span state = {detail.at, blank ? (size_t)(blank - detail.at) : 0};

		if (fsck_key_is(&k->im.keys, i, "hash") &&
			fsck_judge_run(state, fsck_jobs_places(&k->jobs, fsck_hash(jid))) !=
				FSCK_FITS)
			rc = suspect_run(k, jid);
		if (rc < 0)
			break;
	}
	return rc;
}

/* A record that changed since before the second walk clears its job: somebody works on it. */
static int check_run_again(struct fsck *k, struct span jid, struct span before)
{
	struct text now = {0}, state = {0};
	int rc = read_record(k, jid, &now, &state);

	if (rc == 0 && now.len > 0 && now.len == before.len &&
		memcmp(now.data, before.at, now.len) == 0)
		fsck_check_run(&k->seens, jid, text_span(&state), &k->found);
	text_fini(&now);
	text_fini(&state);
	return rc;
}

static int check_suspects(struct fsck *k)
{
	int rc = 0;

	if (k->suspects.n || k->parked)
		rc = fsck_walk(k->c, &k->im, see_again, k, &k->err);
	if (rc == 0)
		fsck_check_twice(&k->seens, &k->found);
	for (size_t i = 0; rc == 0 && i + 1 < k->runs.n; i += 2)
		rc = check_run_again(k, texts_at(&k->runs, i), texts_at(&k->runs, i + 1));
	return rc;
}

static int check_jobs(struct fsck *k)
{
	size_t first = fsck_keys_first(&k->im.keys, SPAN_LIT(KEY_PARKED));
	int rc;

	k->parked = first < k->im.keys.n && fsck_key_rest(&k->im.keys, first, KEY_PARKED).at;
	rc = fsck_walk(k->c, &k->im, see_first, k, &k->err);
	if (rc < 0)
		return rc;
	fsck_jobs_sort(&k->jobs);
	fsck_jobs_twice(&k->jobs, SUSPECTS_MOST, &k->suspects);
	rc = suspect_runs(k);
	if (rc == 0)
		rc = check_suspects(k);
	fsck_check_parked(&k->im, &k->found);
	return rc;
}

/* -- all of it -------------------------------------------------------------------------------------------- */

static int collect(struct fsck *k)
{
	int rc = inspect_time(&k->c->in, &k->im.now_ms, &k->err);

	if (rc == 0)
		rc = fsck_keys_load(k->c, &k->im.keys, &k->err);
	if (rc == 0)
		rc = read_small(k);
	if (rc == 0)
		rc = check_owners(k);
	if (rc == 0)
		check_names(k);
	if (rc == 0)
		rc = check_jobs(k);
	if (rc == 0)
		rc = check_delayed(k);
	if (rc == 0)
		rc = check_overdue(k);
	return rc == 0 ? scan_members(k, "ZSCAN", KEY_RUNS, want_record, NULL) : rc;
}

enum again { GONE = 0, HOLDS = 1, MENDED = 2 };

static bool is_about_types(const struct err *err)
{
	return strstr(err->text, "WRONGTYPE") != NULL;
}

/* Below 0: as queue/ask.h says. */
static int look_again(struct fsck *k, const struct fsck_finding *f, bool mend)
{
	struct words w = {0};
	int64_t answer = 0;
	int rc;

	words_add_str(&w, "EVAL"); /* whole: hardly any connection needs it */
	words_add_str(&w, script_fsck.text);
	words_add_int(&w, 0);
	words_add_str(&w, k->c->prefix);
	words_add_str(&w, mend ? "mend" : "look");
	words_add_str(&w, fsck_kinds[f->kind].name);
	words_add(&w, text_span(&f->where));
	for (size_t i = 0; i < f->words.n; i++) {
		size_t from = i ? f->words.ends[i - 1] : 0;

		words_add(&w, (struct span){f->words.bytes.data + from, f->words.ends[i] - from});
	}
	rc = ask_number(k->c->redis, &w, &answer, &k->err);
	if (rc < 0 && rc != ASK_LOST && is_about_types(&k->err))
		return GONE; /* the type of the key is the finding */
	return rc < 0 ? rc : (int)answer;
}

static void tell(const struct fsck_finding *f, bool mended, drover_finding_fn *fn, void *ctx,
	struct drover_fsck_sum *sum)
{
	const struct fsck_kind_facts *kind = &fsck_kinds[f->kind];
	struct drover_finding finding = {.kind = internal_give(span_of(kind->name)),
		.notice = kind->notice,
		.where = internal_give_text(&f->where),
		.text = internal_give_text(&f->text),
		.repair = internal_give(span_of(kind->repair)),
		.mended = mended};

	*(kind->notice ? &sum->notices : &sum->findings) += 1;
	sum->mended += mended;
	sum->left += !kind->notice && !mended;
	fn(ctx, &finding);
}

static int tell_all(
	struct fsck *k, bool repair, drover_finding_fn *fn, void *ctx, struct drover_fsck_sum *sum)
{
	for (size_t i = 0; i < k->found.n; i++) {
		int rc = look_again(k, &k->found.items[i], repair);

		if (rc < 0)
			return rc;
		if (rc != GONE)
			tell(&k->found.items[i], rc == MENDED, fn, ctx, sum);
	}
	return 0;
}

static void fini(struct fsck *k)
{
	struct texts *const texts[] = {&k->im.supervisors, &k->im.taken, &k->im.queues,
		&k->im.parked, &k->im.workers, &k->im.claimed, &k->im.heartbeats, &k->im.times,
		&k->runs};

	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		texts_fini(texts[i]);
	fsck_keys_fini(&k->im.keys);
	fsck_set_fini(&k->im.tokens);
	fsck_set_fini(&k->im.in_flight);
	fsck_set_fini(&k->suspects);
	fsck_findings_fini(&k->found);
	fsck_jobs_fini(&k->jobs);
	fsck_seens_fini(&k->seens);
}

int drover_fsck(struct drover_client *c, bool repair, drover_finding_fn *fn, void *ctx,
	struct drover_fsck_sum *sum, struct drover_error *error)
{
	struct fsck k = {.c = c};
	int rc = collect(&k), failed;

	*sum = (struct drover_fsck_sum){0};
	failed = rc < 0 ? internal_read_failed(error, rc, &k.err) : 0;
	if (rc == 0) {
		sum->keys = (long long)k.im.keys.n;
		sum->jobs = k.n_jobs;
		rc = tell_all(&k, repair, fn, ctx, sum);
		if (rc < 0 && repair)
			failed = internal_write_failed(error, rc, &k.err, "all of it was mended");
		else if (rc < 0)
			failed = internal_read_failed(error, rc, &k.err);
	}
	fini(&k);
	return failed;
}

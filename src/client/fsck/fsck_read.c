/* client/fsck_read: keys read one after the other, large ones a page at a time; see fsck_work.h. Only reads. */
#include <string.h>

#include "client/fsck/fsck_work.h"
#include "queue/keys.h"
#include "queue/waiting.h"

#define PAGE	     1000  /* members read at once */
#define OVERDUE_MS   60000 /* a due job that waits longer has nobody who promotes it */
#define OVERDUE_MOST 100
#define NO_REST	     SPAN_LIT("")

int fsck_ask(struct fsck *k, struct words *w, struct texts *out)
{
	int rc = ask_texts(k->c->redis, w, out, &k->err);

	return rc == ASK_WRONG_TYPE ? 0 : rc;
}

int fsck_read(struct fsck *k, const char *command, const char *key, struct span rest,
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
	return fsck_ask(k, &w, out);
}

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
		rc = fsck_read(k, "HGETALL", KEY_SUPERVISOR, texts_at(&k->im.supervisors, i), NULL,
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
int fsck_read_small(struct fsck *k)
{
	const struct {
		const char *command, *key, *more;
		struct texts *out;
	} sets[] = {{"ZRANGE", KEY_SUPERVISORS, "WITHSCORES", &k->im.supervisors},
		{"ZRANGE", KEY_TAKEN, "WITHSCORES", &k->im.taken},
		{"SMEMBERS", KEY_QUEUES, NULL, &k->im.queues},
		{"SMEMBERS", KEY_PARKED_CLASSES, NULL, &k->im.parked},
		{"SMEMBERS", KEY_WORKERS, NULL, &k->im.workers},
		{"HGETALL", KEY_HEARTBEAT, NULL, &k->im.heartbeats},
		{"HGETALL", KEY_PAUSE, NULL, &k->im.pauses}};
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < sizeof sets / sizeof *sets; i++)
		rc = fsck_read(k, sets[i].command, sets[i].key, NO_REST, sets[i].more, sets[i].out);
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
		rc = fsck_read(k, command, prefix, rest, NULL, &content);
		if (rc < 0)
			break;
		check(&k->im, rest, &content, &k->found);
	}
	texts_fini(&content);
	return rc;
}

/* Leases before the locks of those who hold them. */
int fsck_read_owners(struct fsck *k)
{
	int rc = check_each(k, KEY_LEASE, "hash", "HGETALL", fsck_check_lease);

	if (rc == 0)
		rc = check_each(k, KEY_RUNNING, "set", "SMEMBERS", fsck_check_running);
	if (rc == 0)
		rc = check_each(k, KEY_OVERLAP, "hash", "HGETALL", fsck_check_overlap);
	return rc;
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
		words_add(&w, (struct span){cursor.data, cursor.len});
		words_add_str(&w, "COUNT");
		words_add_int(&w, PAGE / 10);
		texts_fini(&page);
		rc = fsck_ask(k, &w, &page);
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
	rc = fsck_ask(k, &w, &late);
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

int fsck_read_delayed(struct fsck *k)
{
	int rc = check_delayed(k);

	return rc < 0 ? rc : check_overdue(k);
}

int fsck_read_runs(struct fsck *k)
{
	return scan_members(k, "ZSCAN", KEY_RUNS, want_record, NULL);
}

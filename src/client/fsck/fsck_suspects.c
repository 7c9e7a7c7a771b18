/*
 * client/fsck_suspects: jobs in their places, and a second look for those that stand twice, nowhere,
 * or not where their record says; see fsck_work.h. Only reads.
 */
#include <string.h>

#include "client/fsck/fsck_work.h"
#include "queue/keys.h"
#include "queue/waiting.h"

#define NO_REST SPAN_LIT("")

/* -- jobs in their places ----------------------------------------------------------------------------------- */

static void note_wrong(struct fsck *k, const struct fsck_sighting *s)
{
	static const enum fsck_kind kinds[] = {[FSCK_PARKED] = FSCK_PARKED_ITEM,
		[FSCK_PAUSED] = FSCK_PAUSED_ITEM,
		[FSCK_DELAYED] = FSCK_DELAYED_ITEM};
	bool parked = s->place == FSCK_PARKED;
	struct text where = {0};
	struct fsck_finding *finding;

	fsck_add_where(&where, s);
	finding = fsck_add(&k->found, kinds[s->place], where.data, NO_REST, "%.*s: %s",
		FSCK_SHORT(parked ? s->bytes : s->field), s->wrong);
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
	if (s->parent.len)
		fsck_jobs_add_part(&k->parts, s);
}

static void see_again(void *ctx, const struct fsck_sighting *s)
{
	struct fsck *k = ctx;

	note_way(k, s);
	if (s->jid.len && !s->retried &&
		(fsck_set_has(&k->suspects, fsck_hash(s->jid)) ||
			(s->parent.len && fsck_set_has(&k->suspects, fsck_hash(s->parent)))))
		fsck_seens_add(&k->seens, s);
}

/* Where a job stands, or the parts of a run. */
static unsigned find_places(const struct fsck *k, uint64_t jid)
{
	return fsck_jobs_places(&k->jobs, jid) | fsck_jobs_places(&k->parts, jid);
}

/* The whole of it as one text, to be compared, and its state. */
static int read_record(struct fsck *k, struct span jid, struct text *record, struct text *state)
{
	struct texts pairs = {0};
	int rc = fsck_read(k, "HGETALL", KEY_RUN, jid, NULL, &pairs);

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
	texts_add(&k->runs, fsck_span(&record));
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
			fsck_judge_run(state, find_places(k, fsck_hash(jid))) != FSCK_FITS)
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
		fsck_check_run(&k->seens, jid, fsck_span(&state), &k->found);
	text_fini(&now);
	text_fini(&state);
	return rc;
}

/* A lock in the name of a job that was seen nowhere. */
static void suspect_lock(
	struct fsck *k, struct span key, struct span field, struct span jid, struct span value)
{
	uint64_t hash = fsck_hash(jid);

	if (find_places(k, hash))
		return;
	fsck_set_add(&k->suspects, hash);
	texts_add(&k->locks, key);
	texts_add(&k->locks, field);
	texts_add(&k->locks, jid);
	texts_add(&k->locks, value);
}

/* "TTL_MS JID": what more there is belongs to a job that runs. */
static void suspect_unique(struct fsck *k)
{
	FSCK_EACH_KEY(&k->im.keys, i, KEY_UNIQUE)
	{
		struct span detail = fsck_key_detail(&k->im.keys, i);
		const char *blank = detail.len ? memchr(detail.at, ' ', detail.len) : NULL;
		struct span jid = {"", 0};

		if (blank)
			jid = (struct span){
				blank + 1, detail.len - (size_t)(blank + 1 - detail.at)};
		if (fsck_key_is(&k->im.keys, i, "string") && jid.len &&
			!memchr(jid.at, ' ', jid.len))
			suspect_lock(k, fsck_key_name(&k->im.keys, i), NO_REST, jid, jid);
	}
}

/* "waiting EXPIRES_MS"; one that is over holds nothing up. */
static int suspect_overlap(struct fsck *k)
{
	struct texts pairs = {0};
	int rc = 0;

	FSCK_EACH_KEY(&k->im.keys, i, KEY_OVERLAP)
	{
		texts_fini(&pairs);
		rc = fsck_read(k, "HGETALL", KEY_OVERLAP,
			fsck_key_rest(&k->im.keys, i, KEY_OVERLAP), NULL, &pairs);
		if (rc < 0)
			break;
		for (size_t n = 0; n + 1 < pairs.n; n += 2) {
			struct span value = texts_at(&pairs, n + 1), until = value;
			size_t word = strlen("waiting ");

			if (value.len <= word || memcmp(value.at, "waiting ", word) != 0)
				continue;
			until = (struct span){value.at + word, value.len - word};
			if (ask_to_number(until, 0) > k->im.now_ms)
				suspect_lock(k, fsck_key_name(&k->im.keys, i), texts_at(&pairs, n),
					texts_at(&pairs, n), value);
		}
	}
	texts_fini(&pairs);
	return rc;
}

static void check_lock(struct fsck *k, size_t i)
{
	struct span jid = texts_at(&k->locks, i + 2);
	struct fsck_finding *finding;

	if (fsck_seens_have(&k->seens, jid))
		return;
	finding = fsck_add(&k->found, FSCK_LOCK_IDLE, "", texts_at(&k->locks, i),
		"is held by the waiting job %.*s, which is nowhere", FSCK_SHORT(jid));
	words_add(&finding->words, texts_at(&k->locks, i + 3));
	words_add(&finding->words, texts_at(&k->locks, i + 1));
}

/* Is there a run or a lock whose job was not seen in any walk? */
static bool misses_one(const struct fsck *k)
{
	for (size_t i = 0; i + 1 < k->runs.n; i += 2)
		if (!fsck_seens_have(&k->seens, texts_at(&k->runs, i)))
			return true;
	for (size_t i = 0; i + 3 < k->locks.n; i += 4)
		if (!fsck_seens_have(&k->seens, texts_at(&k->locks, i + 2)))
			return true;
	return false;
}

static int check_suspects(struct fsck *k)
{
	int rc = 0;

	if (k->suspects.n || k->parked)
		rc = fsck_walk(k->c, &k->im, see_again, k, &k->err);
	if (rc == 0 && misses_one(k))
		rc = fsck_walk(k->c, &k->im, see_again, k, &k->err);
	if (rc == 0)
		fsck_check_twice(&k->seens, &k->found);
	for (size_t i = 0; rc == 0 && i + 3 < k->locks.n; i += 4)
		check_lock(k, i);
	for (size_t i = 0; rc == 0 && i + 1 < k->runs.n; i += 2)
		rc = check_run_again(k, texts_at(&k->runs, i), texts_at(&k->runs, i + 1));
	return rc;
}

int fsck_find_jobs(struct fsck *k)
{
	size_t first = fsck_keys_first(&k->im.keys, SPAN_LIT(KEY_PARKED));
	int rc;

	k->parked = first < k->im.keys.n && fsck_key_rest(&k->im.keys, first, KEY_PARKED).at;
	rc = fsck_walk(k->c, &k->im, see_first, k, &k->err);
	if (rc < 0)
		return rc;
	fsck_jobs_sort(&k->jobs);
	fsck_jobs_sort(&k->parts);
	fsck_jobs_twice(&k->jobs, FSCK_TWICE_MOST, &k->suspects);
	k->many = k->suspects.n == FSCK_TWICE_MOST;
	suspect_unique(k);
	rc = suspect_overlap(k);
	if (rc == 0)
		rc = suspect_runs(k);
	if (rc == 0)
		rc = check_suspects(k);
	fsck_check_parked(&k->im, &k->found);
	return rc;
}

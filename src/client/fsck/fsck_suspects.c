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

static void note_place(struct fsck *k, enum fsck_kind kind, const char *key,
	const struct fsck_sighting *s, const char *what)
{
	struct fsck_finding *finding =
		fsck_add(&k->found, kind, key, s->name, "%.*s: %s", FSCK_SHORT(s->jid), what);

	words_add(&finding->words, s->field);
	words_add(&finding->words, s->bytes);
	words_add(&finding->words, s->parent.len ? s->parent : s->jid);
}

/* A job that is put by, and nobody wants that; one that has a record to go on from, and there is none. */
static void note_run(struct fsck *k, const struct fsck_sighting *s)
{
	struct span run = s->parent.len ? s->parent : s->jid;

	if (s->place == FSCK_PAUSED && !fsck_value(&k->im.pauses, run).at)
		note_place(k, FSCK_PAUSED_UNWANTED, KEY_PAUSED_JOBS, s,
			"is put by, and its run is neither paused nor wanted to be");
	if (s->has_record && !fsck_keys_have(&k->im.keys, KEY_RUN, run))
		note_place(k, FSCK_LEASE_RECORD, KEY_LEASE, s,
			"has said where it is, and there is no record of it");
}

static void see_first(void *ctx, const struct fsck_sighting *s)
{
	struct fsck *k = ctx;

	k->n_jobs++;
	note_way(k, s);
	if (s->wrong)
		note_wrong(k, s);
	else
		note_run(k, s);
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

/* -- runs ---------------------------------------------------------------------------------------------------- */

/* A run's record and its parts, as pairs, and both as one text to be compared. */
struct run {
	struct span jid;
	struct texts record, parts;
	struct text whole;
};

static void run_fini(struct run *r)
{
	texts_fini(&r->record);
	texts_fini(&r->parts);
	text_fini(&r->whole);
}

static int read_pairs(struct fsck *k, struct run *r, const char *behind, struct texts *pairs)
{
	struct text name = {0};
	int rc;

	text_add_span(&name, r->jid);
	text_add_str(&name, behind);
	rc = fsck_read(k, "HGETALL", KEY_RUN, fsck_span(&name), NULL, pairs);
	text_fini(&name);
	for (size_t i = 0; rc == 0 && i < pairs->n; i++) {
		text_add_span(&r->whole, texts_at(pairs, i));
		text_add_char(&r->whole, '\0');
	}
	return rc;
}

static int read_run(struct fsck *k, struct span jid, struct run *r)
{
	int rc;

	*r = (struct run){.jid = jid};
	rc = read_pairs(k, r, "", &r->record);
	return rc < 0 ? rc : read_pairs(k, r, KEY_PARTS, &r->parts);
}

static int suspect_run(struct fsck *k, struct span jid)
{
	struct run run;
	int rc = read_run(k, jid, &run);

	fsck_set_add(&k->suspects, fsck_hash(jid));
	texts_add(&k->runs, jid);
	texts_add(&k->runs, fsck_span(&run.whole));
	run_fini(&run);
	return rc;
}

static bool has_parts(const struct fsck *k, struct span jid)
{
	struct text name = {0};
	bool found;

	text_add_span(&name, jid);
	text_add_str(&name, KEY_PARTS);
	found = fsck_keys_have(&k->im.keys, KEY_RUN, fsck_span(&name));
	text_fini(&name);
	return found;
}

/* What adds up is looked at once; where its parts stand is only a suspicion. */
static int look_at_parts(struct fsck *k, struct span jid, bool *fits)
{
	struct fsck_part part = {0};
	struct run run;
	size_t at = 0;
	int rc = read_run(k, jid, &run);

	if (rc == 0 && run.record.n > 0)
		fsck_check_sums(jid, &run.record, &run.parts, &k->found);
	while (fsck_next_part(&run.parts, jid, &at, &part))
		*fits = *fits && fsck_judge_run(part.state,
					 fsck_jobs_places(&k->jobs,
						 fsck_hash(fsck_span(&part.jid)))) == FSCK_FITS;
	run_fini(&run);
	return rc;
}

/* Runs whose state and place did not fit at the first look, with what their records say now. */
static int suspect_runs(struct fsck *k)
{
	int rc = 0;

	for (size_t i = fsck_keys_first(&k->im.keys, SPAN_LIT(KEY_RUN));
		rc == 0 && i < k->im.keys.n && fsck_key_rest(&k->im.keys, i, KEY_RUN).at; i++) {
		struct span jid, state;
		uint64_t hash;
		bool fits;

		if (!fsck_key_run(&k->im.keys, i, &jid, &state))
			continue;
		hash = fsck_hash(jid);
		fits = fsck_judge_whole(state, fsck_jobs_places(&k->jobs, hash),
			       fsck_jobs_places(&k->parts, hash)) == FSCK_FITS;
		if (has_parts(k, jid))
			rc = look_at_parts(k, jid, &fits);
		if (rc == 0 && !fits)
			rc = suspect_run(k, jid);
	}
	return rc;
}

/* A record that changed since before the second walk clears its jobs: somebody works on them. */
static int check_run_again(struct fsck *k, struct span jid, struct span before)
{
	struct fsck_part part = {0};
	struct run now;
	size_t at = 0;
	int rc = read_run(k, jid, &now);

	if (rc == 0 && now.record.n > 0 && now.whole.len == before.len &&
		memcmp(now.whole.data, before.at, before.len) == 0) {
		fsck_check_run(&k->seens, jid, texts_value(&now.record, "state"), &k->found);
		while (fsck_next_part(&now.parts, jid, &at, &part))
			fsck_check_part(&k->seens, jid, &part, &k->found);
	}
	run_fini(&now);
	return rc;
}

/* -- locks --------------------------------------------------------------------------------------------------- */

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

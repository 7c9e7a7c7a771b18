/* client/fsck_jobs: jobs by their ids: twice, in none, or not where their record says; see fsck.h. Pure. */
#include <stdlib.h>
#include <string.h>

#include "base/must.h"
#include "client/fsck/fsck.h"
#include "queue/keys.h"

#define SEEN_MOST \
	10000 /* more suspects are not remembered: they are told of when these are mended */

/* -- briefly ------------------------------------------------------------------------------------ */

void fsck_jobs_add(struct fsck_jobs *jobs, const struct fsck_sighting *s)
{
	if (jobs->n == jobs->cap) {
		jobs->cap = jobs->cap ? 2 * jobs->cap : 256;
		jobs->items = must_realloc(jobs->items, jobs->cap * sizeof *jobs->items);
	}
	jobs->items[jobs->n++] = (struct fsck_job){fsck_hash(s->jid), s->place};
}

void fsck_jobs_add_part(struct fsck_jobs *jobs, const struct fsck_sighting *s)
{
	struct fsck_sighting as_run = *s;

	as_run.jid = s->parent;
	fsck_jobs_add(jobs, &as_run);
}

static int compare_jobs(const void *a, const void *b)
{
	const struct fsck_job *x = a, *y = b;

	return (x->jid > y->jid) - (x->jid < y->jid);
}

void fsck_jobs_sort(struct fsck_jobs *jobs)
{
	if (jobs->n)
		qsort(jobs->items, jobs->n, sizeof *jobs->items, compare_jobs);
}

void fsck_jobs_twice(const struct fsck_jobs *jobs, size_t most, struct fsck_set *out)
{
	for (size_t i = 1; i < jobs->n && out->n < most; i++)
		if (jobs->items[i].jid == jobs->items[i - 1].jid &&
			!(i > 1 && jobs->items[i].jid == jobs->items[i - 2].jid))
			fsck_set_add(out, jobs->items[i].jid);
}

unsigned fsck_jobs_places(const struct fsck_jobs *jobs, uint64_t jid)
{
	size_t low = 0, high = jobs->n;
	unsigned places = 0;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (jobs->items[middle].jid < jid)
			low = middle + 1;
		else
			high = middle;
	}
	for (; low < jobs->n && jobs->items[low].jid == jid; low++)
		places |= 1u << jobs->items[low].place;
	return places;
}

void fsck_jobs_fini(struct fsck_jobs *jobs)
{
	free(jobs->items);
	*jobs = (struct fsck_jobs){0};
}

/* -- does a record fit? ----------------------------------------------------------------------------- */

#define IN(place) (1u << (place))
#define WAITS	  (IN(FSCK_QUEUE) | IN(FSCK_LEASE) | IN(FSCK_DELAYED) | IN(FSCK_PARKED))

/*
 * Where a job may stand whose record says so. Taking it, promoting it and putting it back after it
 * was parked leave the record as it is, which is why a job that waits may stand in most places.
 */
static const struct {
	const char *state;
	unsigned places;
	bool nowhere;
} fits[] = {
	{"queued", WAITS, false},
	{"delayed", WAITS, false},
	{"interrupted", WAITS, false},
	{"retrying", WAITS, false},
	{"parked", WAITS, false},
	{"throttled", WAITS, false},
	{"running", IN(FSCK_LEASE), false},
	{"pausing", WAITS | IN(FSCK_PAUSED), false},
	{"paused", IN(FSCK_PAUSED), false},
	{"cancelling", WAITS | IN(FSCK_PAUSED), false},
	{"done", 0, true},
	{"cancelled", 0, true},
	{"failed", IN(FSCK_FAILED), true},
};

enum fsck_fit fsck_judge_run(struct span state, unsigned places)
{
	for (size_t i = 0; i < sizeof fits / sizeof *fits; i++) {
		if (!span_is(state, fits[i].state))
			continue;
		if (places == 0)
			return fits[i].nowhere ? FSCK_FITS : FSCK_NOWHERE;
		return places & fits[i].places ? FSCK_FITS : FSCK_CONTRADICTS;
	}
	return FSCK_FITS; /* a state of another version */
}

enum fsck_fit fsck_judge_whole(struct span state, unsigned own, unsigned of_parts)
{
	bool ended =
		span_is(state, "done") || span_is(state, "failed") || span_is(state, "cancelled");

	return of_parts && !ended ? FSCK_FITS : fsck_judge_run(state, own | of_parts);
}

const char *fsck_state_of(enum fsck_place place)
{
	static const char *const states[] = {[FSCK_QUEUE] = "queued",
		[FSCK_DELAYED] = "delayed",
		[FSCK_PARKED] = "parked",
		[FSCK_PAUSED] = "paused",
		[FSCK_LEASE] = NULL,
		[FSCK_FAILED] = NULL};

	return states[place];
}

/* -- suspects ------------------------------------------------------------------------------------ */

void fsck_seens_add(struct fsck_seens *seens, const struct fsck_sighting *s)
{
	struct fsck_seen *seen;

	if (seens->n == SEEN_MOST)
		return;
	if (seens->n == seens->cap) {
		seens->cap = seens->cap ? 2 * seens->cap : 16;
		seens->items = must_realloc(seens->items, seens->cap * sizeof *seens->items);
	}
	seen = &seens->items[seens->n++];
	*seen = (struct fsck_seen){.place = s->place, .body = s->body, .marked = s->marked};
	fsck_add_where(&seen->where, s);
	text_add_span(&seen->field, s->field);
	text_add_span(&seen->bytes, s->bytes);
	text_add_span(&seen->jid, s->jid);
	text_add_span(&seen->parent, s->parent);
}

void fsck_seens_fini(struct fsck_seens *seens)
{
	for (size_t i = 0; i < seens->n; i++) {
		text_fini(&seens->items[i].where);
		text_fini(&seens->items[i].field);
		text_fini(&seens->items[i].bytes);
		text_fini(&seens->items[i].jid);
		text_fini(&seens->items[i].parent);
	}
	free(seens->items);
	*seens = (struct fsck_seens){0};
}

static bool is_same(const struct text *a, struct span b)
{
	return a->len == b.len && b.len > 0 && memcmp(a->data, b.at, b.len) == 0;
}

static bool is_of(const struct fsck_seen *seen, struct span jid)
{
	return is_same(&seen->jid, jid) || is_same(&seen->parent, jid);
}

/* Shape, key, field, bytes: as `stands` of fsck.lua wants them. */
static void add_place(struct words *w, const struct fsck_seen *seen)
{
	words_add_str(w, seen->field.len ? "H" : "L");
	words_add(w, fsck_span(&seen->where));
	words_add(w, fsck_span(&seen->field));
	words_add(w, fsck_span(&seen->bytes));
}

static bool is_ours(const struct fsck_seen *seen)
{
	return seen->marked || (seen->place != FSCK_QUEUE && seen->place != FSCK_FAILED);
}

/* A client may give one id to two jobs, or push one twice; we never have one job in two places. */
static bool is_our_doing(const struct fsck_seen *a, const struct fsck_seen *b)
{
	if (a->body != b->body || (a->place == FSCK_FAILED && b->place == FSCK_FAILED))
		return false;
	return is_ours(a) || is_ours(b);
}

static void add_pair(const struct fsck_seen *a, const struct fsck_seen *b, struct fsck_findings *f)
{
	bool same = is_our_doing(a, b);
	struct fsck_finding *finding =
		fsck_add(f, same ? FSCK_JOB_TWICE : FSCK_JOB_SAME_ID, a->where.data, SPAN_LIT(""),
			"%s %.*s stands here and in %.*s", same ? "the job" : "a job with the id",
			FSCK_SHORT(fsck_span(&a->jid)), FSCK_SHORT(fsck_span(&b->where)));

	add_place(&finding->words, a);
	add_place(&finding->words, b);
}

static int compare_texts(const struct text *a, const struct text *b)
{
	size_t shorter = a->len < b->len ? a->len : b->len;
	int c = shorter ? memcmp(a->data, b->data, shorter) : 0;

	return c ? c : (a->len > b->len) - (a->len < b->len);
}

static int compare_seen(const void *a, const void *b)
{
	const struct fsck_seen *x = a, *y = b;
	int c = compare_texts(&x->jid, &y->jid);

	if (c == 0)
		c = (int)x->place - (int)y->place;
	if (c == 0)
		c = compare_texts(&x->where, &y->where);
	return c ? c : compare_texts(&x->field, &y->field);
}

/* A field that was read twice is one place; of a list fsck.lua knows how often it holds an item. */
static bool is_one_place(const struct fsck_seen *a, const struct fsck_seen *b)
{
	return a->field.len && compare_seen(a, b) == 0;
}

void fsck_check_twice(struct fsck_seens *seens, struct fsck_findings *f)
{
	if (seens->n)
		qsort(seens->items, seens->n, sizeof *seens->items, compare_seen);
	for (size_t i = 1; i < seens->n; i++)
		if (compare_texts(&seens->items[i - 1].jid, &seens->items[i].jid) == 0 &&
			!is_one_place(&seens->items[i - 1], &seens->items[i]))
			add_pair(&seens->items[i - 1], &seens->items[i], f);
}

bool fsck_seens_have(const struct fsck_seens *seens, struct span jid)
{
	for (size_t i = 0; i < seens->n; i++)
		if (is_of(&seens->items[i], jid))
			return true;
	return false;
}

void fsck_check_run(
	const struct fsck_seens *seens, struct span jid, struct span state, struct fsck_findings *f)
{
	const struct fsck_seen *seen = NULL;
	struct fsck_finding *finding;
	const char *better;
	unsigned places[2] = {0};

	for (size_t i = 0; i < seens->n; i++)
		if (is_of(&seens->items[i], jid)) {
			seen = &seens->items[i];
			places[!is_same(&seen->jid, jid)] |= IN(seen->place);
		}
	switch (fsck_judge_whole(state, places[0], places[1])) {
	case FSCK_FITS:
		return;
	case FSCK_NOWHERE:
		finding = fsck_add(f, FSCK_RUN_LOST, KEY_RUN, jid,
			"the record says %.*s, and the job is nowhere", FSCK_SHORT(state));
		words_add(&finding->words, state);
		return;
	case FSCK_CONTRADICTS:
		break;
	}
	must(seen != NULL);
	better = seen->parent.len ? NULL : fsck_state_of(seen->place); /* a part is not its run */
	finding = fsck_add(f, FSCK_RUN_STATE, KEY_RUN, jid,
		"the record says %.*s, and the job stands in %.*s", FSCK_SHORT(state),
		FSCK_SHORT(fsck_span(&seen->where)));
	words_add(&finding->words, state);
	words_add_str(&finding->words, better ? better : "");
	add_place(&finding->words, seen);
}

/* Of its places the last one; 0: it is nowhere. */
static unsigned places_of(
	const struct fsck_seens *seens, struct span jid, const struct fsck_seen **at)
{
	unsigned places = 0;

	for (size_t i = 0; i < seens->n; i++)
		if (is_same(&seens->items[i].jid, jid)) {
			*at = &seens->items[i];
			places |= IN((*at)->place);
		}
	return places;
}

void fsck_check_part(const struct fsck_seens *seens, struct span run, const struct fsck_part *part,
	struct fsck_findings *f)
{
	const struct fsck_seen *seen = NULL;
	unsigned places = places_of(seens, fsck_span(&part->jid), &seen);
	enum fsck_fit fit = fsck_judge_run(part->state, places);
	const char *better = seen ? fsck_state_of(seen->place) : NULL;
	struct fsck_finding *finding;

	if (fit == FSCK_FITS)
		return;
	if (fit == FSCK_NOWHERE) {
		finding = fsck_add(f, FSCK_PART_LOST, KEY_RUN, run,
			"part %.*s is %.*s, and is nowhere", FSCK_SHORT(part->number),
			FSCK_SHORT(part->state));
	} else {
		finding = fsck_add(f, FSCK_PART_STATE, KEY_RUN, run,
			"part %.*s is %.*s, and stands in %.*s", FSCK_SHORT(part->number),
			FSCK_SHORT(part->state), FSCK_SHORT(fsck_span(&seen->where)));
	}
	words_add(&finding->words, part->number);
	words_add(&finding->words, part->state);
	if (fit == FSCK_NOWHERE)
		return;
	words_add_str(&finding->words, better ? better : "");
	add_place(&finding->words, seen);
}

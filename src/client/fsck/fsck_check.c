/* client/fsck_check: what names, types and sizes tell; see fsck.h. Pure. */
#include <string.h>

#include "client/fsck/fsck.h"
#include "queue/keys.h"
#include "queue/waiting.h"

bool fsck_has(const struct texts *sorted, struct span name)
{
	size_t low = 0, high = sorted->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		struct span at = texts_at(sorted, middle);
		size_t shorter = at.len < name.len ? at.len : name.len;
		int c = shorter ? memcmp(at.at, name.at, shorter) : 0;

		if (c == 0 && at.len == name.len)
			return true;
		if (c < 0 || (c == 0 && at.len < name.len))
			low = middle + 1;
		else
			high = middle;
	}
	return false;
}

struct span fsck_value(const struct texts *pairs, struct span name)
{
	for (size_t i = 0; i + 1 < pairs->n; i += 2) {
		struct span at = texts_at(pairs, i);

		if (at.len == name.len && memcmp(at.at, name.at, name.len) == 0)
			return texts_at(pairs, i + 1);
	}
	return (struct span){NULL, 0};
}

/* -- types ------------------------------------------------------------------------------------- */

struct rule {
	const char *name;
	bool begins; /* names that begin so */
	const char *type;
};

/* Those that begin alike: the longer one first. */
static const struct rule rules[] = {
	{KEY_QUEUES, false, "set"},
	{KEY_QUEUE, true, "list"},
	{KEY_WORKERS, false, "set"},
	{KEY_HEARTBEAT, false, "hash"},
	{KEY_WORKER, true, "string"},
	{KEY_FAILED, false, "list"},
	{KEY_PAUSE_ALL, false, "string"},
	{"stat:", true, "string"},
	{KEY_SCHEDULER_SECONDS, false, "zset"},
	{KEY_SCHEDULER_TIMESTAMPS, true, "set"},
	{KEY_SUPERVISORS, false, "zset"},
	{KEY_SUPERVISOR, true, "hash"},
	{KEY_LEASE, true, "hash"},
	{KEY_TAKEN, false, "zset"},
	{KEY_CLOCK, false, "hash"},
	{KEY_PAUSED, false, "hash"},
	{KEY_PAUSED_JOBS, false, "hash"},
	{KEY_PAUSE, false, "hash"},
	{KEY_OVERSIZE, false, "hash"},
	{KEY_CONTROL, false, "string"},
	{KEY_RUNS, false, "zset"},
	{KEY_RUN, true, NULL}, /* of many types: told apart below */
	{KEY_CSV, true, NULL}, /* of two */
	{KEY_DELAYED, false, "zset"},
	{KEY_DELAYED_JOBS, false, "hash"},
	{KEY_PARKED_CLASSES, false, "set"},
	{KEY_PARKED, true, "list"},
	{KEY_RUNNING, true, "set"},
	{KEY_LIMITS, false, "hash"},
	{KEY_UNPARKED, true, "zset"},
	{KEY_UNIQUE, true, "string"},
	{KEY_OVERLAP, true, "hash"},
	{KEY_ID, true, "string"},
	{KEY_CANCEL, false, "hash"},
	{KEY_SCHEDULE, false, "hash"},
};

static const struct rule *find_rule(struct span name)
{
	for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
		size_t len = strlen(rules[i].name);

		if (name.len < len || memcmp(name.at, rules[i].name, len) != 0)
			continue;
		if (rules[i].begins || name.len == len)
			return &rules[i];
	}
	return NULL;
}

static bool ends_with(struct span s, const char *end)
{
	size_t len = strlen(end);

	return s.len >= len && memcmp(s.at + s.len - len, end, len) == 0;
}

/* NULL: any will do. A jid may end like the names of what belongs to a run. */
static const char *type_of(const struct rule *rule, struct span name)
{
	size_t len = strlen(rule->name);

	if (rule->type)
		return rule->type;
	if (strcmp(rule->name, KEY_CSV) == 0)
		return memchr(name.at + len, ':', name.len - len) ? "string" : "hash";
	return ends_with(name, KEY_AUDIT) || ends_with(name, KEY_ERRORS) ||
			       ends_with(name, KEY_LOG) || ends_with(name, KEY_PARTS)
		       ? NULL
		       : "hash";
}

static void check_type(const struct fsck_keys *keys, size_t i, struct fsck_findings *f)
{
	struct span name = fsck_key_name(keys, i);
	const struct text *type = &keys->items[i].type;
	const struct rule *rule = find_rule(name);
	const char *want = rule ? type_of(rule, name) : NULL;

	if (rule && want && !fsck_key_is(keys, i, want))
		words_add(&fsck_add(f, FSCK_KEY_TYPE, "", name, "is a %s and should be a %s",
				  type->data, want)
				   ->words,
			(struct span){type->data, type->len});
	if (!rule && fsck_key_rest(keys, i, "drover:").at)
		fsck_add(f, FSCK_KEY_UNKNOWN, "", name, "this drover does not know such a key");
}

void fsck_check_types(const struct fsck_image *im, struct fsck_findings *f)
{
	for (size_t i = 0; i < im->keys.n; i++)
		check_type(&im->keys, i, f);
}

/* -- queues, parked jobs --------------------------------------------------------------------------- */

void fsck_check_queues(const struct fsck_image *im, struct fsck_findings *f)
{
	FSCK_EACH_KEY(&im->keys, i, KEY_QUEUE)
	{
		struct span name = fsck_key_rest(&im->keys, i, KEY_QUEUE);

		if (fsck_key_is(&im->keys, i, "list") && !fsck_has(&im->queues, name))
			words_add(&fsck_add(f, FSCK_QUEUE_UNLISTED, KEY_QUEUE, name,
					  "holds jobs, and queues does not name it: who looks "
					  "there does not see them")
					   ->words,
				name);
	}
}

static void check_parked_list(struct fsck_image *im, size_t i, struct fsck_findings *f)
{
	struct span name = fsck_key_rest(&im->keys, i, KEY_PARKED);

	if (!fsck_has(&im->parked, name))
		words_add(&fsck_add(f, FSCK_PARKED_UNLISTED, KEY_PARKED, name,
				  "holds jobs, and drover:parked does not name the class")
				   ->words,
			name);
	if (!fsck_keys_have(&im->keys, KEY_RUNNING, name) &&
		!fsck_keys_have(&im->keys, KEY_UNPARKED, name) &&
		!fsck_set_has(&im->in_flight, fsck_hash(name)))
		words_add(&fsck_add(f, FSCK_PARKED_STUCK, KEY_PARKED, name,
				  "jobs wait for one of their class to end, and none runs or is "
				  "on its way")
				   ->words,
			name);
}

void fsck_check_parked(struct fsck_image *im, struct fsck_findings *f)
{
	FSCK_EACH_KEY(&im->keys, i, KEY_PARKED)
	if (fsck_key_is(&im->keys, i, "list"))
		check_parked_list(im, i, f);
	for (size_t i = 0; i < im->parked.n; i++)
		if (!fsck_keys_have(&im->keys, KEY_PARKED, texts_at(&im->parked, i)))
			words_add(&fsck_add(f, FSCK_PARKED_EMPTY, KEY_PARKED_CLASSES, SPAN_LIT(""),
					  "names the class %.*s, of which no job is parked",
					  FSCK_SHORT(texts_at(&im->parked, i)))
					   ->words,
				texts_at(&im->parked, i));
}

/* -- resque-scheduler's -------------------------------------------------------------------------- */

static void check_time(const struct fsck_image *im, size_t i, struct fsck_findings *f)
{
	struct span second = fsck_key_rest(&im->keys, i, KEY_SCHEDULER_DELAYED);

	if (!fsck_key_is(&im->keys, i, "list") || ask_to_number(second, -1) < 0 ||
		fsck_has(&im->times, second))
		return;
	words_add(&fsck_add(f, FSCK_SCHEDULER_UNLISTED, KEY_SCHEDULER_DELAYED, second,
			  "jobs that a client of resque-scheduler did not finish to enqueue; "
			  "nobody ever runs them")
			   ->words,
		second);
}

/* Names of lists with a blank between. */
static void check_timestamps(const struct fsck_image *im, size_t i, struct fsck_findings *f)
{
	struct span rest = fsck_key_detail(&im->keys, i);

	while (rest.len) {
		const char *blank = memchr(rest.at, ' ', rest.len);
		struct span one = {rest.at, blank ? (size_t)(blank - rest.at) : rest.len};

		if (one.len && !fsck_keys_have(&im->keys, "", one))
			words_add(
				&fsck_add(f, FSCK_SCHEDULER_STALE, "", fsck_key_name(&im->keys, i),
					"says that a job is in %.*s, which is gone",
					FSCK_SHORT(one))
					 ->words,
				one);
		rest.at += one.len + (blank ? 1 : 0);
		rest.len -= one.len + (blank ? 1 : 0);
	}
}

void fsck_check_scheduler(const struct fsck_image *im, struct fsck_findings *f)
{
	FSCK_EACH_KEY(&im->keys, i, KEY_SCHEDULER_DELAYED)
	check_time(im, i, f);
	FSCK_EACH_KEY(&im->keys, i, KEY_SCHEDULER_TIMESTAMPS)
	if (fsck_key_is(&im->keys, i, "set"))
		check_timestamps(im, i, f);
}

/* -- runs, request ids, counters --------------------------------------------------------------------- */

static bool is_ended(struct span state)
{
	return span_is(state, "done") || span_is(state, "failed") || span_is(state, "cancelled");
}

/* "STATE TTL_MS", STATE "-" where the key is no record. */
static bool split_detail(
	const struct fsck_keys *keys, size_t i, struct span *state, struct span *ttl)
{
	struct span detail = fsck_key_detail(keys, i);
	const char *blank = detail.len ? memchr(detail.at, ' ', detail.len) : NULL;

	if (!blank)
		return false;
	*state = (struct span){detail.at, (size_t)(blank - detail.at)};
	*ttl = (struct span){blank + 1, detail.len - state->len - 1};
	return true;
}

bool fsck_key_run(const struct fsck_keys *keys, size_t i, struct span *jid, struct span *state)
{
	struct span ttl;

	*jid = fsck_key_rest(keys, i, KEY_RUN);
	return jid->at && fsck_key_is(keys, i, "hash") && split_detail(keys, i, state, &ttl) &&
	       !span_is(*state, "-");
}

/* The run that a key behind its record belongs to. */
static struct span owner_of(struct span name)
{
	static const char *const ends[] = {KEY_AUDIT, KEY_PARTS, KEY_ERRORS, KEY_LOG};

	for (size_t i = 0; i < sizeof ends / sizeof *ends; i++)
		if (ends_with(name, ends[i]))
			return (struct span){name.at, name.len - strlen(ends[i])};
	return (struct span){NULL, 0};
}

/* What belongs to a run goes with its record. */
static void check_remains(
	const struct fsck_image *im, size_t i, struct span ttl, struct fsck_findings *f)
{
	struct span owner = owner_of(fsck_key_rest(&im->keys, i, KEY_RUN));

	if (owner.len && span_is(ttl, "-1") && !fsck_keys_have(&im->keys, KEY_RUN, owner))
		words_add(&fsck_add(f, FSCK_RUN_REMAINS, "", fsck_key_name(&im->keys, i),
				  "belongs to a run without a record, and would be kept for ever")
				   ->words,
			owner);
}

static void check_wish(const struct fsck_image *im, struct span run, struct fsck_findings *f)
{
	struct text key = {0};
	struct span jid, state;
	size_t at;
	bool known;

	text_add_str(&key, KEY_RUN);
	text_add_span(&key, run);
	at = fsck_keys_first(&im->keys, fsck_span(&key));
	known = at < im->keys.n && fsck_key_name(&im->keys, at).len == key.len &&
		fsck_key_run(&im->keys, at, &jid, &state) && !is_ended(state);
	text_fini(&key);
	if (!known)
		words_add(&fsck_add(f, FSCK_PAUSE_IDLE, KEY_PAUSE, SPAN_LIT(""),
				  "wants the run %.*s to pause, which has ended or is not there",
				  FSCK_SHORT(run))
				   ->words,
			run);
}

void fsck_check_runs(const struct fsck_image *im, struct fsck_findings *f)
{
	FSCK_EACH_KEY(&im->keys, i, KEY_RUN)
	{
		struct span state, ttl;

		if (!split_detail(&im->keys, i, &state, &ttl))
			continue;
		if (span_is(state, "-"))
			check_remains(im, i, ttl, f);
		else if (is_ended(state) && span_is(ttl, "-1"))
			fsck_add(f, FSCK_RUN_FOREVER, "", fsck_key_name(&im->keys, i),
				"the record of a job that has ended would be kept for ever");
	}
	for (size_t i = 0; i + 1 < im->pauses.n; i += 2)
		check_wish(im, texts_at(&im->pauses, i), f);
}

/* -- uploaded files ----------------------------------------------------------------------------------- */

/* "ID", or "ID:N" of a chunk. */
static void check_upload(const struct fsck_image *im, size_t i, struct fsck_findings *f)
{
	struct span name = fsck_key_rest(&im->keys, i, KEY_CSV), state, ttl;
	const char *colon = name.len ? memchr(name.at, ':', name.len) : NULL;
	struct span id = {name.at, colon ? (size_t)(colon - name.at) : name.len};

	if (!split_detail(&im->keys, i, &state, &ttl))
		return;
	if (span_is(ttl, "-1"))
		fsck_add(f, FSCK_CSV_FOREVER, "", fsck_key_name(&im->keys, i),
			"an uploaded file, or a piece of one, would be kept for ever");
	else if (colon && !fsck_keys_have(&im->keys, KEY_CSV, id))
		words_add(&fsck_add(f, FSCK_CSV_CHUNK, "", fsck_key_name(&im->keys, i),
				  "a piece of a file whose upload goes on, or was broken off")
				   ->words,
			id);
}

void fsck_check_uploads(const struct fsck_image *im, struct fsck_findings *f)
{
	FSCK_EACH_KEY(&im->keys, i, KEY_CSV)
	check_upload(im, i, f);
}

/* "JID DIGEST" */
static struct span jid_of(struct span value)
{
	const char *blank = value.len ? memchr(value.at, ' ', value.len) : NULL;
	struct span jid = {value.at, blank ? (size_t)(blank - value.at) : 0};

	if (value.len - jid.len != 41 || !envelope_jid_valid(jid))
		return (struct span){NULL, 0};
	return jid;
}

void fsck_check_ids(const struct fsck_image *im, struct fsck_findings *f)
{
	FSCK_EACH_KEY(&im->keys, i, KEY_ID)
	{
		struct span name = fsck_key_name(&im->keys, i);
		struct span value = fsck_key_detail(&im->keys, i), jid = jid_of(value);
		struct fsck_finding *finding;

		if (!fsck_key_is(&im->keys, i, "string"))
			continue;
		if (!jid.at) {
			finding = fsck_add(
				f, FSCK_ID_VALUE, "", name, "is not \"JID DIGEST\" of a request");
		} else if (!fsck_keys_have(&im->keys, KEY_RUN, jid)) {
			finding = fsck_add(f, FSCK_ID_GONE, "", name,
				"stands for the job %.*s, whose record is gone", FSCK_SHORT(jid));
		} else {
			continue;
		}
		words_add(&finding->words, value);
		words_add(&finding->words, jid);
	}
}

static void want_at_least(
	const char *name, int64_t least, struct fsck_findings *f, const char *because)
{
	words_add_int(&fsck_add(f, FSCK_COUNTER, name, SPAN_LIT(""), "%s", because)->words, least);
}

/* What the workers counted together; a part that is none counts nothing. */
static int64_t add_parts(const struct fsck_image *im, const char *prefix)
{
	int64_t sum = 0;

	FSCK_EACH_KEY(&im->keys, i, prefix)
	sum += ask_to_number(fsck_key_detail(&im->keys, i), 0);
	return sum;
}

static int64_t count_of(const struct fsck_image *im, const char *name)
{
	size_t i = fsck_keys_first(&im->keys, span_of(name));

	if (i >= im->keys.n || !span_is(fsck_key_name(&im->keys, i), name))
		return 0;
	return ask_to_number(fsck_key_detail(&im->keys, i), -1);
}

void fsck_check_counters(const struct fsck_image *im, struct fsck_findings *f)
{
	int64_t processed = count_of(im, KEY_STAT_PROCESSED);
	int64_t failed = count_of(im, KEY_STAT_FAILED);
	int64_t parts = add_parts(im, KEY_STAT_PROCESSED ":");
	int64_t failed_parts = add_parts(im, KEY_STAT_FAILED ":");

	if (processed < 0)
		want_at_least(KEY_STAT_PROCESSED, 0, f, "is no count");
	else if (processed < parts)
		want_at_least(KEY_STAT_PROCESSED, parts, f,
			"is less than what the workers processed together");
	else if (processed < failed)
		want_at_least(KEY_STAT_PROCESSED, failed, f, "is less than what failed");
	if (failed < 0)
		want_at_least(KEY_STAT_FAILED, 0, f, "is no count");
	else if (failed < failed_parts)
		want_at_least(KEY_STAT_FAILED, failed_parts, f,
			"is less than what failed at the workers together");
}

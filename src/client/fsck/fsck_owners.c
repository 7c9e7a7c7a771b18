/* client/fsck_owners: who holds what: leases, locks, workers; see fsck.h. Pure. */
#include <string.h>

#include "base/clock.h"
#include "client/fsck/fsck.h"
#include "queue/entry.h"
#include "queue/keys.h"

#define WORKER_SILENT_MS 300000 /* Resque's rule 2 */

static bool begins_with(struct span s, struct span with)
{
	return s.len >= with.len && memcmp(s.at, with.at, with.len) == 0;
}

static struct span cut_last(struct span s, char c)
{
	for (; s.len; s.len--)
		if (s.at[s.len - 1] == c)
			return (struct span){s.at, s.len - 1};
	return (struct span){NULL, 0};
}

static bool is_named(const struct fsck_image *im, struct span lease)
{
	return fsck_value(&im->supervisors, lease).at != NULL;
}

void fsck_check_supervisors(const struct fsck_image *im, struct fsck_findings *f)
{
	FSCK_EACH_KEY(&im->keys, i, KEY_SUPERVISOR)
	{
		struct span id = fsck_key_rest(&im->keys, i, KEY_SUPERVISOR);

		if (!is_named(im, id))
			words_add(&fsck_add(f, FSCK_SUPERVISOR_UNNAMED, KEY_SUPERVISOR, id,
					  "the record of a supervisor that has no lease")
					   ->words,
				id);
	}
}

/* -- leases ------------------------------------------------------------------------------------ */

static bool is_entry(struct span field)
{
	return field.len && field.at[0] != '#' && field.at[0] != '!';
}

static void add_field(struct fsck_findings *f, enum fsck_kind kind, struct span lease,
	struct span field, struct span value, const char *what)
{
	struct fsck_finding *finding =
		fsck_add(f, kind, KEY_LEASE, lease, "%.*s: %s", FSCK_SHORT(field), what);

	words_add(&finding->words, field);
	words_add(&finding->words, value);
}

/* The number before the last in "POOL.NUMBER.I", and the field that must not be below it. */
static bool split_token(struct span token, struct text *mark, int64_t *number)
{
	struct span front = cut_last(token, '.');
	struct span pool = front.at ? cut_last(front, '.') : front;

	if (!pool.at)
		return false;
	*number =
		ask_to_number((struct span){pool.at + pool.len + 1, front.len - pool.len - 1}, -1);
	text_add_char(mark, '#');
	text_add_span(mark, pool);
	return *number >= 0;
}

/* "NUMBER", or "NUMBER COUNT LEASE" of an adoption; -1 where it is neither. */
static int64_t read_mark(struct span value)
{
	const char *blank = value.len ? memchr(value.at, ' ', value.len) : NULL;

	return ask_to_number(
		(struct span){value.at, blank ? (size_t)(blank - value.at) : value.len}, -1);
}

static bool is_below_mark(struct span token, const struct texts *fields)
{
	struct text mark = {0};
	int64_t number;
	bool below = false;

	if (split_token(token, &mark, &number)) {
		struct span last = fsck_value(fields, (struct span){mark.data, mark.len});

		below = last.at && read_mark(last) >= number;
	}
	text_fini(&mark);
	return below;
}

static void check_entry(struct fsck_image *im, struct span lease, const struct texts *fields,
	size_t i, struct fsck_findings *f)
{
	struct span token = texts_at(fields, i), value = texts_at(fields, i + 1);
	uint64_t holder = fsck_hash_more(fsck_hash(lease), SPAN_LIT(" "));
	struct entry entry;
	struct err err = {0};

	fsck_set_add(&im->tokens, fsck_hash_more(holder, token));
	if (entry_read(&entry, value, &err) < 0)
		add_field(f, FSCK_LEASE_ENTRY, lease, token, value, err.text);
	else if (!is_below_mark(token, fields))
		add_field(f, FSCK_LEASE_MARK, lease, token, value,
			"a job of a fetch that was never answered by its number");
}

static void check_mark(
	struct span lease, const struct texts *fields, size_t i, struct fsck_findings *f)
{
	if (read_mark(texts_at(fields, i + 1)) < 0)
		add_field(f, FSCK_LEASE_MARK, lease, texts_at(fields, i), texts_at(fields, i + 1),
			"the number of the last fetch is none");
}

static void check_locks(
	struct span lease, const struct texts *fields, size_t i, struct fsck_findings *f)
{
	struct span field = texts_at(fields, i), token = {field.at + 1, field.len - 1};

	if (!fsck_value(fields, token).at)
		add_field(f, FSCK_LEASE_LOCK, lease, token, lease,
			"locks of a job that is not there any more");
}

static void check_whole(
	const struct fsck_image *im, struct span lease, size_t held, struct fsck_findings *f)
{
	struct span expires = fsck_value(&im->supervisors, lease);
	const char *s = held == 1 ? "" : "s";
	struct fsck_finding *finding;

	if (!expires.at && held == 0)
		finding = fsck_add(f, FSCK_LEASE_LEFT, KEY_LEASE, lease,
			"left behind by a supervisor that is gone; there are no jobs in it");
	else if (!expires.at)
		finding = fsck_add(f, FSCK_LEASE_UNNAMED, KEY_LEASE, lease,
			"holds %zu job%s, and no supervisor is registered with it", held, s);
	else if (held > 0 && ask_to_number(expires, INT64_MAX) <= im->now_ms)
		finding = fsck_add(f, FSCK_LEASE_EXPIRED, KEY_LEASE, lease,
			"its supervisor has been silent for longer than the lease, and nobody has "
			"taken its %zu job%s over yet",
			held, s);
	else
		return;
	words_add(&finding->words, lease);
}

void fsck_check_lease(
	struct fsck_image *im, struct span id, const struct texts *fields, struct fsck_findings *f)
{
	size_t held = 0;

	if (fields->n == 0)
		return;
	for (size_t i = 0; i + 1 < fields->n; i += 2)
		held += is_entry(texts_at(fields, i));
	check_whole(im, id, held, f);
	if (held == 0 && !is_named(im, id))
		return;
	for (size_t i = 0; i + 1 < fields->n; i += 2) {
		struct span field = texts_at(fields, i);

		if (is_entry(field))
			check_entry(im, id, fields, i, f);
		else if (field.len && field.at[0] == '#')
			check_mark(id, fields, i, f);
		else if (field.len)
			check_locks(id, fields, i, f);
	}
}

/* -- locks ------------------------------------------------------------------------------------- */

/* Behind the first blank. */
static struct span behind_blank(struct span s)
{
	const char *blank = s.len ? memchr(s.at, ' ', s.len) : NULL;

	if (!blank)
		return (struct span){NULL, 0};
	return (struct span){blank + 1, s.len - (size_t)(blank + 1 - s.at)};
}

/* "LEASE TOKEN" */
static bool is_held(struct fsck_image *im, struct span holder)
{
	return fsck_set_has(&im->tokens, fsck_hash(holder));
}

void fsck_check_running(struct fsck_image *im, struct span class_name, const struct texts *holders,
	struct fsck_findings *f)
{
	for (size_t i = 0; i < holders->n; i++) {
		struct span holder = texts_at(holders, i);
		struct fsck_finding *finding;

		if (is_held(im, holder))
			continue;
		finding = fsck_add(f, FSCK_LOCK_RUNNING, KEY_RUNNING, class_name,
			"a place is held by %.*s, which is in no lease", FSCK_SHORT(holder));
		words_add(&finding->words, holder);
		words_add(&finding->words, class_name);
	}
}

/* "TTL_MS JID" while it waits, "TTL_MS JID LEASE TOKEN" while it runs. */
void fsck_check_unique(struct fsck_image *im, struct fsck_findings *f)
{
	FSCK_EACH_KEY(&im->keys, i, KEY_UNIQUE)
	{
		struct span name = fsck_key_name(&im->keys, i);
		struct span detail = fsck_key_detail(&im->keys, i), value = behind_blank(detail);
		struct span holder = value.at ? behind_blank(value) : value;

		if (!fsck_key_is(&im->keys, i, "string") || !value.at)
			continue;
		if (holder.at && !is_held(im, holder))
			words_add(
				&fsck_add(f, FSCK_LOCK_UNIQUE, "", name,
					"is held by %.*s, which is in no lease", FSCK_SHORT(holder))
					 ->words,
				value);
		else if (!holder.at && begins_with(detail, SPAN_LIT("-1 ")))
			words_add(&fsck_add(f, FSCK_LOCK_FOREVER, "", name,
					  "is held by the waiting job %.*s and never ends",
					  FSCK_SHORT(value))
					   ->words,
				value);
	}
}

void fsck_check_overlap(struct fsck_image *im, struct span class_name, const struct texts *pairs,
	struct fsck_findings *f)
{
	for (size_t i = 0; i + 1 < pairs->n; i += 2) {
		struct span jid = texts_at(pairs, i), value = texts_at(pairs, i + 1);
		struct fsck_finding *finding;

		if (!begins_with(value, SPAN_LIT("running ")) || is_held(im, behind_blank(value)))
			continue;
		finding = fsck_add(f, FSCK_LOCK_OVERLAP, KEY_OVERLAP, class_name,
			"says that %.*s runs, which is in no lease", FSCK_SHORT(jid));
		words_add(&finding->words, jid);
		words_add(&finding->words, value);
	}
}

/* -- workers ------------------------------------------------------------------------------------- */

/*
 * "HOST.SLOT:PID:QUEUES" -> "HOST:PID:", with which the lease of its supervisor begins. false: it
 * is a worker of another program.
 */
static bool find_owner(struct span worker, struct text *owner)
{
	const char *colon = worker.len ? memchr(worker.at, ':', worker.len) : NULL;
	struct span host = {worker.at, colon ? (size_t)(colon - worker.at) : 0};
	struct span name = cut_last(host, '.'), pid;
	const char *end;

	if (!colon || !name.at || name.len == 0)
		return false;
	end = memchr(colon + 1, ':', worker.len - host.len - 1);
	pid = (struct span){colon + 1, end ? (size_t)(end - colon - 1) : 0};
	if (ask_to_number(pid, -1) < 0 ||
		ask_to_number((struct span){name.at + name.len + 1, host.len - name.len - 1}, -1) <
			0)
		return false;
	text_add_span(owner, name);
	text_add_char(owner, ':');
	text_add_span(owner, pid);
	text_add_char(owner, ':');
	return true;
}

/* A worker's HOST is the name in the lease with these written as '-', as droverd does. */
static bool is_lease_of(struct span lease, struct span owner)
{
	struct span pid = cut_last(owner, ':'), name = cut_last(pid, ':');

	if (!name.at || lease.len < owner.len)
		return false;
	for (size_t i = 0; i < name.len; i++)
		if (lease.at[i] != owner.at[i] &&
			!(owner.at[i] == '-' && memchr(":/, \t", lease.at[i], 5)))
			return false;
	return memcmp(lease.at + name.len, owner.at + name.len, owner.len - name.len) == 0;
}

static bool has_lease_of(const struct texts *pairs, struct span owner)
{
	for (size_t i = 0; i + 1 < pairs->n; i += 2)
		if (is_lease_of(texts_at(pairs, i), owner))
			return true;
	return false;
}

static bool is_silent(struct span heartbeat, int64_t now_ms)
{
	long long then_ms = internal_time(heartbeat);

	return then_ms == DROVER_UNKNOWN || now_ms - then_ms > WORKER_SILENT_MS;
}

static void add_worker(struct fsck_findings *f, enum fsck_kind kind, const char *key,
	struct span id, struct span owner, struct span heartbeat, const char *what)
{
	struct fsck_finding *finding =
		fsck_add(f, kind, key, SPAN_LIT(""), "%.*s: %s", FSCK_SHORT(id), what);

	words_add(&finding->words, id);
	words_add(&finding->words, owner);
	words_add(&finding->words, heartbeat);
}

static void check_worker(const struct fsck_image *im, struct span id, struct fsck_findings *f)
{
	struct span beat = fsck_value(&im->heartbeats, id), owner;
	struct text text = {0};

	if (!find_owner(id, &text)) {
		text_fini(&text);
		return;
	}
	owner = (struct span){text.data, text.len};
	if (!beat.at)
		beat = SPAN_LIT("");
	if (has_lease_of(&im->supervisors, owner) || fsck_has(&im->claimed, id))
		;
	else if (!fsck_has(&im->workers, id))
		add_worker(f, FSCK_WORKER_REMAINS, KEY_WORKER, id, owner, beat,
			"records of a worker that is not registered");
	else if (is_silent(beat, im->now_ms) || has_lease_of(&im->taken, owner))
		add_worker(f, FSCK_WORKER_DEAD, KEY_WORKERS, id, owner, beat,
			"is registered, and its supervisor is gone");
	else
		add_worker(f, FSCK_WORKER_STRANGE, KEY_WORKERS, id, owner, beat,
			"looks like a worker of ours, and no supervisor claims it; it may be "
			"another program's");
	text_fini(&text);
}

static void add_ids(struct texts *ids, const struct fsck_keys *keys, const char *prefix)
{
	FSCK_EACH_KEY(keys, i, prefix)
	{
		struct span id = fsck_key_rest(keys, i, prefix);
		size_t end = strlen(KEY_WORKER_STARTED);

		if (id.len > end && memcmp(id.at + id.len - end, KEY_WORKER_STARTED, end) == 0)
			id.len -= end;
		texts_add(ids, id);
	}
}

void fsck_check_workers(const struct fsck_image *im, struct fsck_findings *f)
{
	struct texts ids = {0};

	for (size_t i = 0; i < im->workers.n; i++)
		texts_add(&ids, texts_at(&im->workers, i));
	for (size_t i = 0; i + 1 < im->heartbeats.n; i += 2)
		texts_add(&ids, texts_at(&im->heartbeats, i));
	add_ids(&ids, &im->keys, KEY_WORKER);
	add_ids(&ids, &im->keys, KEY_STAT_PROCESSED ":");
	add_ids(&ids, &im->keys, KEY_STAT_FAILED ":");
	texts_sort(&ids);
	for (size_t i = 0; i < ids.n; i++) {
		struct span id = texts_at(&ids, i);
		struct span last = i ? texts_at(&ids, i - 1) : SPAN_LIT("");

		if (id.len && !(last.len == id.len && memcmp(last.at, id.at, id.len) == 0))
			check_worker(im, id, f);
	}
	texts_fini(&ids);
}

/* client/fsck_walk: every place where a job can stand, some items at a time; see fsck.h. Only reads. */
#include <string.h>

#include "client/fsck/fsck.h"
#include "queue/entry.h"
#include "queue/failed.h"
#include "queue/keys.h"
#include "queue/waiting.h"

#define ITEMS_AT_ONCE  100
#define BYTES_AT_ONCE  (256 << 10) /* about; payloads may have megabytes */
#define ITEMS_AT_FIRST 10
#define SLACK_ITEMS    10000 /* pushed while a list is walked, on top of as many as it had */

struct walk {
	struct drover_client *c;
	const struct fsck_image *im;
	fsck_sighting_fn *fn;
	void *ctx;
	struct fsck_set seen; /* entries of leases, in the first of two rounds */
	bool again;
};

static bool holds(struct span s, const char *word)
{
	return s.len && memmem(s.at, s.len, word, strlen(word));
}

static bool is_same(struct span a, struct span b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.at, b.at, a.len) == 0);
}

/* -- what an item says ------------------------------------------------------------------------- */

static void tell_payload(struct walk *w, struct fsck_sighting *s, struct span payload)
{
	struct envelope e = {0};
	struct err why;
	bool is_job = envelope_read(&e, payload, &why) == 0;

	s->marked = holds(payload, "\"drover\"");
	if (e.jid.len)
		s->jid = fsck_span(&e.jid);
	s->class_name = fsck_span(&e.class_name);
	s->parent = fsck_span(&e.parent);
	s->body = fsck_hash_more(fsck_hash(s->class_name), e.args);
	if (s->place == FSCK_DELAYED && !s->wrong &&
		!(is_job && is_same(s->jid, waiting_jid(s->field))))
		s->wrong = "its member does not begin with the id of the job behind it";
	if (s->place == FSCK_PAUSED && !s->wrong && !(is_job && is_same(s->jid, s->field)))
		s->wrong = "its field is not the id of the job behind it";
	if (s->place == FSCK_PARKED && !s->wrong && !(is_job && is_same(s->class_name, s->name)))
		s->wrong = "the job is of another class";
	w->fn(w->ctx, s);
	envelope_fini(&e);
}

static struct fsck_sighting begin(
	enum fsck_place place, struct span name, struct span field, struct span bytes)
{
	return (struct fsck_sighting){.place = place,
		.name = name,
		.field = field,
		.bytes = bytes,
		.jid = {"", 0},
		.class_name = {"", 0},
		.parent = {"", 0}};
}

static void tell_item(struct walk *w, enum fsck_place place, struct span name, struct span bytes)
{
	struct fsck_sighting s = begin(place, name, SPAN_LIT(""), bytes);
	struct waiting item = {.payload = bytes};

	if (place == FSCK_PARKED && !waiting_read_parked(&item, bytes))
		s.wrong = "it is not \"LENGTH QUEUE PAYLOAD\"";
	tell_payload(w, &s, s.wrong ? SPAN_LIT("") : item.payload);
}

static void tell_delayed(struct walk *w, struct span member, struct span bytes)
{
	struct fsck_sighting s = begin(FSCK_DELAYED, SPAN_LIT(""), member, bytes);
	struct waiting item;

	if (!waiting_read_delayed(&item, bytes))
		s.wrong = "it is not \"WHY LENGTH QUEUE PAYLOAD\"";
	tell_payload(w, &s, s.wrong ? SPAN_LIT("") : item.payload);
}

/* Whether this field was told before; of places that are walked twice. */
static bool is_told(struct walk *w, struct span name, struct span field)
{
	uint64_t hash = fsck_hash_more(fsck_hash(name), field);

	if (w->again)
		return fsck_set_has(&w->seen, hash);
	fsck_set_add(&w->seen, hash);
	return false;
}

static void tell_paused(struct walk *w, struct span jid, struct span bytes)
{
	struct fsck_sighting s = begin(FSCK_PAUSED, SPAN_LIT(""), jid, bytes);
	struct waiting item;

	if (is_told(w, SPAN_LIT(KEY_PAUSED_JOBS), jid))
		return;
	if (!waiting_read_parked(&item, bytes))
		s.wrong = "it is not \"LENGTH QUEUE PAYLOAD\"";
	tell_payload(w, &s, s.wrong ? SPAN_LIT("") : item.payload);
}

static void tell_entry(struct walk *w, struct span lease, struct span token, struct span bytes)
{
	struct fsck_sighting s = begin(FSCK_LEASE, lease, token, bytes);
	struct entry entry;
	struct err err;

	if (entry_read(&entry, bytes, &err) == 0) {
		s.jid = entry.jid;
		s.has_record = entry.marked;
		tell_payload(w, &s, entry.payload);
	}
}

static void tell_failed(struct walk *w, struct span bytes)
{
	struct fsck_sighting s = begin(FSCK_FAILED, SPAN_LIT(""), SPAN_LIT(""), bytes);
	struct failed_record r = {0};

	if (failed_read(&r, bytes) == 0 && r.is_job) {
		s.retried = holds(bytes, "\"retried_at\"");
		tell_payload(w, &s, r.payload);
	}
	failed_fini(&r);
}

/* -- the places ---------------------------------------------------------------------------------- */

static int read_window(struct walk *w, const char *key, struct span name, int64_t from, int64_t to,
	struct texts *part, struct err *err)
{
	struct words words = {0};

	words_add_str(&words, "LRANGE");
	words_add_key(&words, w->c->prefix, key, name);
	words_add_int(&words, from);
	words_add_int(&words, to);
	return ask_texts(w->c->redis, &words, part, err);
}

/* How many to read next, by how large those before were. */
static int64_t choose_window(const struct texts *part)
{
	size_t bytes = 1;
	int64_t n;

	for (size_t i = 0; i < part->n; i++)
		bytes += part->items[i].len;
	n = (int64_t)(BYTES_AT_ONCE * part->n / bytes);
	return n < 1 ? 1 : n > ITEMS_AT_ONCE ? ITEMS_AT_ONCE : n;
}

/* A key of another type holds no jobs; that it is one is told elsewhere. */
static int forgive(int rc)
{
	return rc == ASK_WRONG_TYPE ? 0 : rc;
}

struct list {
	enum fsck_place place;
	const char *key;
	struct span name;
};

static void tell_window(struct walk *w, const struct list *l, const struct texts *part)
{
	for (size_t i = 0; i < part->n; i++)
		if (l->place == FSCK_FAILED)
			tell_failed(w, texts_at(part, i));
		else
			tell_item(w, l->place, l->name, texts_at(part, i));
}

/* Up to `most` items, from one end to the other; 1: all of them were read. */
static int walk_from(
	struct walk *w, const struct list *l, bool from_tail, int64_t most, struct err *err)
{
	struct texts part = {0};
	int64_t at = 0, n = ITEMS_AT_FIRST;
	bool more = true;
	int rc = 0;

	while (rc == 0 && more && at < most) {
		rc = from_tail ? read_window(w, l->key, l->name, -at - n, -at - 1, &part, err)
			       : read_window(w, l->key, l->name, at, at + n - 1, &part, err);
		if (rc == 0)
			tell_window(w, l, &part);
		more = (int64_t)part.n == n;
		at += n;
		n = choose_window(&part);
	}
	texts_fini(&part);
	return rc < 0 ? rc : !more;
}

/*
 * From the tail to the head: jobs are taken from the head, so that nothing which stays in the list
 * can slip by. What is pushed meanwhile makes us see jobs again; where that is more than we can
 * read, the rest is read from the head.
 */
static int walk_list(
	struct walk *w, enum fsck_place place, const char *key, struct span name, struct err *err)
{
	const struct list l = {place, key, name};
	struct words words = {0};
	int64_t size = 0;
	int rc;

	words_add_str(&words, "LLEN");
	words_add_key(&words, w->c->prefix, key, name);
	rc = ask_number(w->c->redis, &words, &size, err);
	if (rc == 0)
		rc = walk_from(w, &l, true, SLACK_ITEMS + 2 * size, err);
	if (rc == 0)
		rc = walk_from(w, &l, false, size, err);
	return rc > 0 ? 0 : forgive(rc);
}

typedef void tell_fn(struct walk *w, struct span field, struct span bytes);

static int walk_hash(struct walk *w, const char *key, tell_fn *tell, struct err *err)
{
	struct texts page = {0};
	struct text cursor = {0};
	int rc;

	text_add_char(&cursor, '0');
	do {
		struct words words = {0};

		words_add_str(&words, "HSCAN");
		words_add_key(&words, w->c->prefix, key, SPAN_LIT(""));
		words_add(&words, fsck_span(&cursor));
		words_add_str(&words, "COUNT");
		words_add_int(&words, ITEMS_AT_ONCE);
		rc = ask_texts(w->c->redis, &words, &page, err);
		text_clear(&cursor);
		if (rc == 0 && page.n > 0)
			text_add_span(&cursor, texts_at(&page, 0));
		for (size_t i = 1; rc == 0 && i + 1 < page.n; i += 2)
			tell(w, texts_at(&page, i), texts_at(&page, i + 1));
	} while (rc == 0 && cursor.len && strcmp(cursor.data, "0") != 0);
	text_fini(&cursor);
	texts_fini(&page);
	return forgive(rc);
}

static int walk_lease(struct walk *w, struct span id, struct err *err)
{
	struct texts fields = {0};
	int rc = inspect_lease(&w->c->in, id, &fields, err);

	for (size_t i = 0; rc == 0 && i + 1 < fields.n; i += 2) {
		struct span token = texts_at(&fields, i);

		if (token.len == 0 || token.at[0] == '#' || token.at[0] == '!' ||
			is_told(w, id, token))
			continue;
		tell_entry(w, id, token, texts_at(&fields, i + 1));
	}
	texts_fini(&fields);
	return forgive(rc);
}

/* -- their names, as they are now and as they were ------------------------------------------------ */

static void add_names(struct texts *out, const struct fsck_keys *keys, const char *prefix)
{
	FSCK_EACH_KEY(keys, i, prefix)
	texts_add(out, fsck_key_rest(keys, i, prefix));
	texts_sort(out);
}

static bool is_repeated(const struct texts *sorted, size_t i)
{
	return i > 0 && is_same(texts_at(sorted, i), texts_at(sorted, i - 1));
}

typedef int walk_one_fn(struct walk *w, struct span name, struct err *err);

static int walk_names(
	struct walk *w, struct texts *names, const char *prefix, walk_one_fn *one, struct err *err)
{
	int rc = 0;

	add_names(names, &w->im->keys, prefix);
	for (size_t i = 0; rc == 0 && i < names->n; i++)
		if (!is_repeated(names, i))
			rc = one(w, texts_at(names, i), err);
	texts_fini(names);
	return rc;
}

static int walk_queue(struct walk *w, struct span name, struct err *err)
{
	return walk_list(w, FSCK_QUEUE, KEY_QUEUE, name, err);
}

static int walk_parked_class(struct walk *w, struct span name, struct err *err)
{
	return walk_list(w, FSCK_PARKED, KEY_PARKED, name, err);
}

static int walk_queues(struct walk *w, struct err *err)
{
	struct texts names = {0};
	int rc = forgive(inspect_queues(&w->c->in, &names, err));

	return rc < 0 ? rc : walk_names(w, &names, KEY_QUEUE, walk_queue, err);
}

static int walk_parked(struct walk *w, struct err *err)
{
	struct texts names = {0};
	int rc = forgive(waiting_parked_classes(&w->c->in, &names, err));

	return rc < 0 ? rc : walk_names(w, &names, KEY_PARKED, walk_parked_class, err);
}

static int walk_leases(struct walk *w, struct err *err)
{
	struct texts pairs = {0}, ids = {0};
	int rc = forgive(inspect_leases(&w->c->in, &pairs, err));

	for (size_t i = 0; rc == 0 && i + 1 < pairs.n; i += 2)
		texts_add(&ids, texts_at(&pairs, i));
	texts_fini(&pairs);
	return rc < 0 ? rc : walk_names(w, &ids, KEY_LEASE, walk_lease, err);
}

int fsck_walk(struct drover_client *c, const struct fsck_image *im, fsck_sighting_fn *fn, void *ctx,
	struct err *err)
{
	struct walk w = {.c = c, .im = im, .fn = fn, .ctx = ctx};
	int rc = walk_hash(&w, KEY_DELAYED_JOBS, tell_delayed, err);

	if (rc == 0)
		rc = walk_hash(&w, KEY_PAUSED_JOBS, tell_paused, err);
	if (rc == 0)
		rc = walk_parked(&w, err);
	if (rc == 0)
		rc = walk_queues(&w, err);
	if (rc == 0)
		rc = walk_leases(&w, err);
	w.again = true;
	if (rc == 0)
		rc = walk_leases(&w, err);
	if (rc == 0)
		rc = walk_hash(&w, KEY_PAUSED_JOBS, tell_paused, err);
	if (rc == 0)
		rc = walk_list(&w, FSCK_FAILED, KEY_FAILED, SPAN_LIT(""), err);
	fsck_set_fini(&w.seen);
	return rc;
}

void fsck_add_where(struct text *out, const struct fsck_sighting *s)
{
	static const char *const keys[] = {[FSCK_QUEUE] = KEY_QUEUE,
		[FSCK_LEASE] = KEY_LEASE,
		[FSCK_DELAYED] = KEY_DELAYED_JOBS,
		[FSCK_PARKED] = KEY_PARKED,
		[FSCK_PAUSED] = KEY_PAUSED_JOBS,
		[FSCK_FAILED] = KEY_FAILED};

	text_add_str(out, keys[s->place]);
	text_add_span(out, s->name);
}

/* queue/waiting: see waiting.h; counting is in waiting_count.c. Runs in drover and in programs with libdrover. Only reads. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/must.h"
#include "queue/keys.h"
#include "queue/waiting.h"

#define SAME_JID_MOST 9 /* how often one jid is looked for among the delayed */

/* -- forms ----------------------------------------------------------------------------------- */

static bool cut_word(struct span *rest, struct span *word)
{
	const char *blank = rest->len ? memchr(rest->at, ' ', rest->len) : NULL;

	if (!blank)
		return false;
	*word = (struct span){rest->at, (size_t)(blank - rest->at)};
	rest->len -= word->len + 1;
	rest->at = blank + 1;
	return true;
}

bool waiting_read_parked(struct waiting *w, struct span text)
{
	struct span len;
	int64_t n;

	*w = (struct waiting){.why = span_of(NULL)};
	if (!cut_word(&text, &len))
		return false;
	n = ask_to_number(len, -1);
	if (n < 0 || (uint64_t)n >= text.len || text.at[n] != ' ')
		return false;
	w->queue = (struct span){text.at, (size_t)n};
	w->payload = (struct span){text.at + n + 1, text.len - (size_t)n - 1};
	return true;
}

bool waiting_read_delayed(struct waiting *w, struct span text)
{
	struct span why;

	*w = (struct waiting){.why = span_of(NULL)};
	if (!cut_word(&text, &why) || !waiting_read_parked(w, text))
		return false;
	w->why = why;
	return true;
}

const char *waiting_state(struct span why)
{
	if (span_is(why, "retry"))
		return "retrying";
	return span_is(why, "interrupted") ? "interrupted" : "delayed";
}

struct span waiting_jid(struct span member)
{
	const char *slash = member.len ? memchr(member.at, '/', member.len) : NULL;

	if (slash)
		member.len = (size_t)(slash - member.at);
	return member;
}

/* FNV-1a: tells the items of one second apart, and no more is asked of it. */
static uint64_t digest(struct span s)
{
	uint64_t h = 14695981039346656037u;

	for (size_t i = 0; i < s.len; i++)
		h = (h ^ (unsigned char)s.at[i]) * 1099511628211u;
	return h;
}

char *waiting_foreign_id(struct span second, struct span item, char *out)
{
	snprintf(out, WAITING_ID_SIZE, "%.*s.%016" PRIx64, (int)(second.len < 20 ? second.len : 20),
		second.at, digest(item));
	return out;
}

struct span waiting_foreign_second(struct span id)
{
	const char *dot = id.len ? memchr(id.at, '.', id.len) : NULL;
	struct span second = {id.at, dot ? (size_t)(dot - id.at) : 0};

	if (!dot || id.len - second.len != 17 || ask_to_number(second, -1) < 0)
		return span_of(NULL);
	return second;
}

/* -- reading --------------------------------------------------------------------------------- */

static int read_range(const struct inspect *in, const char *command, const char *key,
	struct span name, int64_t from, int64_t n, bool scores, struct texts *out, struct err *err)
{
	struct words w = {0};

	must(from >= 0 && n > 0);
	words_add_str(&w, command);
	words_add_key(&w, in->prefix, key, name);
	words_add_int(&w, from);
	words_add_int(&w, from + n - 1);
	if (scores)
		words_add_str(&w, "WITHSCORES");
	return ask_texts(in->redis, &w, out, err);
}

static int read_number(const struct inspect *in, const char *command, const char *key,
	struct span name, int64_t *out, struct err *err)
{
	struct words w = {0};

	words_add_str(&w, command);
	words_add_key(&w, in->prefix, key, name);
	return ask_number(in->redis, &w, out, err);
}

int waiting_delayed_size(const struct inspect *in, int64_t *size, struct err *err)
{
	return read_number(in, "ZCARD", KEY_DELAYED, span_of(NULL), size, err);
}

int waiting_delayed_part(
	const struct inspect *in, int64_t from, int64_t n, struct texts *pairs, struct err *err)
{
	return read_range(in, "ZRANGE", KEY_DELAYED, span_of(NULL), from, n, true, pairs, err);
}

int waiting_delayed_jobs(const struct inspect *in, const struct texts *members, size_t step,
	struct texts *jobs, struct err *err)
{
	struct words w = {0};

	texts_fini(jobs);
	if (members->n == 0)
		return 0;
	words_add_str(&w, "HMGET");
	words_add_key(&w, in->prefix, KEY_DELAYED_JOBS, span_of(NULL));
	for (size_t i = 0; i < members->n; i += step)
		words_add(&w, texts_at(members, i));
	return ask_texts(in->redis, &w, jobs, err);
}

static void add_members(struct texts *members, struct span jid)
{
	struct text member = {0};

	texts_add(members, jid);
	for (int i = 2; i <= SAME_JID_MOST; i++) {
		text_clear(&member);
		text_add_span(&member, jid);
		text_addf(&member, "/%d", i);
		texts_add(members, (struct span){member.data, member.len});
	}
	text_fini(&member);
}

static int read_due(
	const struct inspect *in, struct span member, struct texts *due, struct err *err)
{
	struct words w = {0};

	words_add_str(&w, "ZSCORE");
	words_add_key(&w, in->prefix, KEY_DELAYED, span_of(NULL));
	words_add(&w, member);
	return ask_texts(in->redis, &w, due, err);
}

int waiting_delayed_find(
	const struct inspect *in, struct span jid, struct texts *found, struct err *err)
{
	struct texts members = {0}, jobs = {0}, due = {0};
	size_t i = 0;
	int rc;

	texts_fini(found);
	add_members(&members, jid);
	rc = waiting_delayed_jobs(in, &members, 1, &jobs, err);
	while (i < jobs.n && texts_at(&jobs, i).len == 0)
		i++;
	if (rc == 0 && i < jobs.n) {
		rc = read_due(in, texts_at(&members, i), &due, err);
		texts_add(found, texts_at(&members, i));
		texts_add(found, texts_at(&jobs, i));
		texts_add(found, due.n ? texts_at(&due, 0) : SPAN_LIT(""));
	}
	texts_fini(&members);
	texts_fini(&jobs);
	texts_fini(&due);
	return rc;
}

int waiting_parked_classes(const struct inspect *in, struct texts *classes, struct err *err)
{
	struct words w = {0};
	int rc;

	words_add_str(&w, "SMEMBERS");
	words_add_key(&w, in->prefix, KEY_PARKED_CLASSES, span_of(NULL));
	rc = ask_texts(in->redis, &w, classes, err);
	if (rc == 0)
		texts_sort(classes);
	return rc;
}

int waiting_parked_size(
	const struct inspect *in, struct span class_name, int64_t *size, struct err *err)
{
	return read_number(in, "LLEN", KEY_PARKED, class_name, size, err);
}

int waiting_parked_part(const struct inspect *in, struct span class_name, int64_t from, int64_t n,
	struct texts *items, struct err *err)
{
	return read_range(in, "LRANGE", KEY_PARKED, class_name, from, n, false, items, err);
}

int waiting_paused_size(const struct inspect *in, int64_t *size, struct err *err)
{
	return read_number(in, "HLEN", KEY_PAUSED_JOBS, span_of(NULL), size, err);
}

int waiting_paused_part(
	const struct inspect *in, struct text *cursor, struct texts *pairs, struct err *err)
{
	struct texts page = {0};
	struct words w = {0};
	int rc;

	words_add_str(&w, "HSCAN");
	words_add_key(&w, in->prefix, KEY_PAUSED_JOBS, span_of(NULL));
	words_add(&w, (struct span){cursor->data, cursor->len});
	rc = ask_texts(in->redis, &w, &page, err);
	texts_fini(pairs);
	if (rc == 0 && page.n > 0) {
		text_clear(cursor);
		text_add_span(cursor, texts_at(&page, 0));
	}
	for (size_t i = 1; rc == 0 && i < page.n; i++)
		texts_add(pairs, texts_at(&page, i));
	texts_fini(&page);
	return rc;
}

int waiting_paused_find(
	const struct inspect *in, struct span jid, struct texts *found, struct err *err)
{
	struct words w = {0};

	words_add_str(&w, "HGET");
	words_add_key(&w, in->prefix, KEY_PAUSED_JOBS, span_of(NULL));
	words_add(&w, jid);
	return ask_texts(in->redis, &w, found, err);
}

int waiting_foreign_seconds(
	const struct inspect *in, int64_t from, int64_t n, struct texts *seconds, struct err *err)
{
	return read_range(
		in, "ZRANGE", KEY_SCHEDULER_SECONDS, span_of(NULL), from, n, false, seconds, err);
}

int waiting_foreign_size(
	const struct inspect *in, struct span second, int64_t *size, struct err *err)
{
	return read_number(in, "LLEN", KEY_SCHEDULER_DELAYED, second, size, err);
}

int waiting_foreign_part(const struct inspect *in, struct span second, int64_t from, int64_t n,
	struct texts *items, struct err *err)
{
	return read_range(in, "LRANGE", KEY_SCHEDULER_DELAYED, second, from, n, false, items, err);
}

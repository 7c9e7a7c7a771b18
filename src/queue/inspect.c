/* queue/inspect: see inspect.h. Runs in drover and in programs with libdrover. Only reads. */
#include <string.h>

#include "base/must.h"
#include "queue/inspect.h"
#include "queue/keys.h"

#define KEYS_AT_ONCE 1000 /* a look at so many keeps Redis for about a millisecond */

static void begin(struct words *w, const struct inspect *in, const char *command, const char *key,
	struct span name)
{
	*w = (struct words){0};
	words_add_str(w, command);
	words_add_key(w, in->prefix, key, name);
}

static int read_texts(const struct inspect *in, const char *command, const char *key,
	struct span name, struct texts *out, struct err *err)
{
	struct words w;

	begin(&w, in, command, key, name);
	return ask_texts(in->redis, &w, out, err);
}

static int read_number(const struct inspect *in, const char *command, const char *key,
	struct span name, int64_t *out, struct err *err)
{
	struct words w;

	begin(&w, in, command, key, name);
	return ask_number(in->redis, &w, out, err);
}

static int read_part(const struct inspect *in, const char *key, struct span name, int64_t from,
	int64_t n, struct texts *out, struct err *err)
{
	struct words w;

	must(from >= 0 && n > 0);
	begin(&w, in, "LRANGE", key, name);
	words_add_int(&w, from);
	words_add_int(&w, from + n - 1);
	return ask_texts(in->redis, &w, out, err);
}

#define NO_NAME SPAN_LIT("")

int inspect_queues(const struct inspect *in, struct texts *names, struct err *err)
{
	int rc = read_texts(in, "SMEMBERS", KEY_QUEUES, NO_NAME, names, err);

	if (rc == 0)
		texts_sort(names);
	return rc;
}

int inspect_queue_size(const struct inspect *in, struct span queue, int64_t *size, struct err *err)
{
	return read_number(in, "LLEN", KEY_QUEUE, queue, size, err);
}

int inspect_queue_part(const struct inspect *in, struct span queue, int64_t from, int64_t n,
	struct texts *payloads, struct err *err)
{
	return read_part(in, KEY_QUEUE, queue, from, n, payloads, err);
}

/* As Resque reads the key: blanks around do not count, nor does the case. */
static bool says_true(struct span s)
{
	while (s.len && strchr(" \t\r\n", s.at[0]))
		s.at++, s.len--;
	while (s.len && strchr(" \t\r\n", s.at[s.len - 1]))
		s.len--;
	return s.len == 4 && strncasecmp(s.at, "true", 4) == 0;
}

int inspect_paused(const struct inspect *in, struct texts *pairs, bool *all, struct err *err)
{
	int rc = read_texts(in, "GET", KEY_PAUSE_ALL, NO_NAME, pairs, err);

	if (rc < 0)
		return rc;
	*all = says_true(texts_at(pairs, 0));
	rc = read_texts(in, "HGETALL", KEY_PAUSED, NO_NAME, pairs, err);
	for (size_t i = 0; rc == 0 && i + 1 < pairs->n; i += 2)
		*all = *all || span_is(texts_at(pairs, i), "*");
	return rc;
}

int inspect_failed_size(const struct inspect *in, int64_t *size, struct err *err)
{
	return read_number(in, "LLEN", KEY_FAILED, NO_NAME, size, err);
}

int inspect_failed_part(
	const struct inspect *in, int64_t from, int64_t n, struct texts *records, struct err *err)
{
	return read_part(in, KEY_FAILED, NO_NAME, from, n, records, err);
}

int inspect_workers(const struct inspect *in, struct texts *ids, struct err *err)
{
	int rc = read_texts(in, "SMEMBERS", KEY_WORKERS, NO_NAME, ids, err);

	if (rc == 0)
		texts_sort(ids);
	return rc;
}

int inspect_worker(const struct inspect *in, struct span id, struct texts *record, struct err *err)
{
	return read_texts(in, "GET", KEY_WORKER, id, record, err);
}

int inspect_leases(const struct inspect *in, struct texts *pairs, struct err *err)
{
	struct words w;

	begin(&w, in, "ZRANGE", KEY_SUPERVISORS, NO_NAME);
	words_add_str(&w, "0");
	words_add_str(&w, "-1");
	words_add_str(&w, "WITHSCORES");
	return ask_texts(in->redis, &w, pairs, err);
}

static int scan_leases(
	const struct inspect *in, struct span cursor, struct texts *out, struct err *err)
{
	struct words w = {0};

	words_add_str(&w, "SCAN");
	words_add(&w, cursor);
	words_add_str(&w, "MATCH");
	words_add_pattern(&w, in->prefix, KEY_LEASE);
	words_add_str(&w, "COUNT");
	words_add_int(&w, KEYS_AT_ONCE);
	words_add_str(&w, "TYPE");
	words_add_str(&w, "hash");
	return ask_texts(in->redis, &w, out, err);
}

int inspect_lease_keys(const struct inspect *in, struct texts *ids, struct err *err)
{
	size_t before = strlen(in->prefix) + strlen(KEY_LEASE);
	struct text cursor = {0};
	struct texts some = {0};
	int rc;

	texts_fini(ids);
	text_add_char(&cursor, '0');
	do {
		rc = scan_leases(in, (struct span){cursor.data, cursor.len}, &some, err);
		text_clear(&cursor);
		if (rc == 0 && some.n > 0)
			text_add_span(&cursor, texts_at(&some, 0));
		for (size_t i = 1; rc == 0 && i < some.n; i++) {
			struct span key = texts_at(&some, i);

			texts_add(ids, (struct span){key.at + before, key.len - before});
		}
	} while (rc == 0 && cursor.len && strcmp(cursor.data, "0") != 0);
	text_fini(&cursor);
	texts_fini(&some);
	texts_sort(ids);
	return rc;
}

int inspect_supervisor(
	const struct inspect *in, struct span id, struct texts *pairs, struct err *err)
{
	return read_texts(in, "HGETALL", KEY_SUPERVISOR, id, pairs, err);
}

int inspect_lease(const struct inspect *in, struct span id, struct texts *pairs, struct err *err)
{
	return read_texts(in, "HGETALL", KEY_LEASE, id, pairs, err);
}

int inspect_run(const struct inspect *in, struct span jid, struct texts *pairs, struct err *err)
{
	return read_texts(in, "HGETALL", KEY_RUN, jid, pairs, err);
}

int inspect_counters(const struct inspect *in, int64_t *processed, int64_t *failed, struct err *err)
{
	int rc = read_number(in, "GET", KEY_STAT_PROCESSED, NO_NAME, processed, err);

	return rc < 0 ? rc : read_number(in, "GET", KEY_STAT_FAILED, NO_NAME, failed, err);
}

int inspect_time(const struct inspect *in, int64_t *wall_ms, struct err *err)
{
	struct texts t = {0};
	struct words w = {0};
	int rc;

	words_add_str(&w, "TIME");
	rc = ask_texts(in->redis, &w, &t, err);
	if (rc == 0 && t.n == 2)
		*wall_ms = ask_to_number(texts_at(&t, 0), 0) * 1000 +
			   ask_to_number(texts_at(&t, 1), 0) / 1000;
	texts_fini(&t);
	return rc;
}

/* -- pure ---------------------------------------------------------------------------------- */

/* What stands before the last `c`; `otherwise` where there is none. */
static struct span cut_at_last(struct span s, char c, struct span otherwise)
{
	for (; s.len; s.len--)
		if (s.at[s.len - 1] == c)
			return (struct span){s.at, s.len - 1};
	return otherwise;
}

struct span inspect_pool(struct span token)
{
	struct span none = {token.at, 0};
	struct span mark = cut_at_last(cut_at_last(token, '.', none), '.', none);

	return cut_at_last(mark, '~', mark);
}

int64_t inspect_find_pid(struct span worker_pids, struct span id)
{
	while (worker_pids.len) {
		const char *end = memchr(worker_pids.at, ' ', worker_pids.len);
		size_t len = end ? (size_t)(end - worker_pids.at) : worker_pids.len;

		if (len > id.len + 1 && worker_pids.at[id.len] == '=' &&
			memcmp(worker_pids.at, id.at, id.len) == 0)
			return ask_to_number(
				(struct span){worker_pids.at + id.len + 1, len - id.len - 1}, -1);
		len += end ? 1 : 0;
		worker_pids.at += len;
		worker_pids.len -= len;
	}
	return -1;
}

/*
 * items/ranked: a list or a sorted set. In drover-items. The cursor is the index of the member given
 * last, from 0: who pushes to the head, or takes from it, moves all that is behind.
 */
#include "items/source.h"

#include <stdlib.h>

#include "base/must.h"
#include "queue/ask.h"

/* Members may be large: more than about so many bytes are not asked for at once, but for the first time. */
#define BYTES_AT_ONCE (1 << 20)
#define FIRST_AT_ONCE 32

struct ranked {
	struct source source;
	int64_t at_once; /* members; halved where they are large */
};

static struct source *ranked_open(struct store *store, const struct stream_spec *spec)
{
	struct ranked *r = must_alloc(sizeof *r);

	(void)store, (void)spec;
	r->at_once = FIRST_AT_ONCE;
	return &r->source;
}

static void ranked_close(struct source *s)
{
	free(s);
}

static int ranked_count(struct source *s, int64_t *n, struct err *err)
{
	return source_ask_number(s, s->spec.kind == STREAM_LIST ? "LLEN" : "ZCARD", n, err);
}

static const struct redis_reply *ask_range(
	struct source *s, int64_t first, int64_t n, struct err *err)
{
	struct words w = {0};

	words_add_str(&w, s->spec.kind == STREAM_LIST ? "LRANGE" : "ZRANGE");
	words_add_str(&w, s->spec.key);
	words_add_int(&w, first);
	words_add_int(&w, first + n - 1);
	return store_ask(s->store, &w, err);
}

static void learn_size(struct ranked *r, int64_t got, size_t bytes)
{
	if (bytes > BYTES_AT_ONCE)
		r->at_once = got > 1 ? got / 2 : 1;
	else if (bytes < BYTES_AT_ONCE / 4 && r->at_once < STREAM_NEXT_MAX)
		r->at_once = 2 * r->at_once < STREAM_NEXT_MAX ? 2 * r->at_once : STREAM_NEXT_MAX;
}

static int ranked_next(
	struct source *s, const struct stream_question *q, struct items *out, struct err *err)
{
	struct ranked *r = (struct ranked *)s;
	int64_t first = q->cursor.len ? ask_to_number(q->cursor, -1) + 1 : 0;
	int64_t n = q->count < r->at_once ? q->count : r->at_once;
	const struct redis_reply *reply;

	if (q->cursor.len && first == 0)
		return err_set(err, "the cursor is none of a %s: an index is due",
			s->spec.kind == STREAM_LIST ? "list" : "sorted set");
	reply = ask_range(s, first, n, err);
	if (!reply)
		return -1;
	for (size_t i = 0; i < reply->n; i++) {
		struct text cursor = {0};

		text_add_int(&cursor, first + (int64_t)i);
		items_add(out, (struct span){cursor.data, cursor.len}, reply->items[i]->text);
		text_fini(&cursor);
	}
	learn_size(r, out->n, out->bytes.len);
	return 0;
}

const struct source_kind RANKED_KIND = {
	.open = ranked_open, .close = ranked_close, .count = ranked_count, .next = ranked_next};

/*
 * items/scanned: members of a set, fields of a hash, names of keys, by SCAN and its likes. In
 * drover-items. Each is given at least once, in an order of its own, and maybe again where the table
 * changed meanwhile or Redis was restarted; what a cursor is: batch.h.
 */
#include "items/source.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/must.h"
#include "items/batch.h"

/* SCAN's COUNT. What is repeated at worst; of keys with a pattern most are not even seen by us. */
enum { MEMBERS_AT_ONCE = 100, KEYS_AT_ONCE = 1000 };

struct scanned {
	struct source source;
	uint64_t server, connection; /* who answers there; 0: nobody has been asked yet */
	struct batch batch;	     /* its members point into `bytes` */
	struct text bytes, item, cursor;
	struct text
		last; /* the cursor that was given last: who asks with it goes on in the batch */
};

static struct source *scanned_open(struct store *store, const struct stream_spec *spec)
{
	struct scanned *s = must_alloc(sizeof *s);

	(void)store, (void)spec;
	return &s->source;
}

static void scanned_close(struct source *source)
{
	struct scanned *s = (struct scanned *)source;

	batch_fini(&s->batch);
	text_fini(&s->bytes);
	text_fini(&s->item);
	text_fini(&s->cursor);
	text_fini(&s->last);
	free(s);
}

static int scanned_count(struct source *s, int64_t *n, struct err *err)
{
	*n = -1;
	if (s->spec.kind == STREAM_SCAN)
		return 0;
	return source_ask_number(s, s->spec.kind == STREAM_SET ? "SCARD" : "HLEN", n, err);
}

/* -- one answer of SCAN ---------------------------------------------------------------------------- */

static const struct redis_reply *ask_scan(struct source *s, uint64_t from, struct err *err)
{
	struct words w = {0};
	char cursor[24];

	snprintf(cursor, sizeof cursor, "%llu", (unsigned long long)from);
	if (s->spec.kind == STREAM_SCAN) {
		words_add_str(&w, "SCAN");
		words_add_str(&w, cursor);
		words_add_str(&w, "MATCH");
		words_add_str(&w, s->spec.key);
	} else {
		words_add_str(&w, s->spec.kind == STREAM_SET ? "SSCAN" : "HSCAN");
		words_add_str(&w, s->spec.key);
		words_add_str(&w, cursor);
	}
	words_add_str(&w, "COUNT");
	words_add_int(&w, s->spec.kind == STREAM_SCAN ? KEYS_AT_ONCE : MEMBERS_AT_ONCE);
	return store_ask(s->store, &w, err);
}

/* The answer goes with the next call; what was not given yet is kept. */
static struct span keep(struct text *bytes, struct span s)
{
	text_add_span(bytes, s);
	return (struct span){bytes->data + bytes->len - s.len, s.len};
}

static void take_members(struct scanned *s, const struct redis_reply *list)
{
	size_t step = s->source.spec.kind == STREAM_HASH ? 2 : 1, room = 0;

	for (size_t i = 0; i < list->n; i++)
		room += list->items[i]->text.len;
	text_clear(&s->bytes);
	text_reserve(&s->bytes, room); /* it must not move: spans into it are kept */
	for (size_t i = 0; i + step <= list->n; i += step) {
		struct span name = keep(&s->bytes, list->items[i]->text), value = {"", 0};

		if (step == 2)
			value = keep(&s->bytes, list->items[i + 1]->text);
		batch_add(&s->batch, batch_hash(name), name, value);
	}
}

static int take_answer(
	struct scanned *s, uint64_t from, const struct redis_reply *reply, struct err *err)
{
	char *end;
	uint64_t to;

	if (reply->type != REDIS_ARRAY || reply->n != 2 || reply->items[1]->type != REDIS_ARRAY)
		return err_set(err, "Redis answers SCAN with something else");
	errno = 0;
	to = strtoull(reply->items[0]->text.at, &end, 10);
	if (errno || *end || reply->items[0]->text.len == 0)
		return err_set(err, "Redis answers SCAN with a cursor that is no number");
	batch_begin(&s->batch, s->server, from);
	take_members(s, reply->items[1]);
	batch_end(&s->batch, to);
	return 0;
}

/* The half of its run id: it has another one after each start. 0 where it does not tell. */
static uint64_t run_id(struct span info)
{
	static const char NAME[] = "run_id:";
	const char *at = memmem(info.at, info.len, NAME, sizeof NAME - 1);
	char digits[17] = "";

	if (at && (size_t)(info.at + info.len - at) >= sizeof NAME - 1 + 16)
		memcpy(digits, at + sizeof NAME - 1, 16);
	return strtoull(digits, NULL, 16);
}

/* Asked once a connection. Who may not ask that is not kept from reading. */
static int know_server(struct scanned *s, struct err *err)
{
	const struct redis_reply *reply;
	struct words w = {0};

	if (s->connection && s->connection == store_connection(s->source.store))
		return 0;
	words_add_str(&w, "INFO");
	words_add_str(&w, "server");
	reply = store_ask(s->source.store, &w, err);
	if (!reply && s->source.store->redis == NULL)
		return -1;
	s->server = reply && reply->type == REDIS_STRING ? run_id(reply->text) : 0;
	s->connection = store_connection(s->source.store);
	return 0;
}

/*
 * What a cursor means is known by the server that gave it. The answer may be that of another one, for
 * the connection may be made anew while it is waited for: then it counts for nothing.
 */
static int load(struct scanned *s, const struct batch_cursor *c, struct err *err)
{
	const struct redis_reply *reply;
	uint64_t from;

	do {
		if (know_server(s, err) < 0)
			return -1;
		from = batch_cursor_from(c, s->server);
		reply = ask_scan(&s->source, from, err);
		if (!reply)
			return -1;
	} while (s->connection != store_connection(s->source.store));
	return take_answer(s, from, reply, err);
}

static int load_next(struct scanned *s, struct err *err)
{
	return load(s, &(struct batch_cursor){.server = s->batch.server, .from = s->batch.to}, err);
}

/* -- items ------------------------------------------------------------------------------------------ */

/* JSON is UTF-8: bytes that are not stand beside it as they are. */
static void add_json(struct text *out, const char *name, struct span bytes)
{
	text_addf(out, "\"%s\":", name);
	text_add_json(out, bytes);
	if (utf8_valid(bytes))
		return;
	text_addf(out, ",\"%s_base64\":\"", name);
	text_add_base64(out, bytes);
	text_add_char(out, '"');
}

static struct span item_of(struct scanned *s, const struct batch_member *m)
{
	if (s->source.spec.kind != STREAM_HASH)
		return m->name;
	text_clear(&s->item);
	text_add_char(&s->item, '{');
	add_json(&s->item, "field", m->name);
	text_add_char(&s->item, ',');
	add_json(&s->item, "value", m->value);
	text_add_char(&s->item, '}');
	return (struct span){s->item.data, s->item.len};
}

static void give(struct scanned *s, struct items *out)
{
	const struct batch_member *m = &s->batch.members[s->batch.next++];

	batch_name(&s->batch, &s->cursor);
	items_add(out, (struct span){s->cursor.data, s->cursor.len}, item_of(s, m));
}

static int go_to(struct scanned *s, struct span cursor, struct err *err)
{
	struct batch_cursor c = {0};

	if (s->last.len && s->last.len == cursor.len &&
		memcmp(s->last.data, cursor.at, cursor.len) == 0)
		return 0;
	text_clear(&s->last);
	if (cursor.len && batch_cursor_parse(&c, cursor, err) < 0)
		return -1;
	if (load(s, &c, err) < 0)
		return -1;
	batch_skip(&s->batch, &c);
	return 0;
}

static int scanned_next(
	struct source *source, const struct stream_question *q, struct items *out, struct err *err)
{
	struct scanned *s = (struct scanned *)source;

	if (go_to(s, q->cursor, err) < 0)
		return -1;
	/* An answer of SCAN may hold nothing, and there may be many such. */
	while (s->batch.next == s->batch.n && s->batch.to != 0)
		if (load_next(s, err) < 0)
			return -1;
	while (out->n < q->count && s->batch.next < s->batch.n)
		give(s, out);
	if (out->n > 0) {
		text_clear(&s->last);
		text_add(&s->last, s->cursor.data, s->cursor.len);
	}
	return 0;
}

const struct source_kind SCANNED_KIND = {
	.open = scanned_open, .close = scanned_close, .count = scanned_count, .next = scanned_next};

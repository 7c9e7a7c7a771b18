/* queue/run_read: see run_read.h. Runs in drover and in programs with libdrover. */
#include "queue/keys.h"
#include "queue/run_read.h"

#define ERRORS_AT_ONCE 1000

int run_read_list(
	const struct inspect *in, int64_t from, int64_t n, struct texts *jids, struct err *err)
{
	struct words w = {0};

	words_add_str(&w, "ZREVRANGE");
	words_add_key(&w, in->prefix, KEY_RUNS, span_of(NULL));
	words_add_int(&w, from);
	words_add_int(&w, from + n - 1);
	return ask_texts(in->redis, &w, jids, err);
}

int run_read_parts(const struct inspect *in, struct span jid, struct texts *pairs, struct err *err)
{
	struct words w = {0};

	words_add_str(&w, "HGETALL");
	words_add_run_key(&w, in->prefix, jid, KEY_PARTS);
	return ask_texts(in->redis, &w, pairs, err);
}

int run_read_wish(const struct inspect *in, struct span jid, struct texts *wish, struct err *err)
{
	struct words w = {0};

	words_add_str(&w, "HGET");
	words_add_key(&w, in->prefix, KEY_PAUSE, span_of(NULL));
	words_add(&w, jid);
	return ask_texts(in->redis, &w, wish, err);
}

int run_read_errors(const struct inspect *in, struct span jid, struct texts *pairs, struct err *err)
{
	struct texts page = {0};
	struct text cursor = {0};
	int rc;

	texts_fini(pairs);
	text_add_char(&cursor, '0');
	do {
		struct words w = {0};

		words_add_str(&w, "HSCAN");
		words_add_run_key(&w, in->prefix, jid, KEY_ERRORS);
		words_add(&w, (struct span){cursor.data, cursor.len});
		words_add_str(&w, "COUNT");
		words_add_int(&w, ERRORS_AT_ONCE);
		rc = ask_texts(in->redis, &w, &page, err);
		text_clear(&cursor);
		if (rc == 0 && page.n > 0)
			text_add_span(&cursor, texts_at(&page, 0));
		for (size_t i = 1; rc == 0 && i < page.n; i++)
			texts_add(pairs, texts_at(&page, i));
	} while (rc == 0 && cursor.len && !span_is((struct span){cursor.data, cursor.len}, "0"));
	text_fini(&cursor);
	texts_fini(&page);
	return rc;
}

/* -- output -------------------------------------------------------------------------------- */

/* [ID, [field, value ..]]; whatever else there is is not looked at. */
static bool tell_line(const struct redis_reply *entry, run_line_fn *fn, void *ctx)
{
	struct run_line line = {0};
	const struct redis_reply *fields;

	if (entry->type != REDIS_ARRAY || entry->n != 2 || entry->items[1]->type != REDIS_ARRAY)
		return false;
	line.id = entry->items[0]->text;
	fields = entry->items[1];
	for (size_t i = 0; i + 1 < fields->n; i += 2) {
		if (span_is(fields->items[i]->text, "part"))
			line.part = fields->items[i + 1]->text;
		else if (span_is(fields->items[i]->text, "line"))
			line.text = fields->items[i + 1]->text;
	}
	fn(ctx, &line);
	return true;
}

/* [[KEY, [entry ..]]], or nil where the time is over. */
static int tell_lines(const struct redis_reply *reply, run_line_fn *fn, void *ctx)
{
	const struct redis_reply *stream =
		reply->type == REDIS_ARRAY && reply->n == 1 ? reply->items[0] : NULL;
	int n = 0;

	if (!stream || stream->type != REDIS_ARRAY || stream->n != 2 ||
		stream->items[1]->type != REDIS_ARRAY)
		return 0;
	for (size_t i = 0; i < stream->items[1]->n; i++)
		n += tell_line(stream->items[1]->items[i], fn, ctx);
	return n;
}

int run_read_log(const struct inspect *in, struct span jid, const char *after, int64_t n,
	int64_t block_ms, run_line_fn *fn, void *ctx, struct err *err)
{
	const struct redis_reply *reply;
	struct words w = {0};
	int rc;

	words_add_str(&w, "XREAD");
	words_add_str(&w, "COUNT");
	words_add_int(&w, n);
	if (block_ms > 0) {
		words_add_str(&w, "BLOCK");
		words_add_int(&w, block_ms);
	}
	words_add_str(&w, "STREAMS");
	words_add_run_key(&w, in->prefix, jid, KEY_LOG);
	words_add_str(&w, after);
	reply = redis_call(in->redis, err, w.n, words_spans(&w));
	rc = ask_judge(reply, err);
	if (rc == 0)
		rc = tell_lines(reply, fn, ctx);
	words_fini(&w);
	return rc;
}

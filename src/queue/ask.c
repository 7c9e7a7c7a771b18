/* queue/ask: see ask.h. Runs in drover and in programs with libdrover, never in droverd. */
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/must.h"
#include "queue/ask.h"

void texts_fini(struct texts *t)
{
	for (size_t i = 0; i < t->n; i++)
		text_fini(&t->items[i]);
	free(t->items);
	*t = (struct texts){0};
}

static struct text *add_blank(struct texts *t)
{
	t->items = must_realloc(t->items, (t->n + 1) * sizeof *t->items);
	t->items[t->n] = (struct text){0};
	return &t->items[t->n++];
}

void texts_add(struct texts *t, struct span s)
{
	text_add_span(add_blank(t), s);
}

static int compare(const void *a, const void *b)
{
	const struct text *x = a, *y = b;
	size_t shorter = x->len < y->len ? x->len : y->len;
	int c = shorter ? memcmp(x->data, y->data, shorter) : 0;

	return c ? c : (x->len > y->len) - (x->len < y->len);
}

void texts_sort(struct texts *t)
{
	if (t->n > 1)
		qsort(t->items, t->n, sizeof *t->items, compare);
}

struct span texts_at(const struct texts *t, size_t i)
{
	must(i < t->n);
	return (struct span){t->items[i].data ? t->items[i].data : "", t->items[i].len};
}

struct span texts_value(const struct texts *t, const char *key)
{
	for (size_t i = 0; i + 1 < t->n; i += 2)
		if (span_is(texts_at(t, i), key))
			return texts_at(t, i + 1);
	return SPAN_LIT("");
}

static void take_text(struct text *out, const struct redis_reply *reply)
{
	if (reply->type == REDIS_INTEGER)
		text_add_int(out, reply->integer);
	else if (reply->type == REDIS_STRING || reply->type == REDIS_STATUS)
		text_add_span(out, reply->text);
}

static void take_texts(struct texts *out, const struct redis_reply *reply)
{
	if (reply->type != REDIS_ARRAY)
		take_text(add_blank(out), reply);
	else
		for (size_t i = 0; i < reply->n; i++)
			take_texts(out, reply->items[i]);
}

int ask_judge(const struct redis_reply *reply, struct err *err)
{
	if (!reply)
		return ASK_LOST;
	if (reply->type != REDIS_ERROR)
		return 0;
	err_set(err, "Redis answers: %.*s", (int)(reply->text.len < 400 ? reply->text.len : 400),
		reply->text.at);
	return reply->text.len >= 9 && memcmp(reply->text.at, "WRONGTYPE", 9) == 0 ? ASK_WRONG_TYPE
										   : ASK_REFUSED;
}

static int take_number(const struct redis_reply *reply, int64_t *out, struct err *err)
{
	int rc = ask_judge(reply, err);

	if (rc == 0)
		*out = reply->type == REDIS_INTEGER ? reply->integer
						    : ask_to_number(reply->text, 0);
	return rc;
}

static int take_answer(const struct redis_reply *reply, struct texts *out, struct err *err)
{
	int rc = ask_judge(reply, err);

	if (rc < 0)
		return rc;
	texts_fini(out);
	take_texts(out, reply);
	return 0;
}

int ask_texts(struct redis *r, struct words *w, struct texts *out, struct err *err)
{
	int rc = take_answer(redis_call(r, err, w->n, words_spans(w)), out, err);

	words_fini(w);
	return rc;
}

int ask_number(struct redis *r, struct words *w, int64_t *out, struct err *err)
{
	int rc = take_number(redis_call(r, err, w->n, words_spans(w)), out, err);

	words_fini(w);
	return rc;
}

int ask_script(struct redis *r, const struct redis_script *s, size_t n_keys, struct words *w,
	struct texts *out, struct err *err)
{
	int rc = take_answer(redis_call_script(r, s, err, n_keys, w->n, words_spans(w)), out, err);

	words_fini(w);
	return rc;
}

int ask_script_number(struct redis *r, const struct redis_script *s, size_t n_keys, struct words *w,
	int64_t *out, struct err *err)
{
	int rc = take_number(redis_call_script(r, s, err, n_keys, w->n, words_spans(w)), out, err);

	words_fini(w);
	return rc;
}

int64_t ask_to_number(struct span s, int64_t otherwise)
{
	int64_t n = 0;

	if (s.len == 0 || s.len > 18)
		return otherwise;
	for (size_t i = 0; i < s.len; i++) {
		if (s.at[i] < '0' || s.at[i] > '9')
			return otherwise;
		n = n * 10 + (s.at[i] - '0');
	}
	return n;
}

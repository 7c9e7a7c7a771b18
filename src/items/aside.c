/*
 * items/aside: the items of a run that were set aside, to be tried again (nursery/items/listed.c reads
 * them). In drover-items. Told whole: there are at most max_item_errors of them.
 */
#include "items/source.h"

#include <jansson.h>
#include <stdlib.h>

#include "base/must.h"
#include "queue/keys.h"

struct aside {
	int64_t number;
	json_t *record;
};

struct asides {
	struct aside *items;
	size_t n;
};

static struct source *aside_open(struct store *store, const struct stream_spec *spec)
{
	struct source *s = must_alloc(sizeof *s);

	(void)store, (void)spec;
	return s;
}

static void aside_close(struct source *s)
{
	free(s);
}

/* One that failed in this round was. */
static bool is_due(const struct source *s, const json_t *record)
{
	return json_is_string(json_object_get(record, "item")) &&
	       json_integer_value(json_object_get(record, "round")) < s->spec.round;
}

static void take(struct asides *a, const struct source *s, struct span number, struct span json)
{
	json_t *record = json_loadb(json.at, json.len, JSON_ALLOW_NUL, NULL);
	char *text = must_strndup(number.at, number.len);
	long long n = strtoll(text, NULL, 10);

	free(text);
	if (n < 1 || !json_is_object(record) || !is_due(s, record)) {
		json_decref(record);
		return;
	}
	a->items[a->n++] = (struct aside){n, record};
}

static int by_number(const void *a, const void *b)
{
	int64_t x = ((const struct aside *)a)->number, y = ((const struct aside *)b)->number;

	return (x > y) - (x < y);
}

static void add(struct text *out, const struct aside *a)
{
	const json_t *item = json_object_get(a->record, "item");
	const json_t *cursor = json_object_get(a->record, "cursor");
	size_t cursor_len = json_is_string(cursor) ? json_string_length(cursor) : 0;
	long long count = json_integer_value(json_object_get(a->record, "count"));

	text_addf(out, "%lld %lld %d %zu %zu\n", (long long)a->number, count < 1 ? 1 : count,
		!json_is_true(json_object_get(a->record, "cut")), cursor_len,
		json_string_length(item));
	if (cursor_len)
		text_add(out, json_string_value(cursor), cursor_len);
	text_add(out, json_string_value(item), json_string_length(item));
}

static int aside_tell(struct source *s, struct text *out, struct err *err)
{
	const struct redis_reply *reply;
	struct asides a = {0};
	struct words w = {0};
	struct text key = {0};

	text_addf(&key, "%s" KEY_RUN "%s" KEY_ERRORS, s->spec.prefix, s->spec.key);
	words_add_str(&w, "HGETALL");
	words_add_str(&w, key.data);
	text_fini(&key);
	reply = store_ask(s->store, &w, err);
	if (!reply || reply->type != REDIS_ARRAY)
		return reply ? err_set(err, "Redis answers HGETALL with no list") : -1;
	a.items = must_alloc((reply->n / 2 + 1) * sizeof *a.items);
	for (size_t i = 0; i + 1 < reply->n; i += 2)
		take(&a, s, reply->items[i]->text, reply->items[i + 1]->text);
	qsort(a.items, a.n, sizeof *a.items, by_number);
	for (size_t i = 0; i < a.n; i++) {
		add(out, &a.items[i]);
		json_decref(a.items[i].record);
	}
	free(a.items);
	return 0;
}

const struct source_kind ASIDE_KIND = {
	.open = aside_open, .close = aside_close, .tell = aside_tell};

/* client/fsck_keys: all names in the namespace, read in small steps; see fsck.h. Only reads. */
#include <stdlib.h>
#include <string.h>

#include "base/must.h"
#include "client/fsck/fsck.h"
#include "queue/scripts.h"

#define KEYS_AT_ONCE 200 /* a look at so many keeps Redis for about a millisecond */

void fsck_keys_add(struct fsck_keys *keys, struct span name, struct span type, struct span detail)
{
	struct fsck_key *key;

	if (keys->n == keys->cap) {
		keys->cap = keys->cap ? 2 * keys->cap : 64;
		keys->items = must_realloc(keys->items, keys->cap * sizeof *keys->items);
	}
	key = &keys->items[keys->n++];
	*key = (struct fsck_key){0};
	text_add_span(&key->name, name);
	text_add_span(&key->type, type);
	text_add_span(&key->detail, detail);
}

static void key_fini(struct fsck_key *key)
{
	text_fini(&key->name);
	text_fini(&key->type);
	text_fini(&key->detail);
}

void fsck_keys_fini(struct fsck_keys *keys)
{
	for (size_t i = 0; i < keys->n; i++)
		key_fini(&keys->items[i]);
	free(keys->items);
	*keys = (struct fsck_keys){0};
}

static int compare_spans(struct span a, struct span b)
{
	size_t shorter = a.len < b.len ? a.len : b.len;
	int c = shorter ? memcmp(a.at, b.at, shorter) : 0;

	return c ? c : (a.len > b.len) - (a.len < b.len);
}

static struct span name_of(const struct fsck_key *key)
{
	return (struct span){key->name.data, key->name.len};
}

static int compare(const void *a, const void *b)
{
	return compare_spans(name_of(a), name_of(b));
}

/* SCAN may name a key more than once. */
void fsck_keys_sort(struct fsck_keys *keys)
{
	size_t kept = 0;

	if (keys->n == 0)
		return;
	qsort(keys->items, keys->n, sizeof *keys->items, compare);
	for (size_t i = 1; i < keys->n; i++)
		if (compare(&keys->items[kept], &keys->items[i]) == 0)
			key_fini(&keys->items[i]);
		else
			keys->items[++kept] = keys->items[i];
	keys->n = kept + 1;
}

struct span fsck_key_name(const struct fsck_keys *keys, size_t i)
{
	return name_of(&keys->items[i]);
}

struct span fsck_key_detail(const struct fsck_keys *keys, size_t i)
{
	return fsck_span(&keys->items[i].detail);
}

struct span fsck_key_rest(const struct fsck_keys *keys, size_t i, const char *prefix)
{
	struct span name = name_of(&keys->items[i]);
	size_t len = strlen(prefix);

	if (name.len < len || memcmp(name.at, prefix, len) != 0)
		return (struct span){NULL, 0};
	return (struct span){name.at + len, name.len - len};
}

bool fsck_key_is(const struct fsck_keys *keys, size_t i, const char *type)
{
	const struct text *t = &keys->items[i].type;

	return span_is((struct span){t->data, t->len}, type);
}

size_t fsck_keys_first(const struct fsck_keys *keys, struct span prefix)
{
	size_t low = 0, high = keys->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (compare_spans(name_of(&keys->items[middle]), prefix) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

bool fsck_keys_have(const struct fsck_keys *keys, const char *prefix, struct span rest)
{
	struct text name = {0};
	struct span whole;
	size_t at;
	bool found;

	text_add_str(&name, prefix);
	text_add_span(&name, rest);
	whole = (struct span){name.data, name.len};
	at = fsck_keys_first(keys, whole);
	found = at < keys->n && compare_spans(name_of(&keys->items[at]), whole) == 0;
	text_fini(&name);
	return found;
}

/* -- reading ------------------------------------------------------------------------------- */

/* Sent whole: it is asked for so rarely that no connection need have it loaded. */
static int read_page(
	struct drover_client *c, struct span cursor, struct texts *out, struct err *err)
{
	struct words w = {0};

	words_add_str(&w, "EVAL");
	words_add_str(&w, script_fsck_keys.text);
	words_add_int(&w, 0);
	words_add_str(&w, c->prefix);
	words_add(&w, cursor);
	words_add_pattern(&w, c->prefix, "");
	words_add_int(&w, KEYS_AT_ONCE);
	return ask_texts(c->redis, &w, out, err);
}

int fsck_keys_load(struct drover_client *c, struct fsck_keys *keys, struct err *err)
{
	struct text cursor = {0};
	struct texts page = {0};
	int rc;

	text_add_char(&cursor, '0');
	do {
		rc = read_page(c, (struct span){cursor.data, cursor.len}, &page, err);
		text_clear(&cursor);
		if (rc == 0 && page.n > 0)
			text_add_span(&cursor, texts_at(&page, 0));
		for (size_t i = 1; rc == 0 && i + 2 < page.n; i += 3)
			fsck_keys_add(keys, texts_at(&page, i), texts_at(&page, i + 1),
				texts_at(&page, i + 2));
	} while (rc == 0 && cursor.len && strcmp(cursor.data, "0") != 0);
	text_fini(&cursor);
	texts_fini(&page);
	fsck_keys_sort(keys);
	return rc;
}

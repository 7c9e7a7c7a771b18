/* nursery/items/fill: see fill.h. In the child. Pure. */
#include "nursery/items/fill.h"

#include "base/json_scan.h"

#include <string.h>

struct wanted {
	struct span name, value;
	enum json_kind kind;
	struct text key;
};

/* Of members with the same name the last one counts, as with nearly every reader of JSON. */
static void compare(void *ctx, struct span key, enum json_kind kind, struct span value)
{
	struct wanted *w = ctx;

	text_clear(&w->key);
	json_add_decoded(&w->key, (struct span){key.at - 1, key.len + 2});
	if (w->key.len != w->name.len ||
		(w->name.len && memcmp(w->key.data, w->name.at, w->name.len) != 0))
		return;
	w->kind = kind;
	w->value = value;
}

static int add_member(struct text *out, struct span name, struct span item, struct err *err)
{
	struct wanted w = {.name = name};
	struct err ignored;
	int kind = json_scan(item, compare, &w, &ignored);

	text_fini(&w.key);
	if (kind != JSON_KIND_OBJECT)
		return err_set(
			err, "{item.%.*s}: the item is no JSON object", (int)name.len, name.at);
	if (!w.value.at)
		return err_set(
			err, "{item.%.*s}: the item has no such member", (int)name.len, name.at);
	if (w.kind == JSON_KIND_STRING)
		json_add_decoded(out, w.value);
	else
		text_add_span(out, w.value);
	return 0;
}

/* What stands between the braces at `open`, behind "item": false where it is no such place. */
static bool read_place(const char *open, struct span *name, const char **behind)
{
	const char *close;

	if (strncmp(open, "{item}", 6) == 0) {
		*name = (struct span){NULL, 0};
		*behind = open + 6;
		return true;
	}
	close = strncmp(open, "{item.", 6) == 0 ? strchr(open, '}') : NULL;
	if (!close)
		return false;
	*name = (struct span){open + 6, (size_t)(close - open - 6)};
	*behind = close + 1;
	return true;
}

int fill(struct text *out, const char *with, struct span item, struct err *err)
{
	size_t from = out->len;

	while (*with) {
		size_t plain = strcspn(with, "{");
		struct span name;

		text_add(out, with, plain);
		with += plain;
		if (!*with)
			break;
		if (!read_place(with, &name, &with)) {
			text_add_char(out, *with++);
			continue;
		}
		if (!name.at)
			text_add_span(out, item);
		else if (add_member(out, name, item, err) != 0)
			return -1;
	}
	text_reserve(out, 0);
	if (memchr(out->data + from, '\0', out->len - from))
		return err_set(err, "{item}: a NUL byte in it");
	return 0;
}

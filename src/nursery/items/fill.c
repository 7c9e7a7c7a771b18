/* nursery/items/fill: see fill.h. In the child. Pure. */
#include "nursery/items/fill.h"

#include "base/json_scan.h"
#include "base/template.h"

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
		return err_set(err, "the item is no JSON object");
	if (!w.value.at)
		return err_set(err, "the item has no such member");
	if (w.kind == JSON_KIND_STRING)
		json_add_decoded(out, w.value);
	else
		text_add_span(out, w.value);
	return 0;
}

static int look_up(void *ctx, struct span name, struct text *out, struct err *err)
{
	const struct span *item = ctx;

	if (name.len > 5 && memcmp(name.at, "item.", 5) == 0)
		return add_member(out, (struct span){name.at + 5, name.len - 5}, *item, err);
	if (!span_is(name, "item"))
		return err_set(err, "is not filled in");
	text_add_span(out, *item);
	return 0;
}

int fill(struct text *out, const char *with, struct span item, struct err *err)
{
	text_reserve(out, 0);
	return template_expand(out, span_of(with), look_up, &item, err);
}

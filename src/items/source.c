/* items/source: see source.h. In drover-items. */
#include "items/source.h"

#include "base/must.h"

void items_add(struct items *items, struct span cursor, struct span item)
{
	text_addf(&items->bytes, "%zu %zu\n", cursor.len, item.len);
	text_add_span(&items->bytes, cursor);
	text_add_span(&items->bytes, item);
	items->n++;
}

struct source *source_open(struct store *store, const struct stream_spec *spec)
{
	static const struct source_kind *const KINDS[STREAM_KINDS] = {[STREAM_LIST] = &RANKED_KIND,
		[STREAM_ZSET] = &RANKED_KIND,
		[STREAM_SET] = &SCANNED_KIND,
		[STREAM_HASH] = &SCANNED_KIND,
		[STREAM_SCAN] = &SCANNED_KIND,
		[STREAM_CSV] = &UPLOADED_KIND,
		[STREAM_ASIDE] = &ASIDE_KIND};
	struct source *s = KINDS[spec->kind]->open(store, spec);

	s->kind = KINDS[spec->kind];
	s->store = store;
	s->spec = *spec;
	return s;
}

void source_close(struct source *s)
{
	if (s)
		s->kind->close(s);
}

int source_ask_number(struct source *s, const char *command, int64_t *n, struct err *err)
{
	const struct redis_reply *reply;
	struct words w = {0};

	words_add_str(&w, command);
	words_add_str(&w, s->spec.key);
	reply = store_ask(s->store, &w, err);
	if (!reply)
		return -1;
	if (reply->type != REDIS_INTEGER)
		return err_set(err, "Redis answers %s with no number", command);
	*n = reply->integer;
	return 0;
}

/*
 * items/uploaded: a file that was put into Redis in chunks (queue/upload.h), read at any byte. In
 * drover-items.
 */
#include "items/source.h"

#include <stdlib.h>

#include "base/must.h"
#include "queue/upload.h"

struct uploaded {
	struct source source;
	struct upload_about about;
	bool known;
	int64_t chunk_no; /* of the one in `chunk`; -1: none */
	struct text chunk;
};

static struct source *uploaded_open(struct store *store, const struct stream_spec *spec)
{
	struct uploaded *u = must_alloc(sizeof *u);

	(void)store, (void)spec;
	u->chunk_no = -1;
	return &u->source;
}

static void uploaded_close(struct source *s)
{
	text_fini(&((struct uploaded *)s)->chunk);
	free(s);
}

static struct span id_of(const struct uploaded *u)
{
	return span_of(u->source.spec.key);
}

static int learn_about(struct uploaded *u, struct err *err)
{
	const struct redis_reply *reply;
	struct words w = {0};

	if (u->known)
		return 0;
	if (!upload_is_id(id_of(u)))
		return err_set(err, UPLOAD_GONE);
	upload_ask_about(&w, u->source.spec.prefix, id_of(u));
	reply = store_ask(u->source.store, &w, err);
	if (!reply || upload_take_about(reply, &u->about, err) < 0)
		return -1;
	u->known = true;
	return 0;
}

static int uploaded_size(struct source *s, int64_t *n, struct err *err)
{
	struct uploaded *u = (struct uploaded *)s;

	if (learn_about(u, err) < 0)
		return -1;
	*n = u->about.bytes;
	return 0;
}

static int load(struct uploaded *u, int64_t chunk, struct err *err)
{
	const struct redis_reply *reply;
	struct words w = {0};

	if (chunk == u->chunk_no)
		return 0;
	u->chunk_no = -1;
	upload_ask_chunk(&w, u->source.spec.prefix, id_of(u), chunk);
	reply = store_ask(u->source.store, &w, err);
	if (!reply || upload_take_chunk(reply, &u->about, chunk, &u->chunk, err) < 0)
		return -1;
	u->chunk_no = chunk;
	return 0;
}

static int uploaded_read(
	struct source *s, const struct stream_question *q, struct text *out, struct err *err)
{
	struct uploaded *u = (struct uploaded *)s;
	int64_t done = 0;

	if (learn_about(u, err) < 0)
		return -1;
	while (done < q->length) {
		struct upload_place p = upload_find(&u->about, q->offset + done, q->length - done);

		if (p.len == 0)
			break;
		if (load(u, p.chunk, err) < 0)
			return -1;
		text_add(out, u->chunk.data + p.skip, (size_t)p.len);
		done += p.len;
	}
	return 0;
}

const struct source_kind UPLOADED_KIND = {.open = uploaded_open,
	.close = uploaded_close,
	.size = uploaded_size,
	.read = uploaded_read};

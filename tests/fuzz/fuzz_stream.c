/* drover-items' readers of what it is told and asked: what to serve, questions, cursors. */
#include <stdint.h>
#include <stdlib.h>

#include "items/batch.h"
#include "wire/stream.h"
#include "wire/stream_spec.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try_spec(struct span bytes)
{
	size_t whole = stream_spec_size(bytes);
	struct stream_spec spec;
	struct err err;

	if (whole > bytes.len)
		abort();
	if (whole > 0 && stream_spec_parse(&spec, (struct span){bytes.at, whole}, &err) == 0 &&
		(!spec.url || !spec.key || spec.kind >= STREAM_KINDS))
		abort();
}

static void try_question(struct span line)
{
	struct stream_question q;
	struct err err;

	if (stream_question_parse(&q, line, &err) != 0)
		return;
	if (q.offset < 0 || q.length > STREAM_READ_MAX || q.count > STREAM_NEXT_MAX ||
		q.cursor.len > line.len)
		abort();
}

/* What is named is read back as the same place. */
static void try_cursor(struct span text)
{
	struct batch_cursor c, back;
	struct text name = {0};
	struct batch b = {0};
	struct err err;

	if (batch_cursor_parse(&c, text, &err) != 0)
		return;
	batch_begin(&b, c.server, c.from);
	batch_add(&b, c.hash, SPAN_LIT("a"), SPAN_LIT(""));
	batch_end(&b, c.to);
	batch_skip(&b, &c);
	if (b.next != (c.has_hash ? 1 : 0))
		abort();
	b.next = 1;
	batch_name(&b, &name);
	if (batch_cursor_parse(&back, (struct span){name.data, name.len}, &err) != 0 ||
		back.server != c.server || back.from != c.from || back.to != c.to ||
		back.hash != c.hash)
		abort();
	text_fini(&name);
	batch_fini(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span bytes = {(const char *)data, size};

	try_spec(bytes);
	try_question(bytes);
	try_cursor(bytes);
	return 0;
}

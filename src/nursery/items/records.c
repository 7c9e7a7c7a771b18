/* nursery/items/records: see records.h. In the child. */
#include "nursery/items/records.h"

int records_open(struct records *r, const struct source_args *a, struct err *err)
{
	bool upload = a->what->stream != 0;
	int done;

	*r = (struct records){0};
	if (upload ? a->stream < 0 : !a->path)
		return err_set(err, "it is not said where the collection stands");
	done = upload ? bytes_open_stream(&r->bytes, a->stream, err)
		      : bytes_open_file(&r->bytes, a->path, err);
	if (done != 0)
		return -1;
	pin_init(&r->pin, &r->bytes);
	r->bytes.stop = a->stop;
	r->bytes.stop_ctx = a->stop_ctx;
	if (bytes_skip_mark(&r->bytes, err) == 0)
		return 0;
	bytes_close(&r->bytes);
	return -1;
}

int records_resume(struct records *r, const struct source_args *a, int64_t least, int64_t *number,
	struct err *err)
{
	bool change = (a->m->each.flags & JOB_EACH_CHANGE) != 0;
	struct pin_cursor c;

	if (a->cursor.len == 0) {
		*number = 0;
		return 0;
	}
	if (!pin_read_cursor(a->cursor, &c))
		return err_set(err, "this cursor is none of a file: %.*s",
			a->cursor.len > 200 ? 200 : (int)a->cursor.len, a->cursor.at);
	if (pin_resume(&r->bytes, &c, change, err) != 0)
		return -1;
	if (c.offset < least)
		return err_set(err, "the cursor stands at byte %lld, before the first item",
			(long long)c.offset);
	*number = r->number = c.number;
	return 0;
}

void records_close(struct records *r)
{
	bytes_close(&r->bytes);
}

void records_add_cursor(void *self, struct text *out)
{
	struct records *r = self;

	pin_add_cursor(&r->pin, &r->bytes, r->number, out);
}

/*
 * nursery/items/csv: the rows of a CSV file by the names of its header. In the child. Rows without
 * a byte are passed by; a row cut off inside of quotes is an item that is set aside.
 */
#include "base/must.h"
#include "nursery/items/csv_row.h"
#include "nursery/items/plan.h"
#include "nursery/items/records.h"

#include <stdlib.h>

struct csv {
	struct records records; /* first */
	struct csv_scan scan;
	struct csv_header header;
	struct text item, scratch;
};

/* The next row that is not empty. */
static int next_row(struct csv *c, struct bytes_record *r, struct span *row, struct err *err)
{
	do {
		int got;

		c->scan.state = CSV_FIELD_DUE;
		got = bytes_next_record(&c->records.bytes, csv_find_end, &c->scan, r, err);
		if (got <= 0)
			return got;
		*row = bytes_without_end(r->text);
	} while (row->len == 0 && !r->cut);
	return 1;
}

static bool is_open(const struct csv *c, const struct bytes_record *r)
{
	return !r->whole && c->scan.state == CSV_QUOTED;
}

/* A file without a header has no items; one that is spoilt there has none that could be told. */
static int read_header(struct csv *c, struct err *err)
{
	struct bytes_record r;
	struct span row;
	int got = next_row(c, &r, &row, err);

	if (got <= 0)
		return got;
	if (r.cut)
		return err_set(err, "the header: " RECORDS_TOO_LONG);
	if (is_open(c, &r))
		return err_set(err, "the header: a quote without end");
	return csv_header_read(&c->header, row, c->scan.separator, err);
}

static int read_separator(struct csv *c, const struct job_collection *what, struct err *err)
{
	uint32_t s = what->separator ? what->separator : ',';

	if (s > 0xff || s == '"' || s == '\n' || s == '\r')
		return err_set(err, "the byte %u cannot separate columns", s);
	c->scan.separator = (char)s;
	return 0;
}

static void csv_close(void *self)
{
	struct csv *c = self;

	records_close(&c->records);
	csv_header_fini(&c->header);
	text_fini(&c->item);
	text_fini(&c->scratch);
	free(c);
}

static void *csv_open(const struct source_args *a, int64_t *number, struct err *err)
{
	struct csv *c = must_alloc(sizeof *c);

	if (read_separator(c, a->what, err) != 0 || records_open(&c->records, a, err) != 0) {
		free(c);
		return NULL;
	}
	if (read_header(c, err) == 0) {
		int64_t least = bytes_offset(&c->records.bytes);

		if (records_resume(&c->records, a, least, number, err) == 0)
			return c;
	} else {
		err_at(err, "%s", c->records.bytes.name);
	}
	csv_close(c);
	return NULL;
}

static void tell_row(
	struct csv *c, const struct bytes_record *r, struct span row, struct source_item *item)
{
	*item = (struct source_item){.text = row};
	text_clear(&c->item);
	if (is_open(c, r))
		item->unfit = "a quote without end";
	else if (r->cut)
		item->unfit = RECORDS_TOO_LONG;
	else if (csv_add_row(&c->item, &c->header, row, c->scan.separator, &c->scratch))
		item->text = (struct span){c->item.data, c->item.len};
	else
		item->unfit = "it has too many columns";
}

static int csv_next(void *self, struct source_item *item, struct err *err)
{
	struct csv *c = self;
	struct bytes_record r;
	struct span row;
	int got = next_row(c, &r, &row, err);

	if (got <= 0)
		return got;
	c->records.number++;
	if (item)
		tell_row(c, &r, row, item);
	return 1;
}

static int csv_plan(const struct source_plan *p, struct collection_plan *out, struct err *err)
{
	return plan_walk(&SOURCE_CSV, p, out, err);
}

const struct source SOURCE_CSV = {
	.json = true,
	.open = csv_open,
	.close = csv_close,
	.next = csv_next,
	.add_cursor = records_add_cursor,
	.plan = csv_plan,
};

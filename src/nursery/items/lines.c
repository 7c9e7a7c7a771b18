/*
 * nursery/items/lines: the lines of a file, as they are ("\r\n" ends one, too), and those of them
 * that are JSON values. In the child. A line that is blank is an item of `lines` and none of `json`.
 */
#include "base/json_scan.h"
#include "base/must.h"
#include "nursery/items/plan.h"
#include "nursery/items/records.h"

#include <stdlib.h>
#include <string.h>

struct lines {
	struct records records; /* first */
	bool json;
	struct err unfit;
};

static void lines_close(void *self)
{
	struct lines *l = self;

	records_close(&l->records);
	free(l);
}

static void *open_lines(const struct source_args *a, bool json, int64_t *number, struct err *err)
{
	struct lines *l = must_alloc(sizeof *l);

	l->json = json;
	if (records_open(&l->records, a, err) != 0) {
		free(l);
		return NULL;
	}
	if (records_resume(&l->records, a, 0, number, err) == 0)
		return l;
	lines_close(l);
	return NULL;
}

static void *lines_open(const struct source_args *a, int64_t *number, struct err *err)
{
	return open_lines(a, false, number, err);
}

static void *json_open(const struct source_args *a, int64_t *number, struct err *err)
{
	return open_lines(a, true, number, err);
}

static struct span without_blanks(struct span s)
{
	while (s.len > 0 && (s.at[0] == ' ' || s.at[0] == '\t' || s.at[0] == '\r'))
		s = (struct span){s.at + 1, s.len - 1};
	while (s.len > 0 && (s.at[s.len - 1] == ' ' || s.at[s.len - 1] == '\t'))
		s.len--;
	return s;
}

static const char *why_unfit(struct lines *l, const struct bytes_record *r, struct span text)
{
	if (r->cut)
		return RECORDS_TOO_LONG;
	if (!l->json || json_scan(text, NULL, NULL, &l->unfit) >= 0)
		return NULL;
	err_at(&l->unfit, "not JSON");
	return l->unfit.text;
}

static int lines_next(void *self, struct source_item *item, struct err *err)
{
	struct lines *l = self;
	struct bytes_record r;
	struct span text;

	do {
		int got = bytes_next_record(&l->records.bytes, bytes_find_newline, NULL, &r, err);

		if (got <= 0)
			return got;
		text = bytes_without_end(r.text);
		if (l->json)
			text = without_blanks(text);
	} while (l->json && text.len == 0 && !r.cut);
	l->records.number++;
	if (item)
		*item = (struct source_item){.text = text, .unfit = why_unfit(l, &r, text)};
	return 1;
}

static int lines_plan(const struct source_plan *p, struct collection_plan *out, struct err *err)
{
	return plan_walk(&SOURCE_LINES, p, out, err);
}

static int json_plan(const struct source_plan *p, struct collection_plan *out, struct err *err)
{
	return plan_walk(&SOURCE_JSON, p, out, err);
}

const struct source SOURCE_LINES = {
	.open = lines_open,
	.close = lines_close,
	.next = lines_next,
	.add_cursor = records_add_cursor,
	.plan = lines_plan,
};

const struct source SOURCE_JSON = {
	.json = true,
	.open = json_open,
	.close = lines_close,
	.next = lines_next,
	.add_cursor = records_add_cursor,
	.plan = json_plan,
};

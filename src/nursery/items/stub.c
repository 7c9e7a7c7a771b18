/* nursery/items/stub: a range, until there are collections. In the child. */
#include "nursery/items/collection.h"

#include "base/must.h"

#include <stdio.h>
#include <stdlib.h>

struct collection {
	const struct job_message *m;
	int64_t number;
	char text[24], before[24];
	size_t len, before_len;
};

static size_t say(char *out, int64_t n)
{
	char digits[24], *p = digits + sizeof digits;
	size_t len;

	do
		*--p = (char)('0' + n % 10);
	while (n /= 10);
	len = (size_t)(digits + sizeof digits - p);
	__builtin_memcpy(out, p, len);
	return len;
}

struct collection *collection_open(
	const struct job_message *m, struct span cursor, int64_t number, struct err *err)
{
	struct collection *c = must_alloc(sizeof *c);

	(void)err;
	c->m = m;
	c->number = number;
	if (cursor.len)
		__builtin_memcpy(c->text, cursor.at, c->len = cursor.len);
	return c;
}

void collection_close(struct collection *c)
{
	free(c);
}

int collection_next(
	struct collection *c, int64_t end, struct collection_item *item, struct err *err)
{
	int64_t batch = c->m->each.batch > 1 ? c->m->each.batch : 1, last = c->number + batch;
	int64_t all = c->m->collection.last - c->m->collection.first + 1;

	(void)err;
	if (last > all)
		last = all;
	if (last > end)
		last = end;
	if (last <= c->number)
		return 0;
	__builtin_memcpy(c->before, c->text, c->before_len = c->len);
	c->len = say(c->text, c->m->collection.first - 1 + last);
	*item = (struct collection_item){{c->text, c->len}, c->number + 1, last, NULL};
	c->number = last;
	return 1;
}

struct span collection_cursor(const struct collection *c)
{
	return (struct span){c->text, c->len};
}

struct span collection_cursor_before(const struct collection *c)
{
	return (struct span){c->before, c->before_len};
}

int collection_make_plan(const struct job_message *m, int64_t bounds, bool (*stop)(void *ctx),
	void *ctx, struct collection_plan *plan, struct err *err)
{
	(void)err;
	plan->total = m->collection.last - m->collection.first + 1;
	if (bounds > 0)
		text_add_str(&plan->bounds, "0: 50:50");
	return !stop(ctx);
}

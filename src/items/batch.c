/* items/batch: see batch.h. In drover-items. */
#include "items/batch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/must.h"

enum { CURSOR_MAX = 96 };

void batch_begin(struct batch *b, uint64_t server, uint64_t from)
{
	b->server = server;
	b->from = from;
	b->to = 0;
	b->n = b->next = 0;
}

void batch_fini(struct batch *b)
{
	free(b->members);
	*b = (struct batch){0};
}

void batch_add(struct batch *b, uint64_t hash, struct span name, struct span value)
{
	if (b->n == b->cap) {
		b->cap = b->cap ? 2 * b->cap : 64;
		b->members = must_realloc(b->members, b->cap * sizeof *b->members);
	}
	b->members[b->n++] = (struct batch_member){hash, name, value};
}

static int compare(const void *a, const void *b)
{
	const struct batch_member *x = a, *y = b;
	size_t shorter = x->name.len < y->name.len ? x->name.len : y->name.len;
	int c;

	if (x->hash != y->hash)
		return x->hash < y->hash ? -1 : 1;
	c = shorter ? memcmp(x->name.at, y->name.at, shorter) : 0;
	return c ? c : (x->name.len > y->name.len) - (x->name.len < y->name.len);
}

void batch_end(struct batch *b, uint64_t to)
{
	size_t kept = 0;

	b->to = to;
	if (b->n == 0)
		return;
	qsort(b->members, b->n, sizeof *b->members, compare);
	for (size_t i = 1; i < b->n; i++)
		if (compare(&b->members[kept], &b->members[i]) != 0)
			b->members[++kept] = b->members[i];
	b->n = kept + 1;
}

/* FNV-1a, and its bits well mixed. */
uint64_t batch_hash(struct span name)
{
	uint64_t h = 14695981039346656037u;

	for (size_t i = 0; i < name.len; i++)
		h = (h ^ (unsigned char)name.at[i]) * 1099511628211u;
	h = (h ^ h >> 33) * 0xff51afd7ed558ccdu;
	return h ^ h >> 33;
}

/* -- cursors ------------------------------------------------------------------------------------- */

/* Digits of that base behind *p, up to a blank or the end, which are passed. */
static int take_number(const char **p, int base, uint64_t *out)
{
	char *end;

	if (!strchr("0123456789abcdef", **p) || **p == '\0')
		return -1;
	errno = 0;
	*out = strtoull(*p, &end, base);
	if (errno || end == *p || (*end != ' ' && *end != '\0'))
		return -1;
	*p = *end ? end + 1 : end;
	return 0;
}

/* HASH, or "-" where there is none, and maybe a number that is not looked at. */
static int take_passed(const char *p, struct batch_cursor *c)
{
	uint64_t nth;

	if (strncmp(p, "- ", 2) == 0)
		p += 2;
	else if (take_number(&p, 16, &c->hash) == 0)
		c->has_hash = true;
	else
		return -1;
	return *p == '\0' || (take_number(&p, 10, &nth) == 0 && *p == '\0') ? 0 : -1;
}

int batch_cursor_parse(struct batch_cursor *c, struct span text, struct err *err)
{
	char copy[CURSOR_MAX];
	const char *p = copy;

	*c = (struct batch_cursor){0};
	if (text.len < sizeof copy) {
		memcpy(copy, text.at, text.len);
		copy[text.len] = '\0';
		if (strlen(copy) == text.len && take_number(&p, 16, &c->server) == 0 &&
			take_number(&p, 10, &c->from) == 0 && take_number(&p, 10, &c->to) == 0 &&
			take_passed(p, c) == 0)
			return 0;
	}
	return err_set(err, "the cursor is none of this collection's");
}

uint64_t batch_cursor_from(const struct batch_cursor *c, uint64_t server)
{
	return c->server == server ? c->from : 0;
}

void batch_skip(struct batch *b, const struct batch_cursor *c)
{
	bool is_all = b->from == 0 && b->to == 0;

	if (!c->has_hash || c->from != b->from || c->to != b->to ||
		(c->server != b->server && !is_all))
		return;
	while (b->next < b->n && b->members[b->next].hash <= c->hash)
		b->next++;
}

/*
 * Of members that share a hash the last alone has it as its name. The others are named by what stands
 * before all of them, and by a number that only makes names differ: to go on there gives them again.
 */
void batch_name(const struct batch *b, struct text *out)
{
	size_t given = b->next - 1, first = given;

	must(b->next > 0);
	text_clear(out);
	text_addf(out, "%016llx %llu %llu ", (unsigned long long)b->server,
		(unsigned long long)b->from, (unsigned long long)b->to);
	if (b->next == b->n || b->members[b->next].hash != b->members[given].hash) {
		text_addf(out, "%016llx", (unsigned long long)b->members[given].hash);
		return;
	}
	while (first > 0 && b->members[first - 1].hash == b->members[given].hash)
		first--;
	if (first > 0)
		text_addf(out, "%016llx", (unsigned long long)b->members[first - 1].hash);
	else
		text_add_char(out, '-');
	text_addf(out, " %zu", given - first + 1);
}

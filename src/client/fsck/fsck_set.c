/* client/fsck_set: sets of hashes; see fsck.h. Pure. */
#include <stdlib.h>

#include "base/must.h"
#include "client/fsck/fsck.h"

/* FNV-1a. What strangers make alike on purpose is looked at again by its bytes. */
uint64_t fsck_hash_more(uint64_t hash, struct span s)
{
	for (size_t i = 0; i < s.len; i++)
		hash = (hash ^ (unsigned char)s.at[i]) * 0x100000001b3u;
	return hash;
}

uint64_t fsck_hash(struct span s)
{
	return fsck_hash_more(0xcbf29ce484222325u, s);
}

void fsck_set_add(struct fsck_set *s, uint64_t hash)
{
	if (s->n == s->cap) {
		s->cap = s->cap ? 2 * s->cap : 64;
		s->items = must_realloc(s->items, s->cap * sizeof *s->items);
	}
	s->items[s->n++] = hash;
	s->sorted = false;
}

static int compare(const void *a, const void *b)
{
	const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

bool fsck_set_has(struct fsck_set *s, uint64_t hash)
{
	if (s->n == 0)
		return false;
	if (!s->sorted)
		qsort(s->items, s->n, sizeof *s->items, compare);
	s->sorted = true;
	return bsearch(&hash, s->items, s->n, sizeof *s->items, compare) != NULL;
}

void fsck_set_fini(struct fsck_set *s)
{
	free(s->items);
	*s = (struct fsck_set){0};
}

/*
 * client/leases: all leases, with what their owners say of themselves and what they have in hand,
 * read once. Part of libdrover. Only reads.
 */
#include <stdlib.h>
#include <string.h>

#include "base/must.h"
#include "client/internal.h"

static bool is_same(struct span a, struct span b)
{
	return a.len == b.len && memcmp(a.at, b.at, a.len) == 0;
}

bool internal_is_token(struct span field)
{
	return field.len && field.at[0] != '#' && field.at[0] != '!';
}

static int64_t count_held(const struct texts *lease)
{
	int64_t n = 0;

	for (size_t i = 0; i + 1 < lease->n; i += 2)
		n += internal_is_token(texts_at(lease, i));
	return n;
}

/* Since the last beat; where its time is gone too, since the lease was over. */
static int64_t find_silence(const struct internal_supervisor *s, int64_t now_ms)
{
	int64_t beat = ask_to_number(texts_value(&s->record, "beat_ms"), -1);
	int64_t since = beat >= 0 ? beat : s->expires_ms;

	if (since < 0)
		return DROVER_UNKNOWN;
	return now_ms > since ? now_ms - since : 0;
}

/* Reads one more; it is forgotten again where nobody registered it and it holds nothing. */
static int add_lease(struct drover_client *c, struct internal_crew *crew, struct span id,
	int64_t expires_ms, int64_t now_ms, struct err *err)
{
	struct internal_supervisor *s = &crew->items[crew->n];
	int rc;

	*s = (struct internal_supervisor){.id = id, .expires_ms = expires_ms};
	crew->n++;
	rc = inspect_supervisor(&c->in, id, &s->record, err);
	if (rc == 0)
		rc = inspect_lease(&c->in, id, &s->lease, err);
	if (rc < 0)
		return rc;
	s->held = count_held(&s->lease);
	s->lost = expires_ms < now_ms;
	s->silent_ms = find_silence(s, now_ms);
	if (expires_ms >= 0 || s->held > 0)
		return 0;
	texts_fini(&s->record);
	texts_fini(&s->lease);
	crew->n--;
	return 0;
}

/* Is the id at `i` among the registered ones, or the same as the one before? */
static bool is_known(const struct internal_crew *crew, size_t i)
{
	struct span id = texts_at(&crew->keys, i);

	if (i > 0 && is_same(id, texts_at(&crew->keys, i - 1)))
		return true;
	for (size_t k = 0; k + 1 < crew->ids.n; k += 2)
		if (is_same(id, texts_at(&crew->ids, k)))
			return true;
	return false;
}

static int add_leases(
	struct drover_client *c, struct internal_crew *crew, int64_t now_ms, struct err *err)
{
	int rc = 0;

	crew->items = must_alloc((crew->ids.n / 2 + crew->keys.n + 1) * sizeof *crew->items);
	for (size_t i = 0; rc == 0 && i + 1 < crew->ids.n; i += 2)
		rc = add_lease(c, crew, texts_at(&crew->ids, i),
			ask_to_number(texts_at(&crew->ids, i + 1), 0), now_ms, err);
	for (size_t i = 0; rc == 0 && i < crew->keys.n; i++)
		if (!is_known(crew, i))
			rc = add_lease(c, crew, texts_at(&crew->keys, i), -1, now_ms, err);
	return rc;
}

/* The living first: theirs is the word on a job or a worker that a lost one names too. */
static int compare(const void *a, const void *b)
{
	const struct internal_supervisor *x = a, *y = b;

	if (x->lost != y->lost)
		return x->lost - y->lost;
	return (x->expires_ms > y->expires_ms) - (x->expires_ms < y->expires_ms);
}

int internal_crew_load(
	struct drover_client *c, struct internal_crew *crew, struct drover_error *error)
{
	struct err err = {0};
	int64_t now_ms = 0;
	int rc;

	*crew = (struct internal_crew){0};
	/* In this order, so that who registers or beats meanwhile is not called lost. */
	rc = inspect_lease_keys(&c->in, &crew->keys, &err);
	if (rc == 0)
		rc = inspect_time(&c->in, &now_ms, &err);
	if (rc == 0)
		rc = inspect_leases(&c->in, &crew->ids, &err);
	if (rc == 0)
		rc = add_leases(c, crew, now_ms, &err);
	if (rc == 0) {
		qsort(crew->items, crew->n, sizeof *crew->items, compare);
		return 0;
	}
	internal_crew_fini(crew);
	return internal_read_failed(error, rc, &err);
}

void internal_crew_fini(struct internal_crew *crew)
{
	for (size_t i = 0; i < crew->n; i++) {
		texts_fini(&crew->items[i].record);
		texts_fini(&crew->items[i].lease);
	}
	free(crew->items);
	texts_fini(&crew->ids);
	texts_fini(&crew->keys);
	*crew = (struct internal_crew){0};
}

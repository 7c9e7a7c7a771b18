/*
 * queue/waiting: how many wait elsewhere than in a queue; see waiting.h. Runs in drover and in
 * programs with libdrover. Only reads.
 */
#include <stdlib.h>
#include <string.h>

#include "base/must.h"
#include "queue/scripts.h"
#include "queue/waiting.h"

#define COUNT_AT_ONCE 1000

const struct waiting_count *waiting_counts_find(
	const struct waiting_counts *counts, struct span queue)
{
	for (size_t i = 0; i < counts->n; i++) {
		const struct text *name = &counts->items[i].queue;

		if (name->len == queue.len && memcmp(name->data, queue.at, queue.len) == 0)
			return &counts->items[i];
	}
	return NULL;
}

static struct waiting_count *find_or_add(struct waiting_counts *counts, struct span queue)
{
	const struct waiting_count *known = waiting_counts_find(counts, queue);
	struct waiting_count *fresh;

	if (known)
		return &counts->items[known - counts->items];
	counts->items = must_realloc(counts->items, (counts->n + 1) * sizeof *counts->items);
	fresh = &counts->items[counts->n++];
	*fresh = (struct waiting_count){0};
	text_add_span(&fresh->queue, queue);
	return fresh;
}

struct place {
	const char *key, *word; /* as queue_places.lua knows it */
	size_t member;		/* of struct waiting_count, which is counted up */
};

static const struct place delayed = {
	KEY_DELAYED_JOBS, "delayed", offsetof(struct waiting_count, delayed)};
static const struct place paused = {
	KEY_PAUSED_JOBS, "paused", offsetof(struct waiting_count, paused)};
static const struct place parked = {KEY_PARKED, "parked", offsetof(struct waiting_count, parked)};

static void add_counts(
	struct waiting_counts *counts, const struct place *place, const struct texts *part)
{
	for (size_t i = 1; i + 1 < part->n; i += 2) {
		struct waiting_count *c = find_or_add(counts, texts_at(part, i));
		int64_t *n = (int64_t *)(void *)((char *)c + place->member);

		*n += ask_to_number(texts_at(part, i + 1), 0);
	}
}

/* One place after the other, some items at a time, so that nobody waits for Redis. */
static int count_place(const struct inspect *in, struct waiting_counts *counts,
	const struct place *place, struct span name, struct err *err)
{
	struct texts part = {0};
	struct text on = {0};
	int rc;

	text_add_str(&on, "0");
	do {
		struct words w = {0};

		words_add_key(&w, in->prefix, place->key, name);
		words_add_str(&w, place->word);
		words_add(&w, (struct span){on.data, on.len});
		words_add_int(&w, COUNT_AT_ONCE);
		rc = ask_script(in->redis, &script_queue_places, 1, &w, &part, err);
		if (rc == 0)
			add_counts(counts, place, &part);
		text_clear(&on);
		if (rc == 0)
			text_add_span(&on, texts_at(&part, 0));
	} while (rc == 0 && !span_is((struct span){on.data, on.len}, "0"));
	texts_fini(&part);
	text_fini(&on);
	return rc;
}

int waiting_count(const struct inspect *in, struct waiting_counts *counts, struct err *err)
{
	struct texts classes = {0};
	int rc;

	*counts = (struct waiting_counts){0};
	rc = count_place(in, counts, &delayed, span_of(NULL), err);
	if (rc == 0)
		rc = count_place(in, counts, &paused, span_of(NULL), err);
	if (rc == 0)
		rc = waiting_parked_classes(in, &classes, err);
	for (size_t i = 0; rc == 0 && i < classes.n; i++)
		rc = count_place(in, counts, &parked, texts_at(&classes, i), err);
	texts_fini(&classes);
	return rc;
}

void waiting_counts_fini(struct waiting_counts *counts)
{
	for (size_t i = 0; i < counts->n; i++)
		text_fini(&counts->items[i].queue);
	free(counts->items);
	*counts = (struct waiting_counts){0};
}

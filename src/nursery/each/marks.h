/*
 * nursery/each/marks: the child's side of the scoreboard (wire/scoreboard.h): the orders it reads,
 * the marks and what it has begun, which it writes. In the child of an `each`. Every function that
 * is called once an item is a few stores to mapped memory.
 */
#ifndef DROVER_NURSERY_EACH_MARKS_H
#define DROVER_NURSERY_EACH_MARKS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/text.h"
#include "wire/job_message.h"
#include "wire/scoreboard.h"

struct marks {
	const struct scoreboard_orders *orders;
	struct scoreboard_mark *pages[2];
	unsigned older; /* of the pages: the one to be written next */
	uint64_t sequence;
	uint32_t generation;
	int64_t ordered, end; /* what was ordered when it was looked at last; what we go by */
	/* What the newest mark says. */
	int64_t number, done, errors;
};

/*
 * Maps the record that `e` names; `fd` is closed, mapped or not. The first mark is written at once:
 * where this start begins.
 */
int marks_open(
	struct marks *m, int fd, const struct job_each *e, struct span cursor, struct err *err);
void marks_close(struct marks *m);

static inline bool marks_is_stopped(const struct marks *m)
{
	return scoreboard_is_stopped(m->orders);
}

/* Goes by the end that is ordered now, but never by one before `number`, which is passed or taken. */
void marks_adopt_end(struct marks *m, int64_t number);

static inline void marks_look_at_end(struct marks *m, int64_t number)
{
	if (scoreboard_end(m->orders) != m->ordered)
		marks_adopt_end(m, number);
}

/* A try of an item begins. */
static inline void marks_begin(
	struct marks *m, int64_t number, uint32_t tries, int64_t now_ms, int64_t used)
{
	struct scoreboard_begun *b = &m->pages[0]->begun;

	__atomic_store_n(&b->tries, tries, __ATOMIC_RELAXED);
	__atomic_store_n(&b->mono_ms, now_ms, __ATOMIC_RELAXED);
	__atomic_store_n(&b->used, used, __ATOMIC_RELAXED);
	__atomic_store_n(&b->number, number, __ATOMIC_RELEASE);
}

/* It has ended without success, or is waited for: no clock runs for it. Its tries stay. */
void marks_rest(struct marks *m);

/* The last try was none: `tries` stay; with none the item is not in hand. */
void marks_take_back(struct marks *m, uint32_t tries);

/* All up to `number` is passed. */
void marks_pass(struct marks *m, int64_t number, int64_t done, int64_t errors, struct span cursor);

#endif

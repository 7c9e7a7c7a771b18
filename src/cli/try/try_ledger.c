/* cli/try_ledger: see try_ledger.h. In drover. Pure. */
#include "cli/try/try_ledger.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/must.h"

/* The log cuts a longer item: up to here two texts of one item are the same. */
enum { KEY_MAX = 1000, SLOTS_FIRST = 1024 };

void try_ledger_init(struct try_ledger *l)
{
	*l = (struct try_ledger){.in_hand = -1, .n_slots = SLOTS_FIRST};
	l->slots = must_alloc(l->n_slots * sizeof *l->slots);
}

void try_ledger_fini(struct try_ledger *l)
{
	for (size_t i = 0; i < l->n; i++)
		text_fini(&l->entries[i].text);
	for (size_t i = 0; i < l->n_failures; i++)
		text_fini(&l->failures[i].why);
	free(l->entries);
	free(l->slots);
	*l = (struct try_ledger){.in_hand = -1};
}

/* -- entries by their text ----------------------------------------------------------------- */

static uint64_t hash_of(struct span s)
{
	uint64_t hash = 0xcbf29ce484222325u;

	for (size_t i = 0; i < s.len; i++)
		hash = (hash ^ (unsigned char)s.at[i]) * 0x100000001b3u;
	return hash;
}

/* Where it stands, or would. */
static size_t *slot_of(const struct try_ledger *l, struct span key, uint64_t hash)
{
	for (size_t i = hash;; i++) {
		size_t *slot = &l->slots[i & (l->n_slots - 1)];
		const struct try_entry *e = *slot ? &l->entries[*slot - 1] : NULL;

		if (!e || (e->hash == hash && e->text.len == key.len &&
				  memcmp(e->text.data, key.at, key.len) == 0))
			return slot;
	}
}

static void grow(struct try_ledger *l)
{
	l->n_slots *= 2;
	free(l->slots);
	l->slots = must_alloc(l->n_slots * sizeof *l->slots);
	for (size_t i = 0; i < l->n; i++) {
		const struct try_entry *e = &l->entries[i];

		*slot_of(l, (struct span){e->text.data, e->text.len}, e->hash) = i + 1;
	}
}

static size_t add_entry(struct try_ledger *l, struct span key, uint64_t hash, long long number)
{
	struct try_entry *e;

	if (l->n == l->cap) {
		l->cap = l->cap ? 2 * l->cap : SLOTS_FIRST / 2;
		l->entries = must_realloc(l->entries, l->cap * sizeof *l->entries);
	}
	e = &l->entries[l->n];
	*e = (struct try_entry){.hash = hash, .number = number};
	text_reserve(&e->text, 0);
	text_add_span(&e->text, key);
	return l->n++;
}

static size_t find(struct try_ledger *l, struct span text, long long number)
{
	struct span key = {text.at, text.len < KEY_MAX ? text.len : KEY_MAX};
	uint64_t hash = hash_of(key);
	size_t *slot;

	if (2 * l->n >= l->n_slots)
		grow(l);
	slot = slot_of(l, key, hash);
	if (*slot == 0)
		*slot = add_entry(l, key, hash, number) + 1;
	return *slot - 1;
}

/* -- items --------------------------------------------------------------------------------- */

void try_ledger_want(struct try_ledger *l, long long number, struct span item)
{
	size_t index = find(l, item, number); /* it may move the entries */

	l->entries[index].wanted++;
}

void try_ledger_death(struct try_ledger *l)
{
	l->cut_off += l->in_hand >= 0;
	l->in_hand = -1;
}

void try_ledger_start(struct try_ledger *l)
{
	l->in_hand = -1;
	l->idle_starts = l->starts > 0 && l->is_idle ? l->idle_starts + 1 : 0;
	l->starts++;
	l->is_idle = l->is_first = true;
	l->stopped = false;
}

static void end_item(struct try_ledger *l, size_t index)
{
	struct try_entry *e = &l->entries[index];

	e->ended++;
	if (e->ended <= e->wanted)
		l->is_idle = false;
	l->in_hand = -1;
}

static void keep_failure(struct try_ledger *l, long long number, const char *step, struct span why)
{
	struct try_failure *f = &l->failures[l->n_failures];

	if (l->n_failures == TRY_FAILURES)
		return;
	*f = (struct try_failure){.number = number, .step = step};
	text_reserve(&f->why, 0);
	text_add_span(&f->why, why);
	l->n_failures++;
}

static void begin(struct try_ledger *l, long long number, struct span text)
{
	size_t index = find(l, text, number);

	l->entries[index].begun++;
	l->in_hand = (long long)index;
}

/* It has not ended yet: it is tried again, set aside, or the run ends with it. */
static void fail(struct try_ledger *l, long long number, const char *step, struct span why)
{
	static const char *const STEPS[] = {"retry", "failed", "malformed", "aborted", "died"};

	for (size_t i = 0; i < sizeof STEPS / sizeof *STEPS; i++)
		if (strcmp(step, STEPS[i]) == 0)
			keep_failure(l, number, STEPS[i], why);
	l->tried_again += strcmp(step, "retry") == 0 || strcmp(step, "died") == 0;
	l->malformed += strcmp(step, "malformed") == 0;
	l->in_hand = -1;
}

void try_ledger_item(struct try_ledger *l, long long number, const char *step, struct span text)
{
	if (strcmp(step, "begun") == 0) {
		begin(l, number, text);
	} else if (strcmp(step, "aside") == 0) {
		end_item(l, find(l, text, number));
		l->aside++;
	} else if (strcmp(step, "done") != 0) {
		fail(l, number, step, text);
	} else if (l->in_hand >= 0) {
		end_item(l, (size_t)l->in_hand);
		l->done++;
	}
}

/* -- cursors ------------------------------------------------------------------------------- */

static bool read_number(struct span s, long long *n)
{
	char digits[24], *end;
	size_t len = s.len < sizeof digits - 1 ? s.len : sizeof digits - 1;

	memcpy(digits, s.at, len);
	digits[len] = '\0';
	*n = strtoll(digits, &end, 10);
	return end > digits && (*end == '\0' || *end == ' ') && llabs(*n) < LLONG_MAX / 4;
}

/* Within one start they tell how far they are apart; between two starts nothing may be left out. */
static void look_at_step(struct try_ledger *l, long long n)
{
	long long step = n - l->last;

	if (!l->is_first && l->has_step && step != l->step)
		l->uneven = true;
	if (!l->is_first && !l->has_step) {
		l->step = step;
		l->has_step = true;
	}
	if (l->is_first && l->has_step && l->step > 0 && step > l->step)
		l->passed_over += step / l->step - 1;
}

static void look_at_number(struct try_ledger *l, struct span cursor)
{
	long long n;

	if (!read_number(cursor, &n)) {
		l->uneven = true;
		return;
	}
	if (l->has_last) {
		look_at_step(l, n);
		l->backwards += n < l->highest;
	}
	l->highest = l->has_last && l->highest > n ? l->highest : n;
	l->last = n;
	l->has_last = true;
}

void try_ledger_cursor(struct try_ledger *l, struct span cursor, bool stop)
{
	size_t index = find(l, cursor, (long long)l->n + 1);

	l->cursors = true;
	l->entries[index].wanted = 1;
	end_item(l, index);
	if (l->entries[index].ended == 1)
		l->done++;
	look_at_number(l, cursor);
	l->after_stop += l->stopped;
	l->stopped = l->stopped || stop;
	l->is_first = false;
}

/* -- the judge ----------------------------------------------------------------------------- */

long long try_ledger_repeated(const struct try_ledger *l)
{
	long long n = 0;

	for (size_t i = 0; i < l->n; i++)
		if (l->entries[i].ended > l->entries[i].wanted)
			n += l->entries[i].ended - l->entries[i].wanted;
	return n;
}

/* What numbers that are evenly spaced tell is only told where they are. */
long long try_ledger_skipped(const struct try_ledger *l)
{
	long long n = l->cursors && !l->uneven ? l->passed_over : 0;

	for (size_t i = 0; i < l->n; i++)
		if (l->entries[i].ended < l->entries[i].wanted)
			n += l->entries[i].wanted - l->entries[i].ended;
	return n;
}

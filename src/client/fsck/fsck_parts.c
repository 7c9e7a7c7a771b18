/* client/fsck_parts: runs that iterate: their parts, and what has to add up; see fsck.h. Pure. */
#include <stdlib.h>
#include <string.h>

#include "client/fsck/fsck.h"
#include "queue/keys.h"

/* -- parts of a run -------------------------------------------------------------------------------- */

/* "N:NAME" -> N; .at NULL where it is another field. */
static struct span part_of(struct span field, const char *name)
{
	const char *colon = field.len ? memchr(field.at, ':', field.len) : NULL;
	struct span rest;

	if (!colon)
		return (struct span){NULL, 0};
	rest = (struct span){colon + 1, field.len - (size_t)(colon + 1 - field.at)};
	return span_is(rest, name) ? (struct span){field.at, (size_t)(colon - field.at)}
				   : (struct span){NULL, 0};
}

/* Parts are numbered from 1; 0 is a run that is not divided, -1 what is due at its end. */
static bool is_part(struct span number)
{
	return number.at && ask_to_number(number, -1) > 0;
}

bool fsck_next_part(const struct texts *parts, struct span run, size_t *at, struct fsck_part *part)
{
	for (; *at + 1 < parts->n; *at += 2) {
		part->number = part_of(texts_at(parts, *at), "state");
		if (!is_part(part->number))
			continue;
		part->state = texts_at(parts, *at + 1);
		text_clear(&part->jid);
		text_add_span(&part->jid, run);
		text_add_str(&part->jid, ".p");
		text_add_span(&part->jid, part->number);
		*at += 2;
		return true;
	}
	text_fini(&part->jid);
	return false;
}

static struct span value_of(const struct texts *parts, struct span number, const char *name)
{
	struct text field = {0};
	struct span value;

	text_add_span(&field, number);
	text_add_char(&field, ':');
	text_add_str(&field, name);
	value = fsck_value(parts, fsck_span(&field));
	text_fini(&field);
	return value;
}

/* -- what has to add up: seen here, and looked at again by fsck.lua ------------------------------------ */

static int64_t sum_of(const struct texts *parts, const char *name)
{
	int64_t sum = 0;

	for (size_t i = 0; i + 1 < parts->n; i += 2)
		if (part_of(texts_at(parts, i), name).at)
			sum += ask_to_number(texts_at(parts, i + 1), 0);
	return sum;
}

static bool has_ended(struct span state)
{
	return span_is(state, "done") || span_is(state, "failed") || span_is(state, "cancelled");
}

static void check_bounds(
	struct span run, const struct texts *parts, struct span number, struct fsck_findings *f)
{
	int64_t at = ask_to_number(value_of(parts, number, "number"), 0);
	int64_t first = ask_to_number(value_of(parts, number, "first"), 0);
	int64_t last = ask_to_number(value_of(parts, number, "end"), INT64_MAX);

	if (at < first || at > last)
		words_add(&fsck_add(f, FSCK_PART_BOUNDS, KEY_RUN, run,
				  "part %.*s is at item %lld, and goes from %lld to %lld",
				  FSCK_SHORT(number), (long long)at, (long long)first,
				  (long long)last)
				   ->words,
			number);
}

static int64_t check_each(struct span run, const struct texts *parts, struct fsck_findings *f)
{
	struct fsck_part part = {0};
	int64_t left = 0;
	size_t at = 0;

	while (fsck_next_part(parts, run, &at, &part)) {
		left += !has_ended(part.state);
		check_bounds(run, parts, part.number, f);
	}
	return left;
}

/* What was healed moves from the errors to what is done, and no part knows. */
static void check_counts(struct span run, const struct texts *record, const struct texts *parts,
	struct fsck_findings *f)
{
	int64_t done = ask_to_number(texts_value(record, "done"), 0);
	int64_t errors = ask_to_number(texts_value(record, "errors"), 0);
	int64_t of_parts = sum_of(parts, "done") + sum_of(parts, "errors");

	if (done + errors != of_parts || errors > sum_of(parts, "errors"))
		fsck_add(f, FSCK_RUN_SUMS, KEY_RUN, run,
			"%lld items done and %lld errors, and its parts say %lld together",
			(long long)done, (long long)errors, (long long)of_parts);
	if (errors != 0)
		fsck_add(f, FSCK_RUN_ERRORS, KEY_RUN, run,
			"counts %lld errors, and others are listed", (long long)errors);
}

void fsck_check_sums(struct span run, const struct texts *record, const struct texts *parts,
	struct fsck_findings *f)
{
	int64_t left = check_each(run, parts, f);
	struct span divided = texts_value(record, "parts");
	int64_t says = ask_to_number(texts_value(record, "parts_left"), -1);

	check_counts(run, record, parts, f);
	if (divided.at && divided.len && says != left)
		fsck_add(f, FSCK_PARTS_LEFT, KEY_RUN, run,
			"says that %lld parts are left, and it is %lld", (long long)says,
			(long long)left);
}

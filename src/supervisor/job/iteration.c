/* iteration: see iteration.h. droverd; no I/O but the scoreboard's memory. */
#include "supervisor/job/iteration.h"
#include "base/clock.h"

#include <stdlib.h>
#include <string.h>

#define SPAN_TEXT(t) ((struct span){(t).data ? (t).data : "", (t).len})

enum { SPEED_OVER_MS = 5000 };

const char *iteration_stop_name(enum iteration_stop stop)
{
	static const char *const NAMES[] = {[ITERATION_GO] = "none",
		[ITERATION_STOP] = "stop",
		[ITERATION_PAUSE] = "pause",
		[ITERATION_CANCEL] = "cancel"};

	return NAMES[stop];
}

void iteration_fini(struct iteration *it)
{
	struct text *const texts[] = {&it->divided, &it->bounds, &it->rate, &it->cursor, &it->died,
		&it->reason, &it->aside.json, &it->offered_cursor, &it->trouble};

	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		text_fini(texts[i]);
	*it = (struct iteration){.total = -1, .wait_ms = -1};
}

/* -- what `start` told -------------------------------------------------------------------------------- */

static int64_t number_of(struct span s, int64_t otherwise)
{
	char digits[24];
	char *end;
	long long n;

	if (s.len == 0 || s.len >= sizeof digits)
		return otherwise;
	memcpy(digits, s.at, s.len);
	digits[s.len] = '\0';
	n = strtoll(digits, &end, 10);
	return *end == '\0' ? n : otherwise;
}

static void read_pair(struct iteration *it, struct span name, struct span value)
{
	const struct {
		const char *name;
		int64_t *number;
		struct text *text;
	} known[] = {{"number", &it->number, NULL}, {"done", &it->done, NULL},
		{"errors", &it->errors, NULL}, {"end", &it->end, NULL}, {"item", &it->item, NULL},
		{"tries", &it->tries, NULL}, {"stuck", &it->stuck, NULL},
		{"total", &it->total, NULL}, {"run_errors", &it->run_errors, NULL},
		{"cursor", NULL, &it->cursor}, {"rate", NULL, &it->rate},
		{"divided", NULL, &it->divided}, {"bounds", NULL, &it->bounds}};

	if (span_is(name, "planned"))
		it->planned = true;
	for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
		if (!span_is(name, known[i].name))
			continue;
		if (known[i].number)
			*known[i].number = number_of(value, *known[i].number);
		else
			text_add_span(known[i].text, value);
	}
}

static void begin(struct iteration *it)
{
	iteration_fini(it);
	it->end = INT64_MAX;
	it->granted = INT64_MAX;
}

/* A pass over items that were set aside has numbers, but no place in the collection. */
static void begin_retry(struct iteration *it)
{
	it->number = 0;
	it->item = it->tries = 0;
	it->end = INT64_MAX;
	text_clear(&it->cursor);
}

void iteration_read_start(struct iteration *it, const struct job *j, struct span answer)
{
	const char *p = answer.at, *end = answer.at + answer.len;

	begin(it);
	it->on = true;
	while (p < end) {
		const char *stop = memchr(p, '\n', (size_t)(end - p));
		struct span line = {p, (size_t)((stop ? stop : end) - p)};
		const char *blank = memchr(p, ' ', line.len);

		if (blank)
			read_pair(it, (struct span){p, (size_t)(blank - p)},
				(struct span){blank + 1, line.len - (size_t)(blank + 1 - p)});
		p += line.len + 1;
	}
	it->first = !it->planned; /* its plan is told behind the hook on_start */
	if (job_is_retry(j))
		begin_retry(it);
	it->on = job_is_each(j) || it->cursor.len > 0;
	it->cursors = it->on && !job_is_each(j);
	it->started_number = it->told_number = it->number;
	it->told_mono_ms = clock_mono_ms();
}

void iteration_begin_cursors(struct iteration *it)
{
	if (it->on)
		return;
	if (it->end == 0)
		begin(it);
	it->on = it->cursors = true;
	it->told_mono_ms = clock_mono_ms();
}

/* -- what the board shows --------------------------------------------------------------------------- */

/* A try counts once it is over: one under way is no fault of the item's yet. */
static void note_in_hand(struct iteration *it, const struct scoreboard_begun *b)
{
	it->resting = b->mono_ms == SCOREBOARD_RESTING;
	it->hand = b->number > it->number ? b->number : 0;
	if (it->hand > 0) {
		it->tries = (int64_t)b->tries - !it->resting;
		it->item = it->tries > 0 ? it->hand : 0;
	} else if (it->item <= it->number) {
		it->item = it->tries = 0;
	}
}

void iteration_look(struct iteration *it, struct scoreboard_place place)
{
	static struct scoreboard_mark mark;
	struct scoreboard_begun begun;

	if (!it->on)
		return;
	if (scoreboard_mark(place, &mark) && mark.number >= it->number) {
		it->number = mark.number;
		it->done = it->cursors ? it->done : mark.done;
		it->errors = it->cursors ? it->errors : mark.errors;
		text_clear(&it->cursor);
		text_add(&it->cursor, mark.cursor, mark.cursor_len);
	}
	if (!it->cursors && scoreboard_begun(place, &begun))
		note_in_hand(it, &begun);
}

int64_t iteration_in_hand_since(const struct iteration *it, const struct scoreboard_begun *begun)
{
	if (begun->mono_ms == SCOREBOARD_RESTING || begun->number <= it->number)
		return -1;
	return begun->mono_ms;
}

/* -- its position ------------------------------------------------------------------------------------- */

void iteration_add_position(
	struct text *out, const struct iteration *it, const struct job *j, bool at_work)
{
	bool retry = job_is_retry(j);

	verbs_add_position(out, &(struct verbs_position){.run = job_run(j),
					.part = job_part(j),
					.known = !retry && job_part(j) >= 0,
					.number = it->number,
					.done = it->done,
					.errors = it->errors,
					.end = it->end,
					.item = it->item,
					.tries = it->tries,
					.speed = at_work ? it->speed : 0,
					.cursor = SPAN_TEXT(it->cursor)});
}

void iteration_add_place(struct text *out, const struct job *j)
{
	verbs_add_position(out, &(struct verbs_position){.run = job_run(j),
					.part = job_part(j),
					.end = INT64_MAX,
					.cursor = {"", 0}});
}

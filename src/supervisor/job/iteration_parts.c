/*
 * iteration_parts: how a run is divided into parts (iteration.h). droverd; pure. A plan is a list of
 * bounds "NUMBER:CURSOR NUMBER:CURSOR ..": places between two items, the first before the first item.
 * A part begins at a bound and is numbered by it, from 1; so no two parts of a run ever share a number,
 * however often they are divided again.
 */
#include "supervisor/job/iteration.h"

#include <stdlib.h>
#include <string.h>

enum { RUN_JID_MAX = JID_MAX - 12 /* room for ".p" and a number */ };

/* The bound at the front of `rest`, which is cut off it. False: there is none. */
static bool next_bound(struct span *rest, int64_t *number, struct span *cursor)
{
	const char *colon, *end;

	while (rest->len > 0 && *rest->at == ' ') {
		rest->at++;
		rest->len--;
	}
	colon = rest->len ? memchr(rest->at, ':', rest->len) : NULL;
	if (colon == NULL)
		return false;
	*number = 0;
	for (const char *p = rest->at; p < colon; p++)
		*number = *number * 10 + (*p - '0');
	end = memchr(colon, ' ', rest->len - (size_t)(colon - rest->at));
	*cursor =
		(struct span){colon + 1, (size_t)((end ? end : rest->at + rest->len) - colon - 1)};
	rest->len -= (size_t)(cursor->at + cursor->len - rest->at);
	rest->at = cursor->at + cursor->len;
	return true;
}

static int64_t count_bounds(struct span bounds)
{
	struct span cursor;
	int64_t number, n = 0;

	while (next_bound(&bounds, &number, &cursor))
		n++;
	return n;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static void add_decoded(struct text *out, struct span s)
{
	for (size_t i = 0; i < s.len; i++) {
		bool coded = s.at[i] == '%' && i + 2 < s.len && hex_digit(s.at[i + 1]) >= 0 &&
			     hex_digit(s.at[i + 2]) >= 0;

		text_add_char(
			out, coded ? (char)(hex_digit(s.at[i + 1]) * 16 + hex_digit(s.at[i + 2]))
				   : s.at[i]);
		i += coded ? 2 : 0;
	}
}

/* False: there is no such bound. */
static bool find_bound(struct span bounds, int64_t index, int64_t *number, struct span *cursor)
{
	while (next_bound(&bounds, number, cursor))
		if (index-- == 0)
			return true;
	return false;
}

void iteration_add_bound(struct text *out, struct span bounds, int64_t index)
{
	struct span cursor;
	int64_t number;

	if (find_bound(bounds, index, &number, &cursor))
		add_decoded(out, cursor);
}

int64_t iteration_parts_wanted(const struct job *j)
{
	return j->envelope.parallel > 0 ? j->envelope.parallel : j->class->conf->parallel;
}

bool iteration_can_divide(const struct iteration *it, const struct job *j)
{
	return job_part(j) == 0 && !job_is_retry(j) && iteration_parts_wanted(j) > 1 &&
	       it->total > 1 && job_run(j).len <= RUN_JID_MAX &&
	       count_bounds((struct span){it->bounds.data, it->bounds.len}) > 1;
}

bool iteration_is_to_divide(const struct iteration *it, const struct job *j)
{
	return it->planned && it->number == 0 && job_is_each(j) && iteration_can_divide(it, j);
}

static bool is_named(struct span list, int64_t part)
{
	int64_t n = 0;
	bool any = false;

	for (size_t i = 0; i <= list.len; i++) {
		bool digit = i < list.len && list.at[i] >= '0' && list.at[i] <= '9';

		if (digit) {
			n = n * 10 + (list.at[i] - '0');
			any = true;
			continue;
		}
		if (any && n == part)
			return true;
		n = 0;
		any = false;
	}
	return false;
}

static void add_part(struct text *out, const struct job *j, int64_t part, int64_t number,
	int64_t end, struct span cursor)
{
	struct text payload = {0}, decoded = {0};

	add_decoded(&decoded, cursor);
	job_add_part(&payload, j, part);
	verbs_add_part(out, part, number, end,
		(struct span){decoded.data ? decoded.data : "", decoded.len},
		(struct span){payload.data, payload.len});
	text_fini(&payload);
	text_fini(&decoded);
}

/* Those that failed go on where they were: what is said of their bounds is known already. */
static void add_failed(struct text *out, const struct iteration *it, const struct job *j)
{
	struct span bounds = {it->bounds.data, it->bounds.len}, cursor;
	int64_t number, part = 1;

	for (; next_bound(&bounds, &number, &cursor); part++)
		if (is_named((struct span){it->divided.data, it->divided.len}, part))
			add_part(out, j, part, number, INT64_MAX, cursor);
}

void iteration_add_parts(struct text *out, const struct iteration *it, const struct job *j)
{
	const struct span bounds = {it->bounds.data, it->bounds.len};
	int64_t n = count_bounds(bounds), wanted = iteration_parts_wanted(j), first = 0, number,
		end;
	struct span cursor, next;

	if (it->divided.len > 0) {
		add_failed(out, it, j);
		return;
	}
	if (wanted > n)
		wanted = n;
	find_bound(bounds, 0, &first, &cursor);
	for (int64_t i = 0; i < wanted; i++) {
		int64_t at = i * n / wanted;

		find_bound(bounds, at, &number, &cursor);
		if (!find_bound(bounds, (i + 1) * n / wanted, &end, &next))
			end = first + it->total;
		add_part(out, j, at + 1, number, end, cursor);
	}
}

/* At least a quarter of what is left stays, so that its owner has not passed the place by the time it hears. */
int64_t iteration_halve(struct span bounds, int64_t number, int64_t end, int64_t *at)
{
	int64_t middle = number + (end - number) / 2, least = number + (end - number) / 4;
	int64_t best = -1, n;
	struct span cursor;

	if (end == INT64_MAX)
		return -1;
	for (int64_t i = 0; next_bound(&bounds, &n, &cursor); i++) {
		if (n <= least || n >= end)
			continue;
		if (best < 0 || llabs(n - middle) < llabs(*at - middle)) {
			best = i;
			*at = n;
		}
	}
	return best;
}

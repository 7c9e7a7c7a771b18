/* cron_field: see cron_field.h. Any process; pure. */
#include "base/cron_field.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#define LAST_DAY (-1)

static const char *const MONTHS[] = {
	"jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec", NULL};
static const char *const WEEKDAYS[] = {"sun", "mon", "tue", "wed", "thu", "fri", "sat", NULL};

/* A field: its values, of which names[0] is the first, and of an hour 24 is one more. */
struct field {
	const char *what, *allowed;
	int min, max, most;
	const char *const *names;
	bool from_end; /* -1 and L are the last */
};

static const struct field FIELDS[] = {
	[CRON_SECONDS] = {"seconds", "0 to 59", 0, 59, 59, NULL, false},
	[CRON_MINUTES] = {"minutes", "0 to 59", 0, 59, 59, NULL, false},
	[CRON_HOURS] = {"hours", "0 to 24", 0, 23, 24, NULL, false},
	[CRON_DAYS] = {"days of the month", "1 to 31, -1 to -31 or L", 1, 31, 31, NULL, true},
	[CRON_MONTHS] = {"months", "1 to 12 or jan to dec", 1, 12, 12, MONTHS, false},
	[CRON_WEEKDAYS] = {"days of the week",
		"0 to 7 or sun to sat, alone also with #1 to #5, #L, %N or %N+N", 0, 6, 7, WEEKDAYS,
		false},
};

/* "5-30/2": absent parts have their flag off. */
struct element {
	int from, to, step;
	bool has_from, has_to, has_step;
};

/* -- pieces of an element: each takes what it reads off the front -- */

static void drop(struct span *s, size_t n)
{
	s->at += n;
	s->len -= n;
}

static bool take_char(struct span *s, char c)
{
	if (s->len == 0 || *s->at != c)
		return false;
	drop(s, 1);
	return true;
}

static bool take_word(struct span *s, const char *word)
{
	size_t n = strlen(word);

	if (s->len < n || strncasecmp(s->at, word, n) != 0)
		return false;
	drop(s, n);
	return true;
}

/* All digits there are, at most `most` of them. */
static bool take_digits(struct span *s, size_t most, int *value)
{
	size_t n = 0;

	*value = 0;
	for (; n < s->len && isdigit((unsigned char)s->at[n]); n++)
		if (n < most)
			*value = *value * 10 + (s->at[n] - '0');
	if (n == 0 || n > most)
		return false;
	drop(s, n);
	return true;
}

static bool take_name(struct span *s, const struct field *f, int *value)
{
	for (int i = 0; f->names && f->names[i]; i++)
		if (take_word(s, f->names[i])) {
			*value = f->min + i;
			return true;
		}
	*value = LAST_DAY;
	return f->from_end && (take_word(s, "last") || take_word(s, "l"));
}

static bool take_value(struct span *s, const struct field *f, int *value)
{
	bool negative;

	if (take_name(s, f, value))
		return true;
	negative = f->from_end && take_char(s, '-');
	if (!take_digits(s, 2, value) || *value < f->min || *value > f->most)
		return false;
	*value = negative ? -*value : *value;
	return true;
}

/* "5", "5-30", "5/2", "5-30/2", a star or nothing at all with a step. */
static bool read_element(struct span s, const struct field *f, struct element *e)
{
	bool star = take_char(&s, '*');

	*e = (struct element){.step = 1};
	e->has_from = !star && take_value(&s, f, &e->from);
	if (e->has_from && take_char(&s, '-')) {
		e->has_to = take_value(&s, f, &e->to);
		if (!e->has_to)
			return false;
	}
	if (take_char(&s, '/')) {
		e->has_step = take_digits(&s, 2, &e->step) && e->step > 0;
		if (!e->has_step)
			return false;
	}
	return s.len == 0 && (star || e->has_from || e->has_step);
}

/* -- elements as sets -- */

static void set_value(struct cron_set *set, int value)
{
	if (value < 0)
		set->from_end |= UINT64_C(1) << -value;
	else
		set->values |= UINT64_C(1) << value;
}

/* From `from` to `to`, beyond the highest value on from the lowest; every step-th of these. */
static void set_range(struct cron_set *set, const struct field *f, int from, int to, int step)
{
	int low = from < 0 ? -f->max : f->min, high = from < 0 ? -1 : f->max;

	for (int i = 0, at = from;; i++) {
		if (i % step == 0)
			set_value(set, at > high ? low : at); /* 24 hours are 0 hours */
		if (at == to)
			return;
		if (++at > high) {
			at = low;
			to = to > high ? low : to;
		}
	}
}

static bool add_element(struct cron_set *set, const struct field *f, struct span s)
{
	struct element e;

	if (!read_element(s, f, &e))
		return false;
	if (e.has_from && !e.has_to && !e.has_step) {
		set_range(set, f, e.from, e.from, 1);
		return true;
	}
	if (!e.has_from)
		e.from = f->min;
	if (!e.has_to || (e.to < 0 && e.from > 0))
		e.to = f->max;
	if (e.from < 0 && e.to > 0)
		return false; /* one is counted from the end, the other is not */
	set->any = set->any || (e.from == f->min && e.to == f->max && e.step == 1);
	set_range(set, f, e.from, e.to, e.step);
	return true;
}

/* -- days of the week, which have ways of their own -- */

/* "mon#2", "mon#-1", "mon#L". */
static bool add_nth(struct cron *c, int weekday, struct span s)
{
	bool negative;
	int n;

	if (take_word(&s, "last") || take_word(&s, "l")) {
		c->nth_from_end[weekday] |= 1 << 1;
		return s.len == 0;
	}
	negative = take_char(&s, '-');
	if (!take_digits(&s, 1, &n) || n < 1 || n > 5 || s.len > 0)
		return false;
	if (negative)
		c->nth_from_end[weekday] |= (uint8_t)(1 << n);
	else
		c->nth[weekday] |= (uint8_t)(1 << n);
	return true;
}

/* "mon%2", "mon%2+1". */
static bool add_weeks(struct cron *c, int weekday, struct span s)
{
	int every, rest = 0;

	if (!take_digits(&s, 4, &every) || every == 0 || c->n_weeks == CRON_WEEKS_MAX)
		return false;
	if (take_char(&s, '+') && !take_digits(&s, 4, &rest))
		return false;
	c->weeks[c->n_weeks++] = (struct cron_weeks){
		.weekday = (uint8_t)weekday, .every = (uint16_t)every, .rest = (uint16_t)rest};
	return s.len == 0;
}

/* fugit's ways: a star in a list adds nothing, "mon/2" is Monday alone. */
static bool add_weekday(struct cron *c, const struct field *f, struct span s)
{
	struct span rest = s;
	struct element e;
	int day;

	if (take_value(&rest, f, &day)) {
		if (take_char(&rest, '#'))
			return add_nth(c, day % 7, rest);
		if (take_char(&rest, '%'))
			return add_weeks(c, day % 7, rest);
	}
	if (!read_element(s, f, &e))
		return false;
	if (!e.has_from && !e.has_step)
		return true;
	if (!e.has_to)
		e.to = e.has_from ? e.from : f->max;
	if (e.from > e.to)
		e.to += 7;
	for (int i = e.from; i <= e.to; i += e.step)
		c->weekdays |= UINT32_C(1) << i % 7;
	return true;
}

/* -- fields -- */

static int refuse(const struct field *f, struct span element, struct err *err)
{
	struct text quoted = {0};

	if (memchr(element.at, '~', element.len))
		return err_set(err, "has a random time (~) in its %s", f->what);
	text_add_json(&quoted, (struct span){element.at, element.len < 40 ? element.len : 40});
	err_set(err, "has %s in its %s (%s)", quoted.data, f->what, f->allowed);
	text_fini(&quoted);
	return -1;
}

/* What stands before the next comma; false behind the last. */
static bool next_element(struct span *field, struct span *element)
{
	const char *comma;

	if (!field->at)
		return false;
	comma = memchr(field->at, ',', field->len);
	*element = (struct span){field->at, comma ? (size_t)(comma - field->at) : field->len};
	*field = comma ? (struct span){comma + 1, field->len - element->len - 1} : (struct span){0};
	return true;
}

int cron_field_read(struct cron_set *set, enum cron_field which, struct span text, struct err *err)
{
	const struct field *f = &FIELDS[which];
	struct span element;

	*set = (struct cron_set){0};
	while (next_element(&text, &element))
		if (!add_element(set, f, element))
			return refuse(f, element, err);
	return 0;
}

int cron_field_read_weekdays(struct cron *c, struct span text, struct err *err)
{
	const struct field *f = &FIELDS[CRON_WEEKDAYS];
	struct span element;

	c->any_weekday = true;
	while (next_element(&text, &element)) {
		if (!add_weekday(c, f, element))
			return refuse(f, element, err);
		c->any_weekday = c->any_weekday && element.len == 1 && *element.at == '*';
	}
	return 0;
}

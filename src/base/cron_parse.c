/*
 * cron_parse: the text of a schedule's times; see cron.h. cron_field.c reads each field.
 * Any process; pure.
 */
#include <ctype.h>
#include <string.h>

#include "base/cron_field.h"

#define MOST_WORDS (CRON_FIELDS + 1) /* and a zone */

/* The calendar repeats itself, days of the week included, every 400 years. */
#define DAY	  (INT64_C(24) * 60 * 60)
#define YEAR_2000 (10957 * DAY)
#define CALENDAR  (146097 * DAY)

static const struct {
	const char *name, *text;
} SPECIALS[] = {
	{"@hourly", "0 * * * *"},
	{"@daily", "0 0 * * *"},
	{"@midnight", "0 0 * * *"},
	{"@noon", "0 12 * * *"},
	{"@weekly", "0 0 * * 0"},
	{"@monthly", "0 0 1 * *"},
	{"@yearly", "0 0 1 1 *"},
	{"@annually", "0 0 1 1 *"},
};

#define COUNT(a) (sizeof(a) / sizeof *(a))

/* -- words -- */

/* Up to `most`; returns how many there are. */
static size_t split(struct span text, struct span *words, size_t most)
{
	size_t n = 0;

	for (size_t i = 0; i < text.len;) {
		size_t start = i;

		while (i < text.len && text.at[i] != ' ' && text.at[i] != '\t')
			i++;
		if (i > start && n++ < most)
			words[n - 1] = (struct span){text.at + start, i - start};
		while (i < text.len && (text.at[i] == ' ' || text.at[i] == '\t'))
			i++;
	}
	return n;
}

/* What stands for "@daily"; NULL where it is none of these. */
static const char *find_special(struct span word)
{
	for (size_t i = 0; i < COUNT(SPECIALS); i++)
		if (span_is(word, SPECIALS[i].name))
			return SPECIALS[i].text;
	return NULL;
}

static bool looks_like_zone(struct span word)
{
	if (word.len < 2)
		return false;
	if (*word.at == '+' || *word.at == '-')
		return word.len > 4 && isdigit((unsigned char)word.at[1]) &&
		       isdigit((unsigned char)word.at[2]);
	return *word.at >= 'A' && *word.at <= 'Z';
}

/* The sixth of six words: the day of the week behind seconds, or a zone. */
static bool is_weekdays(struct span word)
{
	struct cron scratch = {0};
	struct err ignored;

	if (word.len > 1 && word.at[word.len - 1] == '&')
		word.len--;
	return cron_field_read_weekdays(&scratch, word, &ignored) == 0;
}

/* Takes the zone off the end, where there is one. */
static int take_zone(struct cron *c, const struct span *words, size_t *n, struct err *err)
{
	struct span last = words[*n - 1];

	if (*n < CRON_FIELDS || !looks_like_zone(last) || (*n == CRON_FIELDS && is_weekdays(last)))
		return 0;
	if (last.len >= sizeof c->zone || memchr(last.at, '\0', last.len))
		return err_set(err, "has a last word that is no time zone");
	memcpy(c->zone, last.at, last.len);
	--*n;
	return 0;
}

/* -- fields -- */

/* "&" behind either of the day fields. */
static struct span without_and(struct cron *c, struct span field)
{
	if (field.len > 1 && field.at[field.len - 1] == '&') {
		c->both = true;
		field.len--;
	}
	return field;
}

static int read_fields(struct cron *c, const struct span *fields, struct err *err)
{
	struct cron_set sets[CRON_WEEKDAYS];

	for (int i = CRON_SECONDS; i < CRON_WEEKDAYS; i++) {
		struct span field = i == CRON_DAYS ? without_and(c, fields[i]) : fields[i];

		if (cron_field_read(&sets[i], i, field, err) < 0)
			return -1;
	}
	c->seconds = sets[CRON_SECONDS].values;
	c->minutes = sets[CRON_MINUTES].values;
	c->hours = (uint32_t)sets[CRON_HOURS].values;
	c->days = (uint32_t)sets[CRON_DAYS].values;
	c->days_from_end = (uint32_t)sets[CRON_DAYS].from_end;
	c->any_day = sets[CRON_DAYS].any;
	c->months = (uint32_t)sets[CRON_MONTHS].values;
	return cron_field_read_weekdays(c, without_and(c, fields[CRON_WEEKDAYS]), err);
}

static int read_words(struct cron *c, const struct span *words, size_t n, struct err *err)
{
	struct span fields[CRON_FIELDS] = {SPAN_LIT("0")};

	if (n != CRON_FIELDS && n != CRON_FIELDS - 1)
		return err_set(err, "has %zu field%s", n, n == 1 ? "" : "s");
	memcpy(&fields[CRON_FIELDS - n], words, n * sizeof *words);
	if (read_fields(c, fields, err) < 0)
		return -1;
	if (cron_next_local(c, YEAR_2000, YEAR_2000 + CALENDAR) == CRON_NEVER)
		return err_set(err, "has a day that never comes");
	return 0;
}

int cron_parse(struct cron *c, struct span text, struct err *err)
{
	struct span words[MOST_WORDS];
	size_t n = split(text, words, MOST_WORDS);
	const char *special;

	*c = (struct cron){0};
	if (text.len > CRON_TEXT_MAX || n > MOST_WORDS)
		return err_set(err, "has too many words");
	if (n == 0)
		return err_set(err, "has no fields");
	if (*words[0].at == '@') {
		special = find_special(words[0]);
		if (!special || n > 2)
			return err_set(err, "has a word with @ that stands for no times");
		if (n == 2)
			words[CRON_FIELDS - 1] = words[1];
		split(span_of(special), words, CRON_FIELDS - 1);
		n = n == 2 ? CRON_FIELDS : CRON_FIELDS - 1;
	}
	if (take_zone(c, words, &n, err) < 0)
		return -1;
	return read_words(c, words, n, err);
}

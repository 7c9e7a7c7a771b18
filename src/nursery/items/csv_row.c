/* nursery/items/csv_row: see csv_row.h. In the child. Pure; every byte is a stranger's. */
#include "nursery/items/csv_row.h"

#include "base/must.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* -- where a row ends ---------------------------------------------------------------------------- */

/* The first separator or newline. */
static const char *find_stop(const char *p, const char *to, char separator)
{
	while (p < to && *p != separator && *p != '\n')
		p++;
	return p;
}

/* Most rows have no quote in them, and end with the line. NULL: it must be looked at closer. */
static const char *find_plain_end(struct csv_scan *s, const char *from, const char *to)
{
	const char *end = s->state == CSV_QUOTED ? NULL : memchr(from, '\n', (size_t)(to - from));

	if (!end || memchr(from, '"', (size_t)(end - from)))
		return NULL;
	s->state = CSV_FIELD_DUE;
	return end + 1;
}

const char *csv_find_end(void *ctx, const char *from, const char *to)
{
	struct csv_scan *s = ctx;
	const char *p = from, *end = find_plain_end(s, from, to);

	if (end)
		return end;
	while (p < to) {
		if (s->state == CSV_QUOTED) {
			p = memchr(p, '"', (size_t)(to - p));
			if (!p)
				return NULL;
			s->state = CSV_QUOTE_SEEN;
			p++;
			continue;
		}
		if (*p == '"' && s->state != CSV_PLAIN) {
			s->state = CSV_QUOTED;
			p++;
			continue;
		}
		s->state = CSV_PLAIN;
		p = find_stop(p, to, s->separator);
		if (p == to)
			return NULL;
		s->state = CSV_FIELD_DUE;
		if (*p++ == '\n')
			return p;
	}
	return NULL;
}

/* -- fields -------------------------------------------------------------------------------------- */

/* A field that is put together of pieces: quotes that were doubled, or text behind the last one. */
static struct span gather(
	const char *p, const char *to, char separator, const char **end, struct text *scratch)
{
	text_clear(scratch);
	for (;;) {
		const char *quote = memchr(p, '"', (size_t)(to - p));

		text_add(scratch, p, (size_t)((quote ? quote : to) - p));
		p = quote ? quote + 1 : to;
		if (p == to || *p != '"')
			break;
		text_add_char(scratch, *p++);
	}
	*end = find_stop(p, to, separator);
	text_add(scratch, p, (size_t)(*end - p));
	return (struct span){scratch->data, scratch->len};
}

/* The field that begins at `p`; `end` is its separator, or the row's end. */
static struct span cut_field(
	const char *p, const char *to, char separator, const char **end, struct text *scratch)
{
	const char *quote;

	if (p == to || *p != '"') {
		*end = find_stop(p, to, separator);
		return (struct span){p, (size_t)(*end - p)};
	}
	p++;
	quote = memchr(p, '"', (size_t)(to - p));
	if (quote && (quote + 1 == to || quote[1] == separator)) {
		*end = quote + 1;
		return (struct span){p, (size_t)(quote - p)};
	}
	return gather(p, to, separator, end, scratch);
}

/* Eight bytes none of which must be escaped or may be no UTF-8: no byte's highest bit is then set. */
static bool are_plain(uint64_t w)
{
	const uint64_t ones = 0x0101010101010101u, high = ones << 7;
	uint64_t quote = w ^ ones * '"', slash = w ^ ones * '\\';

	return ((w | (w - ones * 0x20) | (quote - ones) | (slash - ones)) & high) == 0;
}

static bool is_plain(struct span s)
{
	size_t i = 0;
	uint64_t word;

	for (; i + 8 <= s.len; i += 8) {
		memcpy(&word, s.at + i, 8);
		if (!are_plain(word))
			return false;
	}
	for (; i < s.len; i++) /* char is signed: what is no ASCII is below 0 */
		if (s.at[i] < 0x20 || s.at[i] == '"' || s.at[i] == '\\')
			return false;
	return true;
}

/* Most fields are plain, and are copied. */
static void add_string(struct text *out, struct span s)
{
	char *at;

	if (!is_plain(s)) {
		text_add_json(out, s);
		return;
	}
	text_reserve(out, s.len + 2);
	at = out->data + out->len;
	*at++ = '"';
	if (s.len)
		memcpy(at, s.at, s.len);
	at[s.len] = '"';
	at[s.len + 1] = '\0';
	out->len += s.len + 2;
}

/* -- names --------------------------------------------------------------------------------------- */

static struct span name_of(const struct csv_header *h, size_t i)
{
	size_t from = i ? h->ends[i - 1] : 0;

	return (struct span){h->names.data + from, h->ends[i] - from};
}

static bool is_taken(const struct csv_header *h, struct span name)
{
	for (size_t i = 0; i < h->count; i++) {
		struct span other = name_of(h, i);

		if (other.len == name.len && memcmp(other.at, name.at, name.len) == 0)
			return true;
	}
	return false;
}

/* Puts into `json` what the column is called, which no column before it is. */
static void choose_name(
	const struct csv_header *h, struct span field, size_t column, struct text *json)
{
	struct text name = {0};

	if (field.len)
		text_add_utf8(&name, field);
	else
		text_addf(&name, "column %zu", column);
	for (;;) {
		text_clear(json);
		add_string(json, (struct span){name.data, name.len});
		text_add_char(json, ':');
		if (!is_taken(h, (struct span){json->data, json->len}))
			break;
		text_addf(&name, " (%zu)", column);
	}
	text_fini(&name);
}

int csv_header_read(struct csv_header *h, struct span row, char separator, struct err *err)
{
	const char *p = row.at, *to = row.at + row.len, *end = NULL;
	struct text scratch = {0}, json = {0};

	*h = (struct csv_header){.ends = must_alloc(CSV_COLUMNS_MAX * sizeof *h->ends)};
	for (; h->count < CSV_COLUMNS_MAX; p = end + 1) {
		struct span field = cut_field(p, to, separator, &end, &scratch);

		choose_name(h, field, h->count + 1, &json);
		text_add(&h->names, json.data, json.len);
		h->ends[h->count++] = h->names.len;
		if (end == to)
			break;
	}
	text_fini(&scratch);
	text_fini(&json);
	h->ends = must_realloc(h->ends, h->count * sizeof *h->ends);
	if (end == to)
		return 0;
	csv_header_fini(h);
	return err_set(err, "the header has more than %d columns", CSV_COLUMNS_MAX);
}

void csv_header_fini(struct csv_header *h)
{
	text_fini(&h->names);
	free(h->ends);
	*h = (struct csv_header){0};
}

/* -- rows ---------------------------------------------------------------------------------------- */

static void add_name(struct text *out, const struct csv_header *h, size_t column)
{
	struct text json = {0};

	if (column < h->count) {
		text_add_span(out, name_of(h, column));
		return;
	}
	choose_name(h, (struct span){0}, column + 1, &json);
	text_add(out, json.data, json.len);
	text_fini(&json);
}

bool csv_add_row(struct text *out, const struct csv_header *h, struct span row, char separator,
	struct text *scratch)
{
	const char *p = row.at, *to = row.at + row.len, *end;

	text_add_char(out, '{');
	for (size_t column = 0; column < CSV_COLUMNS_MAX; column++, p = end + 1) {
		struct span field = cut_field(p, to, separator, &end, scratch);

		if (column)
			text_add_char(out, ',');
		add_name(out, h, column);
		add_string(out, field);
		if (end == to) {
			text_add_char(out, '}');
			return true;
		}
	}
	return false;
}

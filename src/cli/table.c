/* cli/table: see table.h. */
#include <stdlib.h>
#include <string.h>

#include "base/must.h"
#include "cli/show.h"
#include "cli/table.h"

#define GAP  "  "
#define MORE "\xe2\x80\xa6" /* … */

void table_init(struct table *t, const struct table_column *columns, size_t n)
{
	*t = (struct table){.columns = columns, .n_columns = n};
}

void table_fini(struct table *t)
{
	for (size_t i = 0; i < t->n_cells; i++)
		text_fini(&t->cells[i]);
	free(t->cells);
	*t = (struct table){0};
}

void table_add(struct table *t, struct span cell)
{
	struct text *c;

	if (t->n_cells == t->cap) {
		t->cap = t->cap ? 2 * t->cap : 64;
		t->cells = must_realloc(t->cells, t->cap * sizeof *t->cells);
	}
	c = &t->cells[t->n_cells++];
	*c = (struct text){0};
	show_add_safe(c, cell.len ? cell : SPAN_LIT("-"));
}

void table_add_str(struct table *t, const char *cell)
{
	table_add(t, span_of(cell));
}

void table_add_state(struct table *t, struct span state, int64_t silent_ms)
{
	struct text words = {0};

	show_add_state(&words, state, silent_ms);
	table_add(t, (struct span){words.data, words.len});
	text_fini(&words);
}

void table_add_number(struct table *t, int64_t n)
{
	struct text text = {0};

	if (n >= 0)
		text_add_int(&text, n);
	table_add(t, (struct span){text.data, text.len});
	text_fini(&text);
}

static struct span cell_at(const struct table *t, size_t i)
{
	return (struct span){t->cells[i].data, t->cells[i].len};
}

static size_t column_width(const struct table *t, size_t column)
{
	size_t widest = strlen(t->columns[column].title);

	for (size_t i = column; i < t->n_cells; i += t->n_columns) {
		size_t w = show_width(cell_at(t, i));

		widest = w > widest ? w : widest;
	}
	return widest;
}

/* The first `width` columns of `s`, the last one saying that there was more. */
static void add_cut(struct text *out, struct span s, size_t width)
{
	size_t n = 0, i = 0;

	if (show_width(s) <= width) {
		text_add_span(out, s);
		return;
	}
	while (i < s.len && n + 1 < width) {
		i += utf8_sequence(s.at + i, s.len - i);
		n++;
	}
	text_add(out, s.at, i);
	text_add_str(out, MORE);
}

static void add_blanks(struct text *out, size_t n)
{
	while (n-- > 0)
		text_add_char(out, ' ');
}

struct layout {
	size_t *widths;
	size_t last_room; /* for the last column; 0: as much as it likes */
};

static void print_cell(const struct table *t, const struct layout *l, size_t column,
	struct span cell, struct text *out)
{
	size_t width = show_width(cell), room = l->widths[column];
	size_t blanks = width < room ? room - width : 0;
	bool last = column + 1 == t->n_columns;

	if (column > 0)
		text_add_str(out, GAP);
	if (t->columns[column].right)
		add_blanks(out, blanks);
	if (last && l->last_room)
		add_cut(out, cell, l->last_room);
	else
		text_add_span(out, cell);
	if (!t->columns[column].right && !last)
		add_blanks(out, blanks);
}

static size_t room_of_last(const struct table *t, const size_t *widths, size_t width)
{
	size_t taken = (t->n_columns - 1) * (sizeof GAP - 1);

	for (size_t i = 0; i + 1 < t->n_columns; i++)
		taken += widths[i];
	return width == 0 ? 0 : width > taken + 8 ? width - taken : 8;
}

void table_print(const struct table *t, struct text *out, size_t width, bool colour)
{
	size_t *widths = must_alloc(t->n_columns * sizeof *widths);
	struct layout l = {.widths = widths};

	must(t->n_cells % t->n_columns == 0);
	for (size_t i = 0; i < t->n_columns; i++)
		widths[i] = column_width(t, i);
	l.last_room = room_of_last(t, widths, width);
	text_add_str(out, colour ? "\033[1m" : "");
	for (size_t i = 0; i < t->n_columns; i++)
		print_cell(t, &l, i, span_of(t->columns[i].title), out);
	text_add_str(out, colour ? "\033[0m\n" : "\n");
	for (size_t i = 0; i < t->n_cells; i++) {
		print_cell(t, &l, i % t->n_columns, cell_at(t, i), out);
		if ((i + 1) % t->n_columns == 0)
			text_add_char(out, '\n');
	}
	free(widths);
}

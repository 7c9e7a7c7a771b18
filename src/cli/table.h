/*
 * cli/table: rows for people. Cells are made safe for a terminal as they come in; columns are as
 * wide as their widest cell. Pure.
 */
#ifndef DROVER_CLI_TABLE_H
#define DROVER_CLI_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/text.h"

struct table_column {
	const char *title;
	bool right; /* aligned to the right */
};

struct table {
	const struct table_column *columns;
	size_t n_columns;
	struct text *cells; /* row by row */
	size_t n_cells, cap;
};

void table_init(struct table *t, const struct table_column *columns, size_t n);
void table_fini(struct table *t);

/* The next cell; an empty one is shown as "-". A row is complete with its last cell. */
void table_add(struct table *t, struct span cell);
void table_add_str(struct table *t, const char *cell);
void table_add_state(struct table *t, struct span state, int64_t silent_ms); /* see cli/show */
void table_add_number(struct table *t, int64_t n); /* below 0: not known */

/* `width` columns of a terminal cut the last cell of a row; 0: nothing is cut. */
void table_print(const struct table *t, struct text *out, size_t width, bool colour);

#endif

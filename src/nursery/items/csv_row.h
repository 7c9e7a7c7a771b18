/*
 * nursery/items/csv_row: one row of CSV (RFC 4180) and what becomes of it. In the child. Pure.
 *
 * A reader of our own: it must know at which byte a row ends (cursors, parts), count rows without
 * decoding them, and hold one row at a time; libcsv hands out fields and tells of no bytes.
 *
 * Where files differ from the RFC: "\n" and "\r\n" both end a row, mixed; a quote inside of a field
 * that does not begin with one is a character like any other; what stands behind a closing quote
 * belongs to the field as it is.
 */
#ifndef DROVER_NURSERY_ITEMS_CSV_ROW_H
#define DROVER_NURSERY_ITEMS_CSV_ROW_H

#include <stdbool.h>

#include "base/err.h"
#include "base/text.h"

/* -- where a row ends ---------------------------------------------------------------------------- */

enum csv_state { CSV_FIELD_DUE, CSV_PLAIN, CSV_QUOTED, CSV_QUOTE_SEEN };

struct csv_scan {
	char separator;
	enum csv_state state; /* QUOTED at the end of the file: the row has no end */
};

/* A bytes_find_fn over a struct csv_scan. */
const char *csv_find_end(void *ctx, const char *from, const char *to);

/* -- names --------------------------------------------------------------------------------------- */

#define CSV_COLUMNS_MAX 4096

/*
 * The names of the columns, each one once: one that is empty is "column 3", one that was there
 * before gets the number of its column, "name (3)".
 */
struct csv_header {
	struct text names; /* each as the JSON text of a member's name, with its colon */
	size_t *ends;	   /* where each ends there */
	size_t count;
};

int csv_header_read(struct csv_header *h, struct span row, char separator, struct err *err);
void csv_header_fini(struct csv_header *h);

/* -- rows ---------------------------------------------------------------------------------------- */

/*
 * Appends the row (without its end) as a JSON object on one line, its values strings. A short row
 * has the members that are there; fields beyond the header are members "column 5".
 * False where it has more than CSV_COLUMNS_MAX.
 */
bool csv_add_row(struct text *out, const struct csv_header *h, struct span row, char separator,
	struct text *scratch);

#endif

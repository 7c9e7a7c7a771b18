/*
 * nursery/items/records: what lines, JSON lines and CSV have in common: a file, or an upload, gone
 * through record by record, with a cursor that is a place in it. In the child.
 */
#ifndef DROVER_NURSERY_ITEMS_RECORDS_H
#define DROVER_NURSERY_ITEMS_RECORDS_H

#include "nursery/items/bytes.h"
#include "nursery/items/pin.h"
#include "nursery/items/source.h"

#define RECORDS_TOO_LONG "it is longer than 1 MiB"

struct records {
	struct bytes bytes;
	struct pin pin;
	int64_t number; /* of the last item passed */
};

/* At the beginning of the file, whatever the cursor says. */
int records_open(struct records *r, const struct source_args *a, struct err *err);

/* Behind the cursor, where there is one; it must not stand before `least`. Tells its number. */
int records_resume(struct records *r, const struct source_args *a, int64_t least, int64_t *number,
	struct err *err);

void records_close(struct records *r);

/* A source's add_cursor, where its struct begins with a struct records. */
void records_add_cursor(void *self, struct text *out);

#endif

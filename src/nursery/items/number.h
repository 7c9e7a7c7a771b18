/* nursery/items/number: numbers as cursors have them. In the child; strict, for a cursor may come
   from anywhere. */
#ifndef DROVER_NURSERY_ITEMS_NUMBER_H
#define DROVER_NURSERY_ITEMS_NUMBER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/text.h"

/* Reads all of `s`: digits, one '-' before them where there is something below 0. */
bool number_read(struct span s, int64_t *out);

/* Reads all of `s`: up to 16 digits 0-9a-f. */
bool number_read_hex(struct span s, uint64_t *out);
void number_add_hex(struct text *out, uint64_t n);

/* What stands before the first `end`; `rest` goes on behind it. False where there is no `end`. */
bool number_cut(struct span *rest, char end, struct span *out);

#endif

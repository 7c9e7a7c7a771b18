/*
 * nursery/items/fill: {item} and {item.NAME} in what describes the inner one of two nested
 * collections. In the child. Pure.
 */
#ifndef DROVER_NURSERY_ITEMS_FILL_H
#define DROVER_NURSERY_ITEMS_FILL_H

#include "base/err.h"
#include "base/text.h"

/*
 * Appends the template `with` (base/template.h) with {item} replaced by the item's text and
 * {item.NAME} by that member of it: a string decoded, anything else as it stands. -1 where the item
 * is no JSON object or has no such member, or where what comes of it could be no path and no
 * argument.
 */
int fill(struct text *out, const char *with, struct span item, struct err *err);

#endif

/*
 * nursery/items/pin: the cursor of a collection that is read as bytes, and how it pins the file it
 * was made for. In the child.
 *
 *   OFFSET NUMBER DEVICE.INODE.SIZE.MTIME.HASH
 *
 * OFFSET is that behind the item's record; from the pin on it is hexadecimal. HASH covers the bytes
 * before OFFSET from the block of 4 KiB before the one in which OFFSET stands: 4 to 8 KiB, as far
 * as there are so many. A window that moved with every item would be hashed anew each time; one
 * that begins where a block does grows by the record alone.
 */
#ifndef DROVER_NURSERY_ITEMS_PIN_H
#define DROVER_NURSERY_ITEMS_PIN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/text.h"
#include "nursery/items/bytes.h"

/* The hash as far as it has come, and what does not change from cursor to cursor. */
struct pin {
	int64_t from, to; /* offsets: of the window's first byte, behind the last whole word */
	uint64_t hash;
	char identity[72]; /* as it stands in a cursor, its dots included */
	size_t identity_len;
};

void pin_init(struct pin *p, const struct bytes *b);

struct pin_cursor {
	int64_t offset, number;
	struct bytes_identity identity;
	uint64_t hash;
};

bool pin_read_cursor(struct span text, struct pin_cursor *out);

/* Appends the cursor of the item whose record the bytes before the next one end. */
void pin_add_cursor(struct pin *p, const struct bytes *b, int64_t number, struct text *out);

/*
 * Goes on behind the cursor. Where the file is not the one that the cursor was made for, -1 and
 * what has changed, unless `change` says to go on: then it is an error only where the file does not
 * reach so far any more.
 */
int pin_resume(struct bytes *b, const struct pin_cursor *c, bool change, struct err *err);

#endif

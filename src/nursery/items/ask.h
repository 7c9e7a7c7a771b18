/*
 * nursery/items/ask: asks the stream socket (wire/stream.h). In the child. One question at a time;
 * each waits for the whole of its answer.
 */
#ifndef DROVER_NURSERY_ITEMS_ASK_H
#define DROVER_NURSERY_ITEMS_ASK_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"
#include "base/text.h"

/* -1 in the number: it is not known. */
int ask_size(int fd, int64_t *size, struct err *err);
int ask_count(int fd, int64_t *count, struct err *err);

/* At most `room` bytes from `offset` on, how many; 0 at the end; -1. */
ssize_t ask_read(int fd, int64_t offset, char *at, size_t room, struct err *err);

/* One member of a key; the spans are valid during the call. `cut`: its text is longer than that. */
typedef void ask_member_fn(void *ctx, struct span cursor, struct span text, bool cut);

/* At most `count` members behind `cursor`: how many were told; 0: there are no more; -1. A member
   that is longer than `longest` is told cut. */
int64_t ask_next(int fd, int64_t count, struct span cursor, size_t longest, ask_member_fn *member,
	void *ctx, struct err *err);

#endif

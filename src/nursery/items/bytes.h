/*
 * nursery/items/bytes: the bytes of a collection, record by record through one buffer, whoever has
 * them: a file, an upload (drover run --csv) behind the stream socket, a pipe. In the child. Memory
 * is that of the buffer, however large the whole is.
 */
#ifndef DROVER_NURSERY_ITEMS_BYTES_H
#define DROVER_NURSERY_ITEMS_BYTES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/text.h"

#define BYTES_HISTORY	 8192	       /* so many before the next byte stay in the buffer */
#define BYTES_RECORD_MAX (1024 * 1024) /* of a longer record only the beginning is kept */

enum bytes_from { BYTES_FILE, BYTES_STREAM, BYTES_PIPE };

/* Which file it is, and in what state. Of an upload, which nobody changes, the size alone. */
struct bytes_identity {
	uint64_t device, inode, size, mtime;
};

struct bytes {
	enum bytes_from from;
	int fd;
	const char *name; /* for sentences */
	char *data;
	size_t at, len, cap; /* of the buffer: the next byte, the end, the room */
	int64_t base;	     /* offset of its first byte */
	struct bytes_identity identity;
	bool ended;
	bool (*stop)(void *ctx);
	void *stop_ctx;
	bool cutting;
	struct text cut;
};

struct bytes_record {
	struct span text; /* its end included; valid until the next call */
	bool whole;	  /* its end was there: else what stood before the end of all */
	bool cut;	  /* it was longer than BYTES_RECORD_MAX: the first bytes of it */
};

/* `name` must outlive it. The file is closed by bytes_close, the others' descriptors are not. */
int bytes_open_file(struct bytes *b, const char *path, struct err *err);
int bytes_open_stream(struct bytes *b, int fd, struct err *err);
void bytes_open_pipe(struct bytes *b, int fd, const char *name);
void bytes_close(struct bytes *b);

/* Goes on at `offset`, with the bytes from `history` on, which is not behind it, in the buffer. */
int bytes_seek(struct bytes *b, int64_t offset, int64_t history, struct err *err);

/* Offset of the next byte. */
static inline int64_t bytes_offset(const struct bytes *b)
{
	return b->base + (int64_t)b->at;
}

/*
 * Looks for a record's end in [from, to): the place behind it, or NULL: it is called again with
 * what comes then, and keeps in `ctx` what it must know.
 */
typedef const char *bytes_find_fn(void *ctx, const char *from, const char *to);
const char *bytes_find_newline(void *ctx, const char *from, const char *to);

/* 1; 0: no byte is left; -1: it cannot be gone on with. */
int bytes_next_record(
	struct bytes *b, bytes_find_fn *find, void *ctx, struct bytes_record *r, struct err *err);

/* Passes the next `n` bytes and tells where they stand: 1; 0: there are not so many; -1. */
int bytes_take(struct bytes *b, size_t n, struct span *out, struct err *err);

/* Passes the mark that some programs put in front of UTF-8. Only where nothing was read before. */
int bytes_skip_mark(struct bytes *b, struct err *err);

/* A line without its end, "\n" or "\r\n". */
struct span bytes_without_end(struct span line);

#endif

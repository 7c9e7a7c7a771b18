/*
 * queue/upload: a file that was put into Redis, for the workers of all hosts to read. It stands in
 * chunks of one size (the last is shorter), each compressed by itself: where a byte of the file
 * stands is then arithmetic, and any part of it is read without what stands before.
 *
 * drover:csv:ID:N are the chunks from 0 on, drover:csv:ID says what they are together and is written
 * last: an upload is there as a whole or not at all. All of it expires at one time.
 *
 * Written in drover and in programs with libdrover; read in drover-items. Never in droverd, which
 * does not link the compressor.
 */
#ifndef DROVER_QUEUE_UPLOAD_H
#define DROVER_QUEUE_UPLOAD_H

#include <stdint.h>

#include "base/err.h"
#include "queue/ask.h"
#include "queue/words.h"
#include "redis/redis.h"

#define UPLOAD_CHUNK_BYTES (256 * 1024)
#define UPLOAD_CHUNK_MAX   (16 * 1024 * 1024) /* what a reader takes from somebody else */
#define UPLOAD_ID_DIGITS   24
#define UPLOAD_GONE	   "the uploaded file is gone (it expired, or was removed)"

struct upload_about {
	int64_t bytes, chunk_bytes, chunks;
};

/* -- where a byte is: pure ----------------------------------------------------------------------- */

struct upload_place {
	int64_t chunk;
	int64_t skip; /* bytes of the chunk before it */
	int64_t len;  /* of what was asked for, as much as that chunk has; 0: behind the end */
};
struct upload_place upload_find(const struct upload_about *a, int64_t offset, int64_t length);

int64_t upload_chunk_count(int64_t bytes, int64_t chunk_bytes);
int64_t upload_chunk_size(const struct upload_about *a, int64_t chunk); /* inflated */

/* Ours are hexadecimal digits; nothing else is looked up. */
bool upload_is_id(struct span id);

/* -- reading: the words of the questions, and what their answers say ------------------------------- */

void upload_ask_about(struct words *w, const char *prefix, struct span id);
void upload_ask_chunk(struct words *w, const char *prefix, struct span id, int64_t chunk);

/* -1 with UPLOAD_GONE, or where it makes no sense. */
int upload_take_about(const struct redis_reply *reply, struct upload_about *a, struct err *err);
/* Replaces *out. */
int upload_take_chunk(const struct redis_reply *reply, const struct upload_about *a, int64_t chunk,
	struct text *out, struct err *err);

/* Replaces *out by the compressed form, which always fits. */
void upload_pack(struct text *out, struct span chunk);

/* -- writing ------------------------------------------------------------------------------------- */

struct upload_wish {
	const char *prefix;
	struct span name; /* of the file, for people */
	int64_t expire_ms, max_bytes;
};

struct upload_written {
	char id[UPLOAD_ID_DIGITS + 1];
	struct upload_about about;
	int64_t packed_bytes;
};

enum {
	UPLOAD_TOO_LARGE = -10,	 /* more than max_bytes */
	UPLOAD_UNREADABLE = -11, /* the file */
};

/*
 * Reads `fd` to its end and writes it under a new id. 0, one of ASK_*, or of the above; then what was
 * written is removed again, as far as Redis answers; the rest expires by itself.
 */
int upload_write(struct redis *r, int fd, const struct upload_wish *wish,
	struct upload_written *out, struct err *err);

/* 1; 0: there is none (any more). */
int upload_remove(struct redis *r, const char *prefix, struct span id, struct err *err);

#endif

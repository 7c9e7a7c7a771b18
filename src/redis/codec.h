/*
 * codec: RESP2 as bytes and as struct redis_reply. hiredis reads, we build the replies ourselves:
 * its own building differs between 0.14 and 1.x, recurses without end in 1.x, and believes every
 * length a server claims.
 */
#ifndef DROVER_REDIS_CODEC_H
#define DROVER_REDIS_CODEC_H

#include "redis/redis.h"

struct evbuffer;
struct codec;

#define CODEC_DEPTH_MAX 7 /* arrays in arrays; hiredis 0.14 reads no more */
#define CODEC_REPLY_MAX ((size_t)512 * 1024 * 1024) /* what a connection grants */

/* `reply_max`: bytes that one reply may make us hold. */
struct codec *codec_new(size_t reply_max);
void codec_free(struct codec *c);

/* Takes bytes that came in. Never fails by itself; codec_next tells what is wrong with them. */
void codec_feed(struct codec *c, const char *bytes, size_t len);

/* 1 and a reply that is the caller's (codec_reply_free); 0: needs more bytes; -1: no RESP2. */
int codec_next(struct codec *c, struct redis_reply **out, struct err *err);
void codec_reply_free(struct redis_reply *reply);

/* Appends "*N\r\n", and each word as a bulk string. */
void codec_add_count(struct evbuffer *out, size_t argc);
void codec_add_word(struct evbuffer *out, struct span word);

#endif

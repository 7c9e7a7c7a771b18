/*
 * queue/ask: questions to Redis for those who wait for the answer (drover, libdrover), with the
 * answer copied, so that the next question may be asked while it is read.
 *
 * All of queue/ask, queue/inspect, queue/enqueue and queue/failed answer with 0 or more, or with
 * one of these.
 */
#ifndef DROVER_QUEUE_ASK_H
#define DROVER_QUEUE_ASK_H

#include <stdint.h>

#include "base/err.h"
#include "queue/words.h"
#include "redis/redis.h"

enum {
	ASK_LOST = -1,	     /* no answer: what was to be changed may be changed or not */
	ASK_REFUSED = -2,    /* Redis said no; nothing was changed */
	ASK_WRONG_TYPE = -4, /* the same, for the key holds something of another type */
};

/* Strings of an answer, copied, lists in it laid flat. Nil is the empty text with `data` NULL. */
struct texts {
	struct text *items;
	size_t n;
};
void texts_fini(struct texts *t);
void texts_sort(struct texts *t); /* bytewise */
void texts_add(struct texts *t, struct span s);
struct span texts_at(const struct texts *t, size_t i);
/* The value behind `key` in the answer of HGETALL; empty where there is none. */
struct span texts_value(const struct texts *t, const char *key);

/*
 * One command, whose words are used up. Its answer (a string, an array of strings and numbers,
 * nil) replaces *out.
 */
int ask_texts(struct redis *r, struct words *w, struct texts *out, struct err *err);
/* One command that answers a number; *out is 0 for nil. */
int ask_number(struct redis *r, struct words *w, int64_t *out, struct err *err);
/* The same with a script of ours; the first `n_keys` words are its keys. */
int ask_script(struct redis *r, const struct redis_script *s, size_t n_keys, struct words *w,
	struct texts *out, struct err *err);
int ask_script_number(struct redis *r, const struct redis_script *s, size_t n_keys, struct words *w,
	int64_t *out, struct err *err);

/* 0, or what an answer (NULL: none) that is none stands for. */
int ask_judge(const struct redis_reply *reply, struct err *err);

/* Reads a whole number; `otherwise` where the text is none. */
int64_t ask_to_number(struct span s, int64_t otherwise);

#endif

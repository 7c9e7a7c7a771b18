/*
 * queue/words: the words of one Redis command while it is put together. They are copied in, so
 * that numbers and short-lived texts may be among them. Kept and cleared between commands.
 */
#ifndef DROVER_QUEUE_WORDS_H
#define DROVER_QUEUE_WORDS_H

#include <stdint.h>

#include "base/text.h"

struct words {
	struct text bytes;
	size_t *ends; /* where each word ends in bytes */
	struct span *spans;
	size_t n, cap;
};

void words_clear(struct words *w);
void words_fini(struct words *w);
void words_add(struct words *w, struct span s);
void words_add_str(struct words *w, const char *s);
void words_add_int(struct words *w, int64_t n);
void words_add_key(
	struct words *w, const char *prefix, const char *a, struct span b); /* one word */

/* drover:run:JID and what stands behind it: "", KEY_AUDIT, KEY_PARTS .. One word. */
void words_add_run_key(struct words *w, const char *prefix, struct span jid, const char *end);

/* All keys that begin so, as SCAN's MATCH takes it, whatever the namespace's name is. One word. */
void words_add_pattern(struct words *w, const char *prefix, const char *a);

/* The words as redis_send wants them; good until the next word is added. */
const struct span *words_spans(struct words *w);

#endif

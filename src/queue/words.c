/* queue/words: see words.h. */
#include "queue/keys.h"
#include "queue/words.h"
#include "base/must.h"

#include <stdlib.h>
#include <string.h>

enum { KEEP_BYTES = 256 << 10 };

void words_clear(struct words *w)
{
	if (w->bytes.cap > KEEP_BYTES)
		text_fini(&w->bytes); /* one large payload must not stay with us for ever */
	text_clear(&w->bytes);
	w->n = 0;
}

void words_fini(struct words *w)
{
	text_fini(&w->bytes);
	free(w->ends);
	free(w->spans);
	*w = (struct words){0};
}

static void close_word(struct words *w)
{
	if (w->n == w->cap) {
		w->cap = w->cap ? 2 * w->cap : 64;
		w->ends = must_realloc(w->ends, w->cap * sizeof *w->ends);
		w->spans = must_realloc(w->spans, w->cap * sizeof *w->spans);
	}
	w->ends[w->n++] = w->bytes.len;
}

void words_add(struct words *w, struct span s)
{
	text_add_span(&w->bytes, s);
	close_word(w);
}

void words_add_str(struct words *w, const char *s)
{
	text_add_str(&w->bytes, s);
	close_word(w);
}

void words_add_int(struct words *w, int64_t n)
{
	text_add_int(&w->bytes, n);
	close_word(w);
}

void words_add_key(struct words *w, const char *prefix, const char *a, struct span b)
{
	text_add_str(&w->bytes, prefix);
	text_add_str(&w->bytes, a);
	text_add_span(&w->bytes, b);
	close_word(w);
}

void words_add_run_key(struct words *w, const char *prefix, struct span jid, const char *end)
{
	text_add_str(&w->bytes, prefix);
	text_add_str(&w->bytes, KEY_RUN);
	text_add_span(&w->bytes, jid);
	text_add_str(&w->bytes, end);
	close_word(w);
}

/* A namespace may hold what is taken for a pattern; our own names do not. */
void words_add_pattern(struct words *w, const char *prefix, const char *a)
{
	for (const char *p = prefix; *p; p++) {
		if (strchr("*?[]\\", *p))
			text_add_char(&w->bytes, '\\');
		text_add_char(&w->bytes, *p);
	}
	text_add_str(&w->bytes, a);
	text_add_char(&w->bytes, '*');
	close_word(w);
}

const struct span *words_spans(struct words *w)
{
	size_t from = 0;

	for (size_t i = 0; i < w->n; i++) {
		w->spans[i] = (struct span){w->bytes.data + from, w->ends[i] - from};
		from = w->ends[i];
	}
	return w->spans;
}

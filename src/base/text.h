/*
 * text: a growing byte buffer. `data` is NUL-terminated behind `len` whenever it is not NULL;
 * bytes may be anything, NUL included. A zeroed struct is a valid empty text. The owner of the
 * struct owns `data`.
 */
#ifndef DROVER_BASE_TEXT_H
#define DROVER_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>

struct text {
	char *data;
	size_t len;
	size_t cap;
};

/* Bytes somebody else owns. */
struct span {
	const char *at;
	size_t len;
};

#define SPAN_LIT(s) ((struct span){(s), sizeof(s) - 1})

struct span span_of(const char *s); /* NULL is the empty span */
bool span_is(struct span a, const char *s);

void text_fini(struct text *t);	 /* frees; the text is empty and usable again */
void text_clear(struct text *t); /* empties, keeps the memory */
void text_reserve(struct text *t, size_t more);
void text_add(struct text *t, const char *bytes, size_t len);
void text_add_span(struct text *t, struct span s);
void text_add_str(struct text *t, const char *s);
void text_add_char(struct text *t, char c);
void text_add_int(struct text *t, long long n);
void text_addf(struct text *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void text_drop_front(struct text *t, size_t n); /* forgets the first n bytes */
char *text_take(struct text *t);		/* the bytes, now the caller's; the text is empty */

/* Appends `s` as a JSON string with its quotes. Bytes that are no UTF-8 become U+FFFD. */
void text_add_json(struct text *t, struct span s);

/* Appends `s` with every malformed byte replaced by U+FFFD. */
void text_add_utf8(struct text *t, struct span s);

/* Appends the base64 form (RFC 4648, with padding). */
void text_add_base64(struct text *t, struct span s);

/* Length in bytes (1 to 4) of the well-formed UTF-8 sequence at `p` (RFC 3629), 0 if none. */
size_t utf8_sequence(const char *p, size_t len);
bool utf8_valid(struct span s);

#endif

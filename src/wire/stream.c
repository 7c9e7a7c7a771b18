/* wire/stream: reads the questions of a child. In drover-items. Pure; every byte is a stranger's. */
#include "wire/stream.h"

#include <string.h>

/* The part before the first space; what stands behind that stays in `s`. */
static struct span cut_word(struct span *s)
{
	const char *space = s->len ? memchr(s->at, ' ', s->len) : NULL;
	struct span word = *s;

	if (!space) {
		*s = (struct span){"", 0};
		return word;
	}
	word.len = (size_t)(space - s->at);
	*s = (struct span){space + 1, s->len - word.len - 1};
	return word;
}

/* Digits alone, no sign, no space. */
static int parse_number(struct span s, int64_t *out)
{
	int64_t n = 0;

	if (s.len == 0)
		return -1;
	for (size_t i = 0; i < s.len; i++) {
		int digit = s.at[i] - '0';

		if (digit < 0 || digit > 9 || n > (INT64_MAX - digit) / 10)
			return -1;
		n = n * 10 + digit;
	}
	*out = n;
	return 0;
}

static int read_read(struct stream_question *q, struct span rest, struct err *err)
{
	struct span offset = cut_word(&rest);

	if (parse_number(offset, &q->offset) < 0 || parse_number(rest, &q->length) < 0)
		return err_set(err, "read: an offset and a length are due");
	if (q->length < 1 || q->length > STREAM_READ_MAX)
		return err_set(err, "read: 1 to %d bytes at a time", STREAM_READ_MAX);
	return 0;
}

static int read_next(struct stream_question *q, struct span rest, struct err *err)
{
	struct span count = cut_word(&rest);

	if (parse_number(count, &q->count) < 0)
		return err_set(err, "next: a number and a cursor are due");
	if (q->count < 1 || q->count > STREAM_NEXT_MAX)
		return err_set(err, "next: 1 to %d items at a time", STREAM_NEXT_MAX);
	q->cursor = rest;
	return 0;
}

static int read_word(struct stream_question *q, struct span rest, struct err *err)
{
	(void)q;
	return rest.len ? err_set(err, "nothing is due behind that word") : 0;
}

static const struct {
	const char *word;
	int (*read)(struct stream_question *q, struct span rest, struct err *err);
} QUESTIONS[] = {
	[STREAM_READ] = {"read", read_read},
	[STREAM_SIZE] = {"size", read_word},
	[STREAM_NEXT] = {"next", read_next},
	[STREAM_COUNT] = {"count", read_word},
};

int stream_question_parse(struct stream_question *out, struct span line, struct err *err)
{
	struct span rest = line, word = cut_word(&rest);

	*out = (struct stream_question){0};
	for (size_t i = 0; i < sizeof QUESTIONS / sizeof *QUESTIONS; i++)
		if (span_is(word, QUESTIONS[i].word)) {
			out->kind = (enum stream_question_kind)i;
			return QUESTIONS[i].read(out, rest, err);
		}
	return err_set(err, "no such question: read, size, next or count is due");
}

/* queue/entry: see entry.h. Pure. */
#include "queue/entry.h"

#include <string.h>

static bool next_word(struct span *rest, struct span *word)
{
	const char *blank = rest->len ? memchr(rest->at, ' ', rest->len) : NULL;

	if (blank == NULL)
		return false;
	*word = (struct span){rest->at, (size_t)(blank - rest->at)};
	rest->len -= word->len + 1;
	rest->at = blank + 1;
	return true;
}

static bool next_number(struct span *rest, int64_t *n)
{
	struct span word;

	if (!next_word(rest, &word) || word.len == 0 || word.len > 18)
		return false;
	*n = 0;
	for (size_t i = 0; i < word.len; i++) {
		if (word.at[i] < '0' || word.at[i] > '9')
			return false;
		*n = *n * 10 + (word.at[i] - '0');
	}
	return true;
}

/* "LEN BYTES ": the bytes may hold blanks themselves. */
static bool next_counted(struct span *rest, struct span *bytes)
{
	int64_t n;

	if (!next_number(rest, &n) || (uint64_t)n >= rest->len || rest->at[n] != ' ')
		return false;
	*bytes = (struct span){rest->at, (size_t)n};
	rest->at += n + 1;
	rest->len -= (size_t)n + 1;
	return true;
}

int entry_read(struct entry *e, struct span text, struct err *err)
{
	struct span mark;

	*e = (struct entry){0};
	e->payload = text;
	if (!next_word(&e->payload, &mark) || !next_number(&e->payload, &e->taken_at_ms) ||
		!next_word(&e->payload, &e->jid) || !next_counted(&e->payload, &e->worker) ||
		!next_counted(&e->payload, &e->queue))
		return err_set(err, "a lease entry that is none of ours");
	e->started = span_is(mark, "started");
	e->marked = span_is(mark, "marked");
	if (!e->started && !e->marked && !span_is(mark, "taken"))
		return err_set(err, "a lease entry with the mark \"%.*s\"", (int)mark.len, mark.at);
	return 0;
}

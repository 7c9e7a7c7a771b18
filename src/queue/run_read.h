/*
 * queue/run_read: what stands in Redis about runs, read and never changed. Answers as queue/ask.h
 * says.
 */
#ifndef DROVER_QUEUE_RUN_READ_H
#define DROVER_QUEUE_RUN_READ_H

#include "queue/inspect.h"

/* Jids, the last that changed first. */
int run_read_list(
	const struct inspect *in, int64_t from, int64_t n, struct texts *jids, struct err *err);

/* Pairs field, value: N:state, N:cursor .. for each part N. */
int run_read_parts(const struct inspect *in, struct span jid, struct texts *pairs, struct err *err);

/* Pairs item number, JSON. All of them. */
int run_read_errors(
	const struct inspect *in, struct span jid, struct texts *pairs, struct err *err);

/* "MS REASON" of a wish to pause it; one text, empty where there is none. */
int run_read_wish(const struct inspect *in, struct span jid, struct texts *wish, struct err *err);

/* A line of its output: id in the stream, part, text. */
struct run_line {
	struct span id, part, text;
};
typedef void run_line_fn(void *ctx, const struct run_line *line);

/*
 * Lines behind the one with the id `after` ("0": all), at most `n`. Where there is none yet, waits
 * for one, `block_ms` at most (0: not at all). Returns how many there were.
 */
int run_read_log(const struct inspect *in, struct span jid, const char *after, int64_t n,
	int64_t block_ms, run_line_fn *fn, void *ctx, struct err *err);

#endif

/*
 * output: what a job prints. Lines go into the log, at most so many a second; the tail is kept
 * for its failure record. Memory is had only when something is printed.
 */
#ifndef DROVER_SUPERVISOR_OUTPUT_H
#define DROVER_SUPERVISOR_OUTPUT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/text.h"

struct output {
	struct text tail;    /* the last bytes, at most twice keep_bytes and one */
	struct text partial; /* a line without its end yet */
	int64_t second;	     /* of the line budget below */
	int lines_this_second;
	int64_t bytes_this_second;
	int64_t suppressed;
	bool keeps;	  /* for the log of a run: */
	struct text kept; /* lines since they were taken last, each ended by a newline */
	size_t n_kept;
};

enum { OUTPUT_KEPT_MAX = 500, OUTPUT_KEPT_LINE_MAX = 4096 };

/* What was kept is taken: it is the caller's, *n lines of it. */
struct text output_take_kept(struct output *o, size_t *n);

void output_add(
	struct output *o, struct span bytes, size_t keep_bytes, struct span jid, int64_t now_ms);

/* The job is over: logs what is left, and how many lines were not. */
void output_end(struct output *o, struct span jid);

/* The last `keep_bytes`, from the beginning of a line where something was cut off. */
struct span output_tail(const struct output *o, size_t keep_bytes);
void output_fini(struct output *o);

#endif

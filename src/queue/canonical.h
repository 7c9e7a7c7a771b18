/*
 * queue/canonical: the text over which two jobs are the same. The scripts take its sha1, so that
 * whoever enqueues and whoever starts a job name the same lock. Pure.
 */
#ifndef DROVER_QUEUE_CANONICAL_H
#define DROVER_QUEUE_CANONICAL_H

#include "base/text.h"

/*
 * Appends a JSON text in its compact form with sorted keys; its very bytes where it holds what
 * jansson cannot keep (integers beyond 64 bits, lone surrogates, nesting too deep, no JSON).
 */
void canonical_add_json(struct text *out, struct span json);

/* Appends "CLASS NUL ARGS": what drover:unique:DIGEST is over. */
void canonical_add_job(struct text *out, struct span class_name, struct span args);

/* Appends "CLASS NUL QUEUE NUL ARGS": what a request id stands for. */
void canonical_add_request(
	struct text *out, struct span class_name, struct span queue, struct span args);

#endif

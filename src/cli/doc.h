/*
 * cli/doc: the one JSON document of --json, written from left to right. What is not known is
 * null. Pure.
 */
#ifndef DROVER_CLI_DOC_H
#define DROVER_CLI_DOC_H

#include <stdbool.h>
#include <stdint.h>

#include "base/text.h"

struct doc {
	struct text text;
	bool more; /* something stands before, at this level */
};

/* `name` is NULL for the members of an array and for the whole. `bracket` is one of { [ } ]. */
void doc_open(struct doc *d, const char *name, char bracket);
void doc_close(struct doc *d, char bracket);

void doc_text(struct doc *d, const char *name, struct span s); /* empty: null */
void doc_json(struct doc *d, const char *name, struct span s); /* JSON as it is; empty: null */
void doc_number(struct doc *d, const char *name, int64_t n);   /* below 0: null */
void doc_integer(struct doc *d, const char *name, int64_t n);
void doc_time(struct doc *d, const char *name, int64_t wall_ms); /* below 0: null */
void doc_bool(struct doc *d, const char *name, bool b);

#endif

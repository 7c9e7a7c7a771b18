/*
 * json_scan: checks a JSON text (RFC 8259, UTF-8, depth at most JSON_DEPTH_MAX) and tells where
 * the members of its outermost object stand. A payload's bytes are passed on as they came, so we
 * need places in the text and not a tree; jansson, used everywhere else, has none to give.
 */
#ifndef DROVER_BASE_JSON_SCAN_H
#define DROVER_BASE_JSON_SCAN_H

#include "base/err.h"
#include "base/text.h"

#define JSON_DEPTH_MAX 512

enum json_kind {
	JSON_KIND_OBJECT,
	JSON_KIND_ARRAY,
	JSON_KIND_STRING,
	JSON_KIND_NUMBER,
	JSON_KIND_TRUE,
	JSON_KIND_FALSE,
	JSON_KIND_NULL
};

/* One member of the outermost object: `key` without its quotes and not decoded, `value` whole. */
typedef void json_member_fn(void *ctx, struct span key, enum json_kind kind, struct span value);

/*
 * Reads all of `text`; calls `member` (may be NULL) for each member in order, also when a later
 * byte turns out bad. Returns the kind of the outermost value, or -1 with the byte and the reason.
 */
int json_scan(struct span text, json_member_fn *member, void *ctx, struct err *err);

/* Appends the text of a JSON string (its span with the quotes), decoded; a lone surrogate becomes U+FFFD. */
void json_add_decoded(struct text *out, struct span string);

#endif

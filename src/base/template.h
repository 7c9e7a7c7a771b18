/*
 * template: a text with placeholders for what a job was given, {args.N} and {args.NAME}, and for an
 * item of a collection, {item} and {item.NAME}. `{{` stands for a brace; all else, `}` too, is itself.
 * What a name stands for is for the caller to say: nothing here knows JSON. Pure.
 */
#ifndef DROVER_BASE_TEMPLATE_H
#define DROVER_BASE_TEMPLATE_H

#include "base/err.h"
#include "base/text.h"

#define TEMPLATE_ARGS	  1u
#define TEMPLATE_ITEM	  2u
#define TEMPLATE_NAME_MAX 256 /* bytes of a NAME */

/* Which of the two `text` has; what is malformed counts for none. */
unsigned template_kinds(struct span text);

/* -1 and a sentence, "has ...", where a placeholder is malformed or of a kind not in `allowed`. */
int template_check(const char *text, unsigned allowed, struct err *err);

/*
 * Appends the value of "args.0", "args.name", "item" or "item.name" to `out`, or says by -1 and a
 * sentence why it has none ("is missing"). Digits alone behind "args." are a number.
 */
typedef int template_lookup_fn(void *ctx, struct span name, struct text *out, struct err *err);

/*
 * Appends `text` with values for placeholders. -1 and nothing appended where one has no value, or
 * one that holds a NUL: what comes of a template is a path, a key or an argument.
 */
int template_expand(
	struct text *out, struct span text, template_lookup_fn *lookup, void *ctx, struct err *err);

/*
 * The same in two steps: here for all but those of the kinds in `left`. What is appended is a
 * template again, which template_expand must be given: braces in values are doubled.
 */
int template_expand_partly(struct text *out, struct span text, unsigned left,
	template_lookup_fn *lookup, void *ctx, struct err *err);

#endif

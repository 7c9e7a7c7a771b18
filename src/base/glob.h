/*
 * glob: matches a name against a pattern the way Ruby's File.fnmatch does without flags, because
 * Resque's queue lists are read so. It is not fnmatch(3): no character classes, no braces, a
 * leading dot must be asked for, '/' is a character like any other.
 */
#ifndef DROVER_BASE_GLOB_H
#define DROVER_BASE_GLOB_H

#include <stdbool.h>

#include "base/text.h"

/*
 * True where all of `name` matches all of `pattern`:
 *   *      any characters, none too    ?      one character (of UTF-8, or one stray byte)
 *   [a-c]  one of these                [!a]   [^a] one that is none of these
 *   \x     x itself
 * A set that is never closed, or holds nothing, matches nothing. Time grows at most with the
 * product of the two lengths.
 */
bool glob_match(struct span pattern, struct span name);

/* True where `s` holds one of * ? { } [ ]: what makes Resque take a queue list for patterns. */
bool glob_is_pattern(const char *s);

#endif

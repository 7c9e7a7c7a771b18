/*
 * conf/fault: what is wrong with a configuration, gathered while it is read and told in one go,
 * in the order of the files and their lines. Internal to conf.
 */
#ifndef DROVER_CONF_FAULT_H
#define DROVER_CONF_FAULT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/text.h"

struct conf_fault;

/* A zeroed struct holds none. */
struct conf_faults {
	struct conf_fault *list;
	size_t n, cap;
	size_t unsaid; /* those beyond the number that anybody reads */
};

/* `key` as it is to be shown, NULL: none; line 0: none in particular. */
void conf_fault_add(struct conf_faults *f, const char *file, unsigned line, const char *key,
	const char *fmt, ...) __attribute__((format(printf, 5, 6)));

/* Appends a line for each, "file:line: key: sentence\n", and forgets them. False if there was any. */
bool conf_fault_tell(struct conf_faults *f, struct text *out);

/*
 * Appends `s` in double quotes, in a form that YAML and JSON both read back to the same. It holds
 * no control character and no line break of any kind.
 */
void conf_quote(struct text *out, struct span s);

/* The same for a sentence: cut after about 60 bytes. */
void conf_quote_short(struct text *out, struct span s);

#endif

/*
 * cli/args: the words of a command line, sorted into options and the rest. Options may stand
 * anywhere; "--" ends them. Pure: it neither prints nor exits.
 */
#ifndef DROVER_CLI_ARGS_H
#define DROVER_CLI_ARGS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

enum args_kind {
	ARGS_FLAG,  /* --json */
	ARGS_VALUE, /* --queue NAME, --queue=NAME */
	ARGS_MAYBE, /* --wait, --wait=DURATION */
	ARGS_LATER  /* an option of a version to come: refused in these words */
};

/* A list of them ends with a NULL name. */
struct args_option {
	const char *name; /* with its dashes */
	enum args_kind kind;
	const char *value; /* what stands for its value in the help text */
	const char *help;
};

struct args_given {
	const char *name;
	const char *value; /* NULL: none */
};

/* A zeroed struct has nothing in it. Everything points into argv. */
struct args {
	const char **words;
	size_t n_words;
	struct args_given *given;
	size_t n_given;
};

/*
 * Reads argv[*at ..] until its NULL, or, if `until_word`, until behind the first word that is no
 * option. `a` and `b` (may be NULL) are the options that are known. -1 and a sentence otherwise.
 */
int args_parse(struct args *args, char *const *argv, size_t *at, bool until_word,
	const struct args_option *a, const struct args_option *b, struct err *err);
void args_fini(struct args *args);

bool args_has(const struct args *args, const char *name);
/* The value given last; NULL where there is none. */
const char *args_value(const struct args *args, const char *name);

/* Reads a whole number, 0 or more; -1 where the text is none. */
long long args_number(const char *text);

#endif

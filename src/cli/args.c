/* cli/args: see args.h. */
#include <stdlib.h>
#include <string.h>

#include "base/must.h"
#include "cli/args.h"

static const struct args_option *find_in(const struct args_option *o, const char *name, size_t len)
{
	for (; o && o->name; o++)
		if (strlen(o->name) == len && memcmp(o->name, name, len) == 0)
			return o;
	return NULL;
}

static void add_word(struct args *args, const char *word)
{
	args->words = must_realloc(args->words, (args->n_words + 1) * sizeof *args->words);
	args->words[args->n_words++] = word;
}

static void add_given(struct args *args, const char *name, const char *value)
{
	args->given = must_realloc(args->given, (args->n_given + 1) * sizeof *args->given);
	args->given[args->n_given++] = (struct args_given){.name = name, .value = value};
}

/* One option at argv[*at]; its value may be the word behind it. */
static int read_option(struct args *args, char *const *argv, size_t *at,
	const struct args_option *a, const struct args_option *b, struct err *err)
{
	const char *word = argv[*at], *value = NULL;
	const char *equals = strncmp(word, "--", 2) == 0 ? strchr(word, '=') : NULL;
	size_t len = equals ? (size_t)(equals - word) : strlen(word);
	const struct args_option *o = find_in(a, word, len);

	if (!o)
		o = find_in(b, word, len);
	if (!o)
		return err_set(err, "unknown option %.*s (words that begin with - go behind --)",
			(int)len, word);
	if (o->kind == ARGS_LATER)
		return err_set(err, "%s is not built yet", o->name);
	if (equals && o->kind == ARGS_FLAG)
		return err_set(err, "%s takes no value", o->name);
	if (equals)
		value = equals + 1;
	else if (o->kind == ARGS_VALUE)
		value = argv[++*at];
	if (o->kind == ARGS_VALUE && !value)
		return err_set(err, "%s needs a value: %s", o->name, o->value);
	add_given(args, o->name, value);
	return 0;
}

int args_parse(struct args *args, char *const *argv, size_t *at, bool until_word,
	const struct args_option *a, const struct args_option *b, struct err *err)
{
	bool options = true;

	for (; argv[*at]; ++*at) {
		const char *word = argv[*at];

		if (options && strcmp(word, "--") == 0) {
			options = false;
		} else if (options && word[0] == '-' && word[1]) {
			if (read_option(args, argv, at, a, b, err) < 0)
				return -1;
		} else {
			add_word(args, word);
			if (until_word) {
				++*at;
				break;
			}
		}
	}
	return 0;
}

void args_fini(struct args *args)
{
	free(args->words);
	free(args->given);
	*args = (struct args){0};
}

bool args_has(const struct args *args, const char *name)
{
	for (size_t i = 0; i < args->n_given; i++)
		if (strcmp(args->given[i].name, name) == 0)
			return true;
	return false;
}

const char *args_value(const struct args *args, const char *name)
{
	const char *value = NULL;

	for (size_t i = 0; i < args->n_given; i++)
		if (strcmp(args->given[i].name, name) == 0)
			value = args->given[i].value;
	return value;
}

long long args_number(const char *text)
{
	long long n = 0;
	size_t len = strlen(text);

	if (len == 0 || len > 12)
		return -1;
	for (const char *p = text; *p; p++) {
		if (*p < '0' || *p > '9')
			return -1;
		n = n * 10 + (*p - '0');
	}
	return n;
}

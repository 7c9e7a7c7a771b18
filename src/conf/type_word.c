/* conf/type_word: truth, and words to choose from; see type.h. Any process; pure. */
#include "conf/type.h"

#include <string.h>

static void allow_bool(const struct conf_key *k, struct text *out)
{
	(void)k;
	text_add_str(out, "true or false");
}

static bool read_bool(
	struct conf_reader *r, const struct conf_key *k, const struct conf_node *n, void *at)
{
	const char *s = conf_scalar(n);

	(void)r;
	(void)k;
	if (!s || !n->plain || (strcmp(s, "true") != 0 && strcmp(s, "false") != 0))
		return false;
	*(bool *)at = *s == 't';
	return true;
}

static void print_bool(const struct conf_key *k, const void *at, struct conf_printer *p)
{
	(void)k;
	text_add_str(p->out, *(const bool *)at ? "true" : "false");
}

const struct conf_type conf_type_bool = {
	.allow = allow_bool, .read = read_bool, .print = print_bool};

static void allow_choice(const struct conf_key *k, struct text *out)
{
	const char *const *words = k->more;

	for (size_t i = 0; words[i]; i++) {
		if (i > 0)
			text_add_str(out, words[i + 1] ? ", " : " or ");
		text_add_str(out, words[i]);
	}
}

static int find_word(const struct conf_key *k, const struct conf_node *n)
{
	const char *const *words = k->more;
	const char *s = conf_scalar(n);

	for (int i = 0; s && words[i]; i++)
		if (strcmp(words[i], s) == 0)
			return i;
	return -1;
}

static bool read_choice(
	struct conf_reader *r, const struct conf_key *k, const struct conf_node *n, void *at)
{
	int found = find_word(k, n);

	(void)r;
	if (found < 0)
		return false;
	memcpy(at, &found, sizeof found); /* some enum; all have the size of int here */
	return true;
}

static void print_choice(const struct conf_key *k, const void *at, struct conf_printer *p)
{
	const char *const *words = k->more;
	int value;

	memcpy(&value, at, sizeof value);
	text_add_str(p->out, words[value]);
}

const struct conf_type conf_type_choice = {
	.allow = allow_choice, .read = read_choice, .print = print_choice};

static bool read_either(
	struct conf_reader *r, const struct conf_key *k, const struct conf_node *n, void *at)
{
	int found = find_word(k, n);

	(void)r;
	if (found < 0)
		return false;
	*(bool *)at = found == 1;
	return true;
}

static void print_either(const struct conf_key *k, const void *at, struct conf_printer *p)
{
	const char *const *words = k->more;

	text_add_str(p->out, words[*(const bool *)at]);
}

const struct conf_type conf_type_either = {
	.allow = allow_choice, .read = read_either, .print = print_either};

/*
 * conf/section: goes through the keys of a map by their rows, once for each thing that is done
 * with keys; see type.h. Any process; pure.
 */
#include "conf/type.h"

#include <stdlib.h>
#include <string.h>

#include "base/must.h"

#define LONGEST_GUESS 32

static void *place_in(const struct conf_key *k, void *base)
{
	return (char *)base + k->offset;
}

static const struct conf_key *find_key(const struct conf_key *keys, const char *name)
{
	for (; keys->name; keys++)
		if (strcmp(keys->name, name) == 0)
			return keys;
	return NULL;
}

static bool is_in(const char *const *also, const char *name)
{
	for (; also && *also; also++)
		if (strcmp(*also, name) == 0)
			return true;
	return false;
}

/* Letters to add, drop or change to make one of the other; both are short. */
static size_t distance(const char *a, const char *b)
{
	size_t row[LONGEST_GUESS + 1], n = strlen(b);

	for (size_t j = 0; j <= n; j++)
		row[j] = j;
	for (size_t i = 0; a[i]; i++) {
		size_t diagonal = row[0];

		row[0] = i + 1;
		for (size_t j = 0; j < n; j++) {
			size_t best = diagonal + (a[i] != b[j]);

			diagonal = row[j + 1];
			if (row[j] + 1 < best)
				best = row[j] + 1;
			if (row[j + 1] + 1 < best)
				best = row[j + 1] + 1;
			row[j + 1] = best;
		}
	}
	return row[n];
}

static void guess(const char *name, const char *candidate, const char **best, size_t *least)
{
	size_t d;

	if (strlen(name) > LONGEST_GUESS || strlen(candidate) > LONGEST_GUESS)
		return;
	d = distance(name, candidate);
	if (d < *least && d < strlen(candidate)) {
		*least = d;
		*best = candidate;
	}
}

static void add_word(struct text *out, const char *word, bool first)
{
	text_add_str(out, first ? "" : ", ");
	text_add_str(out, word);
}

static void say_unknown(struct conf_reader *r, const struct conf_key *keys, const char *const *also,
	const struct conf_node *n)
{
	struct text allowed = {0};
	const char *best = NULL;
	size_t least = 3;
	bool first = true;

	for (; also && *also; also++, first = false) {
		guess(n->key, *also, &best, &least);
		add_word(&allowed, *also, first);
	}
	for (; keys->name; keys++) {
		guess(n->key, keys->name, &best, &least);
		add_word(&allowed, keys->name, first);
		first = false;
	}
	conf_node_fault(r->faults, n, "is an unknown key%s%s%s, allowed are %s",
		best ? " (did you mean " : "", best ? best : "", best ? "?)" : "",
		allowed.data ? allowed.data : "none");
	text_fini(&allowed);
}

bool conf_section_check(struct conf_reader *r, const struct conf_key *keys, const char *const *also,
	const struct conf_node *map)
{
	struct text what = {0};

	if (map->kind == CONF_NODE_BROKEN || conf_node_is_null(map))
		return false;
	if (map->kind != CONF_NODE_MAP) {
		conf_node_say(&what, map);
		conf_node_fault(r->faults, map, "is %s, allowed is a map", what.data);
		text_fini(&what);
		return false;
	}
	for (size_t i = 0; i < map->n; i++)
		if (!find_key(keys, map->items[i]->key) && !is_in(also, map->items[i]->key))
			say_unknown(r, keys, also, map->items[i]);
	return true;
}

void conf_key_read(
	struct conf_reader *r, const struct conf_key *k, const struct conf_node *n, void *base)
{
	struct text what = {0}, allowed = {0};

	if (n->kind == CONF_NODE_BROKEN)
		return;
	if (k->type->read(r, k, n, place_in(k, base)))
		return;
	if ((k->flags & CONF_KEY_SECRET) && conf_scalar(n))
		text_add_str(&what, "no such URL"); /* it may hold a password */
	else
		conf_node_say(&what, n);
	k->type->allow(k, &allowed);
	conf_node_fault(r->faults, n, "is %s, allowed is %s", what.data, allowed.data);
	text_fini(&what);
	text_fini(&allowed);
}

void conf_section_read(struct conf_reader *r, const struct conf_key *keys, const char *const *also,
	const struct conf_node *map, void *base)
{
	if (!conf_section_check(r, keys, also, map))
		return;
	for (size_t i = 0; i < map->n; i++) {
		const struct conf_key *k = find_key(keys, map->items[i]->key);

		if (k)
			conf_key_read(r, k, map->items[i], base);
	}
}

static void add_names(struct text *out, const struct conf_key *keys)
{
	for (const struct conf_key *k = keys; k->name; k++) {
		if (k > keys)
			text_add_str(out, k[1].name ? ", " : " and ");
		text_add_str(out, k->name);
	}
}

const struct conf_key *conf_section_choose(
	struct conf_reader *r, const struct conf_key *keys, const struct conf_node *map, void *base)
{
	const struct conf_key *chosen = NULL;
	struct text names = {0};

	add_names(&names, keys);
	for (size_t i = 0; i < map->n; i++) {
		const struct conf_key *k = find_key(keys, map->items[i]->key);

		if (k && chosen)
			conf_node_fault(r->faults, map->items[i],
				"is one beside %s, allowed is exactly one of %s", chosen->name,
				names.data);
		if (!k || chosen)
			continue;
		chosen = k;
		conf_key_read(r, k, map->items[i], base);
	}
	if (!chosen)
		conf_node_fault(r->faults, map, "has no collection, allowed is exactly one of %s",
			names.data);
	text_fini(&names);
	return chosen;
}

void conf_section_own(const struct conf_key *keys, void *base)
{
	for (; keys->name; keys++)
		if (keys->type->own)
			keys->type->own(keys, place_in(keys, base));
}

void conf_section_fini(const struct conf_key *keys, void *base)
{
	for (; keys->name; keys++)
		if (keys->type->fini)
			keys->type->fini(keys, place_in(keys, base));
}

void conf_key_print(const struct conf_key *k, const void *base, struct conf_printer *p)
{
	k->type->print(k, (const char *)base + k->offset, p);
}

/* -- a section within a section: log, backoff -- */

static void allow_section(const struct conf_key *k, struct text *out)
{
	(void)k;
	text_add_str(out, "a map");
}

static bool read_section(
	struct conf_reader *r, const struct conf_key *k, const struct conf_node *n, void *at)
{
	conf_section_read(r, k->more, NULL, n, at);
	return true;
}

static void print_section(const struct conf_key *k, const void *at, struct conf_printer *p)
{
	const char *before = "{";

	for (const struct conf_key *inner = k->more; inner->name; inner++) {
		text_addf(p->out, "%s%s: ", before, inner->name);
		conf_key_print(inner, at, p);
		before = ", ";
	}
	text_add_char(p->out, '}');
}

static void own_section(const struct conf_key *k, void *at)
{
	conf_section_own(k->more, at);
}

static void fini_section(const struct conf_key *k, void *at)
{
	conf_section_fini(k->more, at);
}

const struct conf_type conf_type_section = {.allow = allow_section,
	.read = read_section,
	.print = print_section,
	.own = own_section,
	.fini = fini_section};

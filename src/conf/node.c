/* conf/node: the tree, once it is there; see node.h. yaml.c makes it. Any process; no I/O. */
#include "conf/node.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/must.h"

void conf_node_free(struct conf_node *n)
{
	if (!n)
		return;
	for (size_t i = 0; i < n->n; i++)
		conf_node_free(n->items[i]);
	free(n->items);
	free(n->key);
	free(n->text);
	free(n);
}

const struct conf_node *conf_node_get(const struct conf_node *map, const char *key)
{
	if (!map || map->kind != CONF_NODE_MAP)
		return NULL;
	for (size_t i = 0; i < map->n; i++)
		if (strcmp(map->items[i]->key, key) == 0)
			return map->items[i];
	return NULL;
}

bool conf_node_is_null(const struct conf_node *n)
{
	return n->kind == CONF_NODE_SCALAR && n->plain &&
	       (*n->text == '\0' || strcmp(n->text, "~") == 0 || strcmp(n->text, "null") == 0);
}

static size_t index_of(const struct conf_node *n)
{
	size_t i = 0;

	while (n->parent->items[i] != n)
		i++;
	return i;
}

static void add_key(struct text *out, const char *key)
{
	for (const char *p = key; *p || p == key; p++) {
		if (*p && (isalnum((unsigned char)*p) || strchr("_-:*?/", *p)))
			continue;
		conf_quote_short(out, span_of(key));
		return;
	}
	text_add_str(out, key);
}

void conf_node_add_path(struct text *out, const struct conf_node *n)
{
	if (!n->parent) {
		text_add_str(out, "top level");
		return;
	}
	if (n->parent->parent)
		conf_node_add_path(out, n->parent);
	if (!n->key) {
		text_addf(out, "[%zu]", index_of(n));
		return;
	}
	if (n->parent->parent)
		text_add_char(out, '.');
	add_key(out, n->key);
}

void conf_node_fault(struct conf_faults *f, const struct conf_node *n, const char *fmt, ...)
{
	struct text path = {0};
	char *sentence;
	va_list ap;

	if (n->kind == CONF_NODE_BROKEN)
		return;
	va_start(ap, fmt);
	must(vasprintf(&sentence, fmt, ap) >= 0);
	va_end(ap);
	conf_node_add_path(&path, n);
	conf_fault_add(f, n->file, n->line, path.data, "%s", sentence);
	free(sentence);
	text_fini(&path);
}

void conf_node_say(struct text *out, const struct conf_node *n)
{
	if (n->kind == CONF_NODE_LIST)
		text_add_str(out, n->n > 0 ? "a list" : "an empty list");
	else if (n->kind == CONF_NODE_MAP)
		text_add_str(out, n->n > 0 ? "a map" : "an empty map");
	else if (conf_node_is_null(n))
		text_add_str(out, "empty");
	else
		conf_quote_short(out, span_of(n->text));
}

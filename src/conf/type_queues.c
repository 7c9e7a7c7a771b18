/* conf/type_queues: the queues of a pool, a list or a map of weights; see type.h. Pure. */
#include "conf/type.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/must.h"
#include "conf/conf.h"

#define MOST_QUEUES   1000
#define MOST_WEIGHT   1000
#define LONGEST_QUEUE 256

static void allow_queues(const struct conf_key *k, struct text *out)
{
	(void)k;
	text_add_str(out,
		"a list such as [critical, default, \"mail_*\", \"!mail_bulk\"], or with "
		"order: weighted a map such as {urgent: 5, bulk: 1}; at least one queue to "
		"search, at most 1000");
}

/* A comma would make two of it in Resque's worker ids, and Resque would trim blanks away. */
static bool check_queue(struct conf_reader *r, const struct conf_node *n, const char *name)
{
	size_t len = name ? strlen(name) : 0;

	if (len == 0 || len > LONGEST_QUEUE || isspace((unsigned char)*name) ||
		isspace((unsigned char)name[len - 1]) || strchr(name, ',') ||
		strcmp(name, "!") == 0) {
		conf_node_fault(r->faults, n,
			"is no name of a queue, allowed are texts of 1 to 256 bytes without commas "
			"and "
			"without blanks around");
		return false;
	}
	return true;
}

static void fini_queues(const struct conf_key *k, void *at)
{
	struct conf_pool *pool = at;

	(void)k;
	conf_list_free(pool->queues);
	free(pool->weights);
	pool->queues = NULL;
	pool->weights = NULL;
	pool->n_queues = 0;
}

static void read_list(struct conf_reader *r, const struct conf_node *n, struct conf_pool *pool)
{
	for (size_t i = 0; i < n->n; i++)
		if (check_queue(r, n->items[i], conf_scalar(n->items[i])))
			pool->queues[pool->n_queues++] = must_strdup(n->items[i]->text);
}

static void read_map(struct conf_reader *r, const struct conf_node *n, struct conf_pool *pool)
{
	static const struct conf_key weight = {
		"weight", &conf_type_int, 0, 1, MOST_WEIGHT, 0, NULL};

	pool->weights = must_alloc((n->n + 1) * sizeof(int));
	for (size_t i = 0; i < n->n; i++) {
		const struct conf_node *item = n->items[i];

		if (!check_queue(r, item, item->key))
			continue;
		if (*item->key == '!')
			conf_node_fault(r->faults, item,
				"is an exclusion with a weight, allowed is one in a list without "
				"weights");
		conf_key_read(r, &weight, item, &pool->weights[pool->n_queues]);
		pool->queues[pool->n_queues++] = must_strdup(item->key);
	}
}

/* Exclusions alone leave nothing to search. */
static bool has_queue(const struct conf_node *n)
{
	for (size_t i = 0; i < n->n; i++) {
		const struct conf_node *item = n->items[i];
		const char *name = item->key ? item->key : item->text;

		if (item->kind == CONF_NODE_BROKEN || (name && *name != '!'))
			return true;
	}
	return false;
}

static bool read_queues(
	struct conf_reader *r, const struct conf_key *k, const struct conf_node *n, void *at)
{
	struct conf_pool *pool = at;

	fini_queues(k, at);
	if ((n->kind != CONF_NODE_LIST && n->kind != CONF_NODE_MAP) || n->n > MOST_QUEUES)
		return false;
	if (!has_queue(n)) {
		conf_node_fault(r->faults, n,
			"has no queue to search, allowed is at least one besides exclusions");
		return true;
	}
	pool->queues = must_alloc((n->n + 1) * sizeof(char *));
	if (n->kind == CONF_NODE_MAP)
		read_map(r, n, pool);
	else
		read_list(r, n, pool);
	return true;
}

static void print_queues(const struct conf_key *k, const void *at, struct conf_printer *p)
{
	const struct conf_pool *pool = at;

	(void)k;
	text_add_char(p->out, pool->weights ? '{' : '[');
	for (size_t i = 0; i < pool->n_queues; i++) {
		text_add_str(p->out, i > 0 ? ", " : "");
		conf_print_text(p->out, pool->queues[i]);
		if (pool->weights)
			text_addf(p->out, ": %d", pool->weights[i]);
	}
	text_add_char(p->out, pool->weights ? '}' : ']');
}

const struct conf_type conf_type_queues = {
	.allow = allow_queues, .read = read_queues, .print = print_queues, .fini = fini_queues};

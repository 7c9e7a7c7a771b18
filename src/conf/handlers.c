/*
 * conf/handlers: what performs the jobs of an entry, or the items of its collection, and what may
 * stand beside it. Any process; no I/O.
 */
#include "conf/load.h"

#include <inttypes.h>

#include "conf/keys.h"

#define ONE_OF	    "allowed is exactly one of command, function and each"
#define ONE_OF_ITEM "allowed beside each is exactly one of filter and function"

struct given {
	const struct conf_node *command, *function, *each, *filter; /* NULL: not */
};

static void check_plain(struct conf_loader *l, const struct conf_node *n, const struct given *g)
{
	if (g->filter)
		conf_node_fault(&l->faults, g->filter,
			"performs items and there are none, allowed is it beside each alone");
	if (g->command && g->function)
		conf_node_fault(&l->faults, g->function, "is a second handler, " ONE_OF);
	else if (!g->command && !g->function && !g->filter &&
		 (n->kind == CONF_NODE_MAP || conf_node_is_null(n)))
		conf_node_fault(&l->faults, n, "has no handler, " ONE_OF);
	for (const struct conf_key *k = conf_keys_class; k->name; k++)
		if ((k->flags & CONF_KEY_EACH) && conf_node_get(n, k->name))
			conf_node_fault(&l->faults, conf_node_get(n, k->name),
				"is for iterating jobs, allowed is it beside each alone");
}

static void check_iterating(struct conf_loader *l, const struct given *g)
{
	if (g->command)
		conf_node_fault(&l->faults, g->command, "is a second handler, " ONE_OF_ITEM);
	else if (!g->filter && !g->function)
		conf_node_fault(
			&l->faults, g->each, "has nothing to perform its items, " ONE_OF_ITEM);
	if (g->filter && g->function)
		conf_node_fault(&l->faults, g->function, "is a second handler, " ONE_OF_ITEM);
}

/* -- what an iterating job cannot be -- */

/* What `defaults` says is told at the collection: that is where it does not fit. */
static void check_parallel(struct conf_loader *l, const struct conf_node *n, const struct given *g,
	const struct conf_class *class)
{
	const struct conf_node *own = conf_node_get(n, "parallel");

	if (class->each.kind == CONF_EACH_NONE || class->parallel <= 1 ||
		conf_each_can_be_divided(&class->each))
		return;
	if (own)
		conf_node_fault(&l->faults, own,
			"is above 1, but the collection cannot be divided, allowed is 1");
	else
		conf_node_fault(&l->faults, g->each,
			"cannot be divided into the %" PRId64
			" parts of defaults, allowed is parallel: 1 beside it",
			class->parallel);
}

/* An item that was cut off is performed again: its cursor is behind the last one that ended. */
static void check_delivery(struct conf_loader *l, const struct conf_node *n, const struct given *g,
	const struct conf_class *class)
{
	const struct conf_node *own = conf_node_get(n, "delivery");

	if (class->at_most_once)
		conf_node_fault(&l->faults, own ? own : g->each,
			"is at-most-once%s, allowed for an iterating job is delivery: "
			"at-least-once",
			own ? "" : " by defaults");
}

/* `defaults` may well say it for the functions that perform whole jobs. */
static void check_reuse(struct conf_loader *l, const struct conf_node *n, struct conf_class *class)
{
	const struct conf_node *own = conf_node_get(n, "reuse");

	if (own && class->reuse > 1)
		conf_node_fault(
			&l->faults, own, "is above 1, allowed for an iterating job is reuse: 1");
	class->reuse = 1;
}

static void check_window(
	struct conf_loader *l, const struct conf_node *n, const struct conf_class *class)
{
	const struct conf_node *from = conf_node_get(n, "from"), *to = conf_node_get(n, "to");
	bool down = class->each.kind == CONF_EACH_RANGE && class->each.step < 0;

	if ((!from && !to) || down || class->from == CONF_NONE || class->to == CONF_NONE ||
		class->from <= class->to)
		return;
	if (to)
		conf_node_fault(&l->faults, to, "is before from, allowed is %" PRId64 " or more",
			class->from);
	else
		conf_node_fault(&l->faults, from, "is behind to, allowed is %" PRId64 " or less",
			class->to);
}

void conf_handlers_read(struct conf_loader *l, const struct conf_node *n, struct conf_class *class)
{
	struct given g = {.command = conf_node_get(n, "command"),
		.function = conf_node_get(n, "function"),
		.each = conf_node_get(n, "each"),
		.filter = conf_node_get(n, "filter")};

	for (const struct conf_key *k = conf_keys_handler; k->name; k++)
		if (conf_node_get(n, k->name))
			conf_key_read(&l->reader, k, conf_node_get(n, k->name), class);
	if (!g.each) {
		check_plain(l, n, &g);
		class->handler = class->command	   ? CONF_HANDLER_COMMAND
				 : class->function ? CONF_HANDLER_FUNCTION
						   : CONF_HANDLER_NONE;
		return;
	}
	check_iterating(l, &g);
	check_parallel(l, n, &g, class);
	check_delivery(l, n, &g, class);
	check_reuse(l, n, class);
	check_window(l, n, class);
	class->handler = CONF_HANDLER_EACH;
}

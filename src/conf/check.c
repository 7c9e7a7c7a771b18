/* conf/check: what no single key can tell. Any process; no I/O. */
#include "conf/load.h"

#include <string.h>

#include "base/units.h"

static const struct conf_node *find(
	const struct conf_loader *l, const char *section, const char *key)
{
	return conf_node_get(conf_node_get(l->trees[0], section), key);
}

static void check_lease(struct conf_loader *l)
{
	struct conf_redis *redis = &l->conf->redis;
	struct conf_supervisor *s = &l->conf->supervisor;
	const struct conf_node *flush = find(l, "supervisor", "flush");
	const struct conf_node *command_timeout = find(l, "redis", "command_timeout");
	int64_t third = s->lease_ms / 3;
	char text[32];

	if (flush && s->flush_ms > s->lease_ms)
		conf_node_fault(&l->faults, flush, "is above the lease, allowed is at most %s",
			units_format_duration(s->lease_ms, text));
	if (redis->command_timeout_ms == 0)
		redis->command_timeout_ms = third;
	else if (command_timeout && redis->command_timeout_ms > third)
		conf_node_fault(&l->faults, command_timeout,
			"is above a third of supervisor.lease, allowed is at most %s",
			units_format_duration(third, text));
}

static void check_certificate(struct conf_loader *l)
{
	const struct conf_redis *redis = &l->conf->redis;
	const struct conf_node *alone = NULL;

	if (!redis->cert_file != !redis->key_file)
		alone = find(l, "redis", redis->cert_file ? "cert_file" : "key_file");
	if (alone)
		conf_node_fault(&l->faults, alone,
			"stands alone, allowed are cert_file and key_file together");
}

static void check_backoff(
	struct conf_loader *l, const struct conf_node *n, const struct conf_backoff *backoff)
{
	char text[32];

	if (n && backoff->max_ms < backoff->first_ms)
		conf_node_fault(&l->faults, n, "has a max below its first, allowed is from %s on",
			units_format_duration(backoff->first_ms, text));
}

/* An entry that has no backoff of its own has that of `defaults`, of which enough is said there. */
static void check_backoffs(struct conf_loader *l)
{
	const struct conf *c = l->conf;

	check_backoff(l, find(l, "defaults", "backoff"), &c->defaults.backoff);
	check_backoff(l, find(l, "defaults", "item_backoff"), &c->defaults.item_backoff);
	for (size_t i = 0; i < c->n_classes; i++) {
		const struct conf_class *class = &c->classes[i];

		check_backoff(l, conf_node_get(l->classes[i], "backoff"), &class->backoff);
		check_backoff(
			l, conf_node_get(l->classes[i], "item_backoff"), &class->item_backoff);
	}
}

static void check_functions(struct conf_loader *l)
{
	const struct conf *c = l->conf;

	bool cut = l->n_modules > 0;

	for (size_t i = 0; i < l->n_trees; i++)
		cut = cut || !l->trees[i] || l->trees[i]->cut;
	if (cut)
		return; /* there are modules, or may be */
	for (size_t i = 0; i < c->n_classes; i++)
		if (c->classes[i].function)
			conf_node_fault(&l->faults, conf_node_get(l->classes[i], "function"),
				"is in no module, allowed are functions once `modules` names a "
				"file");
}

/* A collection's Redis is waited for as long as ours. */
static void settle_collections(struct conf *c)
{
	for (size_t i = 0; i < c->n_classes; i++)
		for (struct conf_each *each = &c->classes[i].each; each; each = each->inner) {
			if (!each->redis)
				continue;
			each->redis->connect_timeout_ms = c->redis.connect_timeout_ms;
			each->redis->command_timeout_ms = c->redis.command_timeout_ms;
		}
}

void conf_check_all(struct conf_loader *l)
{
	check_lease(l);
	check_certificate(l);
	check_backoffs(l);
	check_functions(l);
	settle_collections(l->conf);
}

bool conf_check_supervisor(const struct conf *c, struct text *faults)
{
	if (c->n_pools > 0)
		return true;
	text_addf(faults,
		"%s: pools: is empty, allowed is at least one pool such as "
		"general: {workers: 4, queues: [default]}\n",
		c->path);
	return false;
}

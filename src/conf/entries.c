/*
 * conf/entries: pools, jobs, modules and schedules, which the main file and those it includes add up. Any
 * process; no I/O.
 */
#include "conf/load.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/must.h"
#include "conf/keys.h"

#define MOST_POOLS     256
#define MOST_CLASSES   10000
#define MOST_MODULES   256
#define MOST_SCHEDULES 10000
#define LONGEST_POOL   64

/* A twin in the same file has been found by the parser, so only other files are asked. */
static bool is_twin(struct conf_loader *l, const struct conf_node *const *nodes, size_t n,
	const struct conf_node *new, bool by_text)
{
	for (size_t i = 0; i < n; i++) {
		const struct conf_node *old = nodes[i];

		if (old->file == new->file && !by_text)
			continue;
		if (strcmp(by_text ? old->text : old->key, by_text ? new->text : new->key) != 0)
			continue;
		conf_node_fault(&l->faults, new,
			"is given twice, allowed is once; the other is at %s:%u", old->file,
			old->line);
		return true;
	}
	return false;
}

static bool has_room(struct conf_loader *l, const struct conf_node *n, size_t have, size_t most)
{
	if (have < most)
		return true;
	conf_node_fault(&l->faults, n, "is one too many, allowed are %zu", most);
	return false;
}

/* Room for one more; grows at powers of two. */
static void *grow(void *array, size_t n, size_t size)
{
	return n == 0 || (n & (n - 1)) == 0 ? must_realloc(array, (n ? n * 2 : 1) * size) : array;
}

/* -- pools -- */

static void check_pool_name(struct conf_loader *l, const struct conf_node *n)
{
	bool valid = strlen(n->key) <= LONGEST_POOL;

	for (const char *p = n->key; valid && *p; p++)
		valid = isalnum((unsigned char)*p) || strchr("_.-", *p);
	if (!valid)
		conf_node_fault(&l->faults, n,
			"is no name of a pool, allowed are 1 to 64 of A-Z a-z 0-9 _ . -");
}

static void check_pool(
	struct conf_loader *l, const struct conf_node *n, const struct conf_pool *pool)
{
	const struct conf_node *queues = conf_node_get(n, "queues");

	if (n->kind != CONF_NODE_MAP && !conf_node_is_null(n))
		return;
	if (!queues)
		conf_node_fault(&l->faults, n, "has no queues, allowed is queues: [NAME, ...]");
	else if (queues->kind == CONF_NODE_MAP && !pool->weighted)
		conf_node_fault(&l->faults, queues,
			"has weights, allowed are weights with order: weighted only");
	else if (queues->kind == CONF_NODE_LIST && pool->weighted)
		conf_node_fault(&l->faults, queues,
			"has no weights, allowed is a map such as {urgent: 5, bulk: 1} with order: "
			"weighted");
}

static void read_pool(struct conf_loader *l, const struct conf_node *n)
{
	struct conf *c = l->conf;
	struct conf_pool *pool;

	if (is_twin(l, l->pools, c->n_pools, n, false) || !has_room(l, n, c->n_pools, MOST_POOLS))
		return;
	check_pool_name(l, n);
	l->pools = grow(l->pools, c->n_pools, sizeof *l->pools);
	c->pools = grow(c->pools, c->n_pools, sizeof *c->pools);
	l->pools[c->n_pools] = n;
	pool = &c->pools[c->n_pools++];
	*pool = (struct conf_pool){.name = must_strdup(n->key), .workers = 1};
	conf_section_read(&l->reader, conf_keys_pool, NULL, n, pool);
	check_pool(l, n, pool);
}

static bool is_map(struct conf_loader *l, const struct conf_node *n, const char *example)
{
	if (n->kind == CONF_NODE_MAP)
		return true;
	if (!conf_node_is_null(n))
		conf_node_fault(&l->faults, n, "is no map, allowed is a map such as %s", example);
	return false;
}

void conf_entries_read_pools(struct conf_loader *l, const struct conf_node *map)
{
	if (!is_map(l, map, "general: {workers: 4, queues: [default]}"))
		return;
	for (size_t i = 0; i < map->n; i++)
		read_pool(l, map->items[i]);
}

/* -- jobs -- */

static const char *const HANDLERS[] = {"command", "function", "each", "filter", NULL};

static void read_job(struct conf_loader *l, const struct conf_node *n)
{
	struct conf *c = l->conf;
	struct conf_class *class;

	if (is_twin(l, l->classes, c->n_classes, n, false) ||
		!has_room(l, n, c->n_classes, MOST_CLASSES))
		return;
	l->classes = grow(l->classes, c->n_classes, sizeof *l->classes);
	c->classes = grow(c->classes, c->n_classes, sizeof *c->classes);
	l->classes[c->n_classes] = n;
	class = &c->classes[c->n_classes++];
	*class = c->defaults;
	conf_section_own(conf_keys_class, class);
	class->name = must_strdup(n->key);
	conf_section_read(&l->reader, conf_keys_class, HANDLERS, n, class);
	conf_handlers_read(l, n, class);
}

void conf_entries_read_jobs(struct conf_loader *l, const struct conf_node *map)
{
	if (!is_map(l, map, "WelcomeEmail: {command: [/srv/app/bin/welcome]}"))
		return;
	for (size_t i = 0; i < map->n; i++)
		read_job(l, map->items[i]);
}

/* -- modules -- */

static void read_module(struct conf_loader *l, const struct conf_node *n)
{
	struct conf *c = l->conf;
	const char *path = conf_scalar(n);

	/* Without a slash the dynamic loader would look in folders of its own. */
	if (!path || !strchr(path, '/')) {
		conf_node_fault(&l->faults, n,
			"is no path with a / in it, allowed is the path of a shared object");
		return;
	}
	if (is_twin(l, l->modules, l->n_modules, n, true) ||
		!has_room(l, n, l->n_modules, MOST_MODULES))
		return;
	l->modules = grow(l->modules, l->n_modules, sizeof *l->modules);
	l->modules[l->n_modules++] = n;
	c->modules = must_realloc(c->modules, (l->n_modules + 1) * sizeof(char *));
	c->modules[l->n_modules - 1] = must_strdup(path);
	c->modules[l->n_modules] = NULL;
}

void conf_entries_read_modules(struct conf_loader *l, const struct conf_node *list)
{
	if (list->kind != CONF_NODE_LIST) {
		if (!conf_node_is_null(list))
			conf_node_fault(&l->faults, list,
				"is no list, allowed is a list of paths of shared objects");
		return;
	}
	for (size_t i = 0; i < list->n; i++)
		read_module(l, list->items[i]);
}

/* -- schedule -- */

static void check_schedule(
	struct conf_loader *l, const struct conf_node *n, struct conf_schedule *schedule)
{
	const struct conf_node *timezone = conf_node_get(n, "timezone");
	const char *inside = schedule->cron.zone; /* the text: it has been found to be there */
	struct err err;

	if (n->kind != CONF_NODE_MAP && !conf_node_is_null(n))
		return;
	if (!conf_node_get(n, "cron"))
		conf_node_fault(&l->faults, n, "has no cron, allowed is cron: \"*/15 * * * *\"");
	if (!conf_node_get(n, "class"))
		conf_node_fault(&l->faults, n, "has no class, allowed is class: NAME");
	if (!*inside || !schedule->zone)
		return;
	if (!timezone)
		must(conf_schedule_set_zone(schedule, inside, &err));
	else if (strcmp(inside, schedule->timezone) != 0)
		conf_node_fault(&l->faults, timezone,
			"is not the zone that stands in cron, allowed is one of the two");
}

static void read_schedule(struct conf_loader *l, const struct conf_node *n)
{
	struct conf *c = l->conf;
	struct conf_schedule *schedule;
	struct err err;

	if (is_twin(l, l->schedules, c->n_schedules, n, false) ||
		!has_room(l, n, c->n_schedules, MOST_SCHEDULES))
		return;
	l->schedules = grow(l->schedules, c->n_schedules, sizeof *l->schedules);
	c->schedules = grow(c->schedules, c->n_schedules, sizeof *c->schedules);
	l->schedules[c->n_schedules] = n;
	schedule = &c->schedules[c->n_schedules++];
	*schedule = (struct conf_schedule){
		.name = must_strdup(n->key),
		.queue = must_strdup("default"),
		.args_json = must_strdup("[]"),
	};
	must(conf_schedule_set_zone(schedule, "UTC", &err));
	conf_section_read(&l->reader, conf_keys_schedule, NULL, n, schedule);
	check_schedule(l, n, schedule);
}

void conf_entries_read_schedule(struct conf_loader *l, const struct conf_node *map)
{
	if (!is_map(l, map, "nightly: {cron: \"0 3 * * *\", class: Nightly}"))
		return;
	for (size_t i = 0; i < map->n; i++)
		read_schedule(l, map->items[i]);
}

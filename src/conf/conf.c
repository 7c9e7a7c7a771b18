/* conf: its life, and questions to it; see conf.h. Any process that has a configuration. */
#include "conf/conf.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/glob.h"
#include "base/must.h"
#include "conf/keys.h"

struct conf *conf_ref(struct conf *c)
{
	c->refs++;
	return c;
}

static void fini_class(struct conf_class *class)
{
	conf_section_fini(conf_keys_class, class);
	conf_section_fini(conf_keys_handler, class);
	free(class->name);
}

void conf_unref(struct conf *c)
{
	if (!c)
		return;
	must(c->refs > 0);
	if (--c->refs > 0)
		return;
	conf_section_fini(conf_keys_redis, &c->redis);
	conf_section_fini(conf_keys_supervisor, &c->supervisor);
	for (size_t i = 0; i < c->n_pools; i++) {
		conf_section_fini(conf_keys_pool, &c->pools[i]);
		free(c->pools[i].name);
	}
	fini_class(&c->defaults);
	for (size_t i = 0; i < c->n_classes; i++)
		fini_class(&c->classes[i]);
	for (size_t i = 0; i < c->n_schedules; i++) {
		conf_section_fini(conf_keys_schedule, &c->schedules[i]);
		free(c->schedules[i].name);
	}
	free(c->pools);
	free(c->classes);
	free(c->schedules);
	conf_list_free(c->modules);
	free(c->path);
	free(c);
}

const char *conf_find_file(void)
{
	static const char *const places[] = {"drover.yml", "/etc/drover/drover.yml"};
	const char *named = getenv("DROVER_CONFIG");

	if (named && *named)
		return named;
	for (size_t i = 0; i < sizeof places / sizeof *places; i++)
		if (access(places[i], F_OK) == 0)
			return places[i];
	return NULL;
}

const struct conf_class *conf_find_class(const struct conf *c, struct span name)
{
	for (size_t i = 0; i < c->n_classes; i++) {
		const struct conf_class *class = &c->classes[i];

		if (glob_is_pattern(class->name) ? glob_match(span_of(class->name), name)
						 : span_is(name, class->name))
			return class;
	}
	return NULL;
}

bool conf_each_can_be_divided(const struct conf_each *each)
{
	if (each->inner)
		return false;
	if (each->kind == CONF_EACH_REDIS)
		return each->members == CONF_MEMBERS_LIST || each->members == CONF_MEMBERS_ZSET;
	return each->kind != CONF_EACH_COMMAND && each->kind != CONF_EACH_NONE;
}

/* -- what cannot change while running -- */

static bool is_same(const struct conf_key *k, const void *a, const void *b)
{
	struct text x = {0}, y = {0};
	struct conf_printer p = {.out = &x, .secrets = true}, q = {.out = &y, .secrets = true};
	bool same;

	conf_key_print(k, a, &p);
	conf_key_print(k, b, &q);
	same = x.len == y.len && memcmp(x.data, y.data, x.len) == 0;
	text_fini(&x);
	text_fini(&y);
	return same;
}

/* `only`: the names to look at, NULL for all. */
static void add_differences(struct text *out, const char *section, const struct conf_key *keys,
	const char *const *only, const void *a, const void *b)
{
	for (const struct conf_key *k = keys; k->name; k++) {
		const char *const *name = only;

		while (name && *name && strcmp(*name, k->name) != 0)
			name++;
		if ((name && !*name) || is_same(k, a, b))
			continue;
		text_addf(out, "%s%s.%s", out->len > 0 ? ", " : "", section, k->name);
	}
}

void conf_fixed_differences(const struct conf *a, const struct conf *b, struct text *out)
{
	static const char *const fixed[] = {"name", "lease", "state_dir", "user", "group", NULL};

	text_reserve(out, 0);
	add_differences(out, "redis", conf_keys_redis, NULL, &a->redis, &b->redis);
	add_differences(
		out, "supervisor", conf_keys_supervisor, fixed, &a->supervisor, &b->supervisor);
}

static void swap_words(char **a, char **b)
{
	char *word = *a;

	*a = *b;
	*b = word;
}

void conf_keep_fixed(struct conf *fresh, struct conf *running)
{
	struct conf_redis redis = fresh->redis;
	int64_t lease_ms = fresh->supervisor.lease_ms;

	fresh->redis = running->redis;
	running->redis = redis;
	fresh->supervisor.lease_ms = running->supervisor.lease_ms;
	running->supervisor.lease_ms = lease_ms;
	swap_words(&fresh->supervisor.name, &running->supervisor.name);
	swap_words(&fresh->supervisor.state_dir, &running->supervisor.state_dir);
	swap_words(&fresh->supervisor.user, &running->supervisor.user);
	swap_words(&fresh->supervisor.group, &running->supervisor.group);
}

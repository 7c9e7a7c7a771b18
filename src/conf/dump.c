/*
 * conf/dump: the effective configuration as YAML. Every key of every section is written, those of
 * iterating jobs excepted in the entries of others, for there they would be refused. Any process; pure.
 */
#include <string.h>

#include "conf/conf.h"
#include "conf/keys.h"

static void print_section(struct conf_printer *p, const char *indent, const struct conf_key *keys,
	const void *base, unsigned but)
{
	for (const struct conf_key *k = keys; k->name; k++) {
		if (!k->type->print || (k->flags & but))
			continue;
		text_addf(p->out, "%s%s: ", indent, k->name);
		conf_key_print(k, base, p);
		text_add_char(p->out, '\n');
	}
}

static void print_pools(struct conf_printer *p, const struct conf *c)
{
	text_add_str(p->out, c->n_pools > 0 ? "\npools:\n" : "\npools: {}\n");
	for (size_t i = 0; i < c->n_pools; i++) {
		text_add_str(p->out, "  ");
		conf_print_text(p->out, c->pools[i].name);
		text_add_str(p->out, ":\n");
		print_section(p, "    ", conf_keys_pool, &c->pools[i], 0);
	}
}

static bool is_given(const struct conf_key *k, const struct conf_class *class)
{
	const void *value;

	if (k->type == &conf_type_each)
		return class->handler == CONF_HANDLER_EACH;
	memcpy(&value, (const char *)class + k->offset, sizeof value); /* a text or a list */
	return value != NULL;
}

static void print_job(struct conf_printer *p, const struct conf_class *class)
{
	text_add_str(p->out, "  ");
	conf_print_text(p->out, class->name);
	text_add_str(p->out, ":\n");
	for (const struct conf_key *k = conf_keys_handler; k->name; k++) {
		if (!is_given(k, class))
			continue;
		text_addf(p->out, "    %s: ", k->name);
		conf_key_print(k, class, p);
		text_add_char(p->out, '\n');
	}
	print_section(p, "    ", conf_keys_class, class,
		class->handler == CONF_HANDLER_EACH ? 0 : CONF_KEY_EACH);
}

static void print_schedules(struct conf_printer *p, const struct conf *c)
{
	text_add_str(p->out, c->n_schedules > 0 ? "\nschedule:\n" : "\nschedule: {}\n");
	for (size_t i = 0; i < c->n_schedules; i++) {
		text_add_str(p->out, "  ");
		conf_print_text(p->out, c->schedules[i].name);
		text_add_str(p->out, ":\n");
		print_section(p, "    ", conf_keys_schedule, &c->schedules[i], 0);
	}
}

static void print_all(const struct conf *c, struct text *out, bool secrets)
{
	struct conf_printer p = {.out = out, .secrets = secrets};

	text_add_str(out, "redis:\n");
	print_section(&p, "  ", conf_keys_redis, &c->redis, 0);
	text_add_str(out, "\nsupervisor:\n");
	print_section(&p, "  ", conf_keys_supervisor, &c->supervisor, 0);
	print_pools(&p, c);
	text_add_str(out, "\ndefaults:\n");
	print_section(&p, "  ", conf_keys_class, &c->defaults, 0);
	text_add_str(out, c->n_classes > 0 ? "\njobs:\n" : "\njobs: {}\n");
	for (size_t i = 0; i < c->n_classes; i++)
		print_job(&p, &c->classes[i]);
	text_add_str(out, "\nmodules: [");
	for (size_t i = 0; c->modules[i]; i++) {
		text_add_str(out, i > 0 ? ", " : "");
		conf_print_text(out, c->modules[i]);
	}
	text_add_str(out, "]\n");
	print_schedules(&p, c);
}

void conf_dump(const struct conf *c, struct text *out)
{
	print_all(c, out, false);
}

void conf_write(const struct conf *c, struct text *out)
{
	print_all(c, out, true);
}

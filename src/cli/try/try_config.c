/* cli/try_config: see try.h. In drover. Pure. The user's class as it is, but for what is tried. */
#include "cli/try/try.h"

#include <stdlib.h>
#include <string.h>

enum { SOON_MS = 100, LEASE_MS = 5000, KILL_GRACE_MS = 500, MANY = 1000 };

static char queue_name[] = "try";
static char *queues[] = {queue_name, NULL};

static const struct conf_backoff SOON = {
	.kind = CONF_BACKOFF_CONSTANT, .first_ms = SOON_MS, .max_ms = SOON_MS, .factor = 2};

static void settle_supervisor(struct conf_supervisor *s, char *state_dir)
{
	s->name = queue_name;
	s->state_dir = state_dir;
	s->user = s->group = NULL;
	s->lease_ms = LEASE_MS;
	s->flush_ms = s->poll_ms = SOON_MS;
	s->shutdown_grace_ms = SOON_MS;
	s->kill_grace_ms = KILL_GRACE_MS;
	s->log_level = LOG_DEBUG;
	s->log_format = LOG_JSON;
}

/* Without what waits for others, and without what would be started by its end. */
static void settle_class(struct conf_class *c, const struct try *t)
{
	c->parallel = 1;
	c->rate = (struct conf_rate){0};
	c->throttle = NULL;
	c->then = c->on_failure = c->on_cancel = (struct conf_follow){NULL};
	c->unique = false;
	c->max_running = CONF_NONE;
	c->spares = 0;
	c->backoff = c->item_backoff = SOON;
	if (t->interrupt_every > 0 &&
		(c->max_items == CONF_NONE || c->max_items > t->interrupt_every))
		c->max_items = t->interrupt_every;
	if (t->kill_every > 0)
		c->retries = c->max_recoveries = MANY;
}

/* A path is a template: a brace in it is doubled. */
static void add_template(struct text *out, const char *path)
{
	for (; *path; path++) {
		text_add_char(out, *path);
		if (*path == '{')
			text_add_char(out, '{');
	}
}

void try_write_config(const struct try *t, struct text *out)
{
	struct conf conf = *t->conf;
	struct conf_class class = *t->class;
	struct conf_pool pool = {.name = queue_name, .workers = 1, .queues = queues, .n_queues = 1};
	struct text url = {0}, state_dir = {0}, csv = {0};

	text_addf(&url, "unix://%s", t->socket);
	text_addf(&state_dir, "%s/state", t->folder);
	conf.redis = (struct conf_redis){.url = url.data,
		.prefix = t->conf->redis.prefix,
		.connect_timeout_ms = t->conf->redis.connect_timeout_ms,
		.command_timeout_ms = LEASE_MS / 3};
	settle_supervisor(&conf.supervisor, state_dir.data);
	settle_class(&class, t);
	if (t->csv) {
		add_template(&csv, t->csv);
		class.each.text = csv.data;
	}
	conf.pools = &pool;
	conf.n_pools = 1;
	conf.classes = &class;
	conf.n_classes = 1;
	conf.n_schedules = 0;
	conf_write(&conf, out);
	text_fini(&url);
	text_fini(&state_dir);
	text_fini(&csv);
}

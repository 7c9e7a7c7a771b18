/* cli/torture_config: see torture_config.h. In drover. Pure. */
#include "cli/torture/torture_config.h"

#include <string.h>

/* A JSON string is one of YAML. */
static void add(struct text *out, const char *key, const char *value)
{
	if (value == NULL)
		return;
	text_addf(out, "  %s: ", key);
	text_add_json(out, span_of(value));
	text_add_char(out, '\n');
}

static void add_ms(struct text *out, const char *key, int64_t ms)
{
	text_addf(out, "  %s: %lldms\n", key, (long long)ms);
}

static void add_redis(struct text *out, const struct torture_setup *s)
{
	const struct conf_redis *r = &s->conf->redis;

	text_add_str(out, "redis:\n");
	add(out, "url", s->url);
	add(out, "namespace", s->space);
	add(out, "username", r->username);
	add(out, "password_file", r->password_file);
	add(out, "ca_file", r->ca_file);
	add(out, "cert_file", r->cert_file);
	add(out, "key_file", r->key_file);
	add(out, "server_name", r->server_name);
	add_ms(out, "connect_timeout", r->connect_timeout_ms);
	add_ms(out, "command_timeout", r->command_timeout_ms);
}

static void add_supervisor(struct text *out, const struct torture_setup *s)
{
	text_add_str(out, "supervisor:\n");
	add(out, "name", s->name);
	add(out, "state_dir", s->state_dir);
	add_ms(out, "lease", s->conf->supervisor.lease_ms);
	text_add_str(out, "  poll: 200ms\n  kill_grace: 1s\n  log: {level: info}\n");
}

/* Every attempt and recovery is allowed: what is killed on purpose must not end as failed. */
static void add_job(struct text *out, const struct torture_setup *s)
{
	text_addf(out,
		"pools:\n  torture: {workers: %d, queues: [" TORTURE_QUEUE "]}\n"
		"jobs:\n  " TORTURE_CLASS ":\n    command: [",
		TORTURE_WORKERS);
	text_add_json(out, span_of(s->self));
	text_add_str(out, ", torture, job, ");
	text_add_json(out, span_of(s->ledger));
	text_addf(out,
		", \"%d\"]\n    timeout: 1m\n    retries: 1000\n    max_recoveries: 1000\n"
		"    backoff: {kind: constant, first: 20ms, max: 20ms, jitter: none}\n",
		s->work_ms);
}

/* Two parts each, and slices, so that each is in many hands. */
static void add_iterating(struct text *out, const struct torture_setup *s)
{
	text_addf(out,
		"  " TORTURE_RUN_CLASS ":\n    each: {range: \"1..%d\"}\n    parallel: 2\n"
		"    filter: [",
		s->n_items);
	text_add_json(out, span_of(s->self));
	text_add_str(out, ", torture, items, ");
	text_add_json(out, span_of(s->items));
	text_addf(out,
		", \"%d\"]\n    timeout: 1m\n    retries: 1000\n    max_recoveries: 1000\n"
		"    backoff: {kind: constant, first: 20ms, max: 20ms, jitter: none}\n"
		"    max_items: 50\n    item_retries: 1000\n    on_item_error: skip\n"
		"    item_backoff: {kind: constant, first: 1ms, max: 1ms, jitter: none}\n",
		s->item_ms);
}

void torture_config_add(struct text *out, const struct torture_setup *s)
{
	add_redis(out, s);
	add_supervisor(out, s);
	add_job(out, s);
	add_iterating(out, s);
}

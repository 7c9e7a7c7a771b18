/*
 * client: libdrover's connection and its errors; see include/drover/client.h. Runs in drover and
 * in anybody's program: it must never print, exit, or touch signals.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/must.h"
#include "client/internal.h"
#include "queue/envelope.h"
#include "queue/scripts.h"

_Static_assert(DROVER_JID_SIZE == JID_MAX + 1, "the public header says it in its own words");

#define TIMEOUT_MS	 5000
#define RECONNECT_MAX_MS 1000
#define KEPT_MS		 604800000 /* runs_kept, ids_kept: 7d */

struct drover_text internal_give(struct span s)
{
	return (struct drover_text){s.at ? s.at : "", s.len};
}

struct drover_text internal_give_text(const struct text *t)
{
	return (struct drover_text){t->data ? t->data : "", t->len};
}

struct span internal_span(struct drover_text t)
{
	return (struct span){t.at ? t.at : "", t.len};
}

int internal_fail(struct drover_error *error, enum drover_error_kind kind, const char *fmt, ...)
{
	va_list ap;

	error->kind = kind;
	va_start(ap, fmt);
	vsnprintf(error->text, sizeof error->text, fmt, ap);
	va_end(ap);
	return -1;
}

long long internal_time(struct span rfc3339)
{
	char text[CLOCK_TEXT_SIZE];
	int64_t ms;

	if (rfc3339.len == 0 || rfc3339.len >= sizeof text)
		return DROVER_UNKNOWN;
	memcpy(text, rfc3339.at, rfc3339.len);
	text[rfc3339.len] = '\0';
	return clock_parse_rfc3339(text, &ms) == 0 ? ms : DROVER_UNKNOWN;
}

int internal_read_failed(struct drover_error *error, int rc, const struct err *err)
{
	return internal_fail(
		error, rc == ASK_LOST ? DROVER_E_UNREACHABLE : DROVER_E_REFUSED, "%s", err->text);
}

int internal_write_failed(
	struct drover_error *error, int rc, const struct err *err, const char *change)
{
	if (rc == ASK_LOST)
		return internal_fail(
			error, DROVER_E_UNKNOWN, "unknown whether %s: %s", change, err->text);
	return internal_fail(error, DROVER_E_REFUSED, "%s", err->text);
}

/* -- open ---------------------------------------------------------------------------------- */

static void set_string(char **member, const char *value)
{
	if (!value)
		return;
	free(*member);
	*member = must_strdup(value);
}

/* User and password in the URL win over those beside it. */
static int set_options(struct redis_options *to, const struct drover_options *from, struct err *err)
{
	to->connect_timeout_ms =
		from->connect_timeout_ms > 0 ? from->connect_timeout_ms : TIMEOUT_MS;
	to->command_timeout_ms =
		from->command_timeout_ms > 0 ? from->command_timeout_ms : TIMEOUT_MS;
	to->reconnect_max_ms = RECONNECT_MAX_MS;
	set_string(&to->username, from->username);
	set_string(&to->password, from->password);
	set_string(&to->ca_file, from->ca_file);
	set_string(&to->cert_file, from->cert_file);
	set_string(&to->key_file, from->key_file);
	set_string(&to->server_name, from->server_name);
	return redis_options_parse(to, from->url ? from->url : "redis://127.0.0.1:6379/0", err);
}

static struct redis *connect_to(const struct redis_options *options, struct err *err)
{
	struct redis_script *const scripts[] = {&script_enqueue, &script_cancel,
		&script_cancel_running, &script_delayed_remove, &script_failed_retry,
		&script_failed_remove, &script_failed_clear, &script_queue_clear,
		&script_queue_pause, &script_queue_places, &script_upload, &script_pause_run,
		&script_resume_run, &script_cancel_run, &script_rate_run, &script_retry_errors};
	size_t n = sizeof scripts / sizeof *scripts;

	for (size_t i = 0; i < n; i++)
		redis_script_init(scripts[i]);
	return redis_open(options, scripts, n, err);
}

struct drover_client *drover_client_open(
	const struct drover_options *options, struct drover_error *error)
{
	static const struct drover_options none;
	struct drover_client *c = must_alloc(sizeof *c);
	struct err err = {0};
	const char *name;

	if (!options)
		options = &none;
	*error = (struct drover_error){0};
	if (set_options(&c->options, options, &err) < 0) {
		internal_fail(error, DROVER_E_INVALID, "%s", err.text);
		drover_client_close(c);
		return NULL;
	}
	name = options->redis_namespace ? options->redis_namespace : "resque";
	c->prefix = *name ? must_printf("%s:", name) : must_strdup("");
	c->address = redis_options_say(&c->options);
	c->runs_kept_ms = options->runs_kept_ms > 0 ? options->runs_kept_ms : KEPT_MS;
	c->ids_kept_ms = options->ids_kept_ms > 0 ? options->ids_kept_ms : KEPT_MS;
	c->by = options->by ? must_strdup(options->by) : NULL;
	c->redis = connect_to(&c->options, &err);
	if (!c->redis) {
		internal_fail(error, DROVER_E_UNREACHABLE, "%s", err.text);
		drover_client_close(c);
		return NULL;
	}
	c->in = (struct inspect){.redis = c->redis, .prefix = c->prefix};
	return c;
}

void drover_client_close(struct drover_client *c)
{
	if (!c)
		return;
	if (c->redis)
		redis_free(c->redis);
	redis_options_fini(&c->options);
	free(c->address);
	free(c->prefix);
	free(c->by);
	free(c);
}

const char *drover_client_address(const struct drover_client *c)
{
	return c->address;
}

/*
 * reload: see supervisor.h. droverd. HUP: the new file is read and checked whole beside the old
 * one; then everything is swapped at once, or nothing is. Running jobs keep what they began under.
 */
#include "base/clock.h"
#include "base/log.h"
#include "supervisor/notify.h"
#include "supervisor/supervisor.h"

#include <stdio.h>
#include <string.h>

/* One event a fault: each names its file and line. */
static void log_faults(const struct text *faults)
{
	const char *p = faults->data, *end = p + faults->len;

	while (p < end) {
		const char *stop = memchr(p, '\n', (size_t)(end - p));
		size_t n = (size_t)((stop ? stop : end) - p);

		if (n > 0)
			log_event(LOG_ERROR, "reload.fault",
				LOG_SPAN("error", ((struct span){p, n})));
		p += n + 1;
	}
}

static struct settings *load(const struct supervisor *s)
{
	const char *path = s->settings->conf->path;
	struct text faults = {0};
	struct conf *conf = conf_load(path, &faults);
	struct settings *settings = NULL;
	struct err err;

	if (conf && !conf_check_supervisor(conf, &faults)) {
		conf_unref(conf);
		conf = NULL;
	}
	if (conf && (settings = settings_new(conf, &err)) == NULL)
		text_addf(&faults, "%s: %s\n", path, err.text);
	if (settings == NULL)
		log_faults(&faults);
	text_fini(&faults);
	return settings;
}

static void say_fixed(const struct conf *old, const struct conf *new)
{
	struct text names = {0};

	conf_fixed_differences(old, new, &names);
	if (names.len > 0)
		log_event(LOG_WARN, "reload.fixed", LOG_STR("keys", names.data),
			LOG_STR("consequence",
				"these do not change while running; restart for them"));
	text_fini(&names);
}

static void notify_reloading(void)
{
	char line[80];

	snprintf(line, sizeof line, "RELOADING=1\nMONOTONIC_USEC=%lld",
		(long long)clock_mono_ms() * 1000);
	notify_send(line);
}

void reload(struct supervisor *s)
{
	struct settings *old = s->settings, *new;

	if (s->state >= SUPERVISOR_DRAINING)
		return;
	notify_reloading();
	new = load(s);
	if (new == NULL) {
		log_event(LOG_ERROR, "reload.refused", LOG_STR("file", old->conf->path),
			LOG_STR("consequence", "the old configuration stays in force"));
	} else {
		say_fixed(old->conf, new->conf);
		conf_keep_fixed(new->conf, old->conf);
		log_init(new->conf->supervisor.log_level, new->conf->supervisor.log_format);
		s->settings = new;
		s->verbs.prefix = new->conf->redis.prefix;
		fleet_configure(s);
		nurseries_replace(s);
		settings_unref(old);
		log_event(LOG_INFO, "reload.done", LOG_STR("file", new->conf->path),
			LOG_NUM("workers", (int64_t)fleet_slots(s)));
	}
	notify_send("READY=1");
	supervisor_look_for_work(s);
}

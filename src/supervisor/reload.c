/*
 * reload: see supervisor.h. droverd. HUP: the new file is read and checked whole beside the old
 * one, and its nurseries are started and preloaded; then everything is swapped at once, or nothing
 * is. Running jobs keep what they began under.
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

static void swap(struct supervisor *s)
{
	struct settings *old = s->settings, *new = s->reloading;

	s->reloading = NULL;
	say_fixed(old->conf, new->conf);
	conf_keep_fixed(new->conf, old->conf);
	log_init(new->conf->supervisor.log_level, new->conf->supervisor.log_format);
	s->settings = new;
	s->verbs.prefix = new->conf->redis.prefix;
	nurseries_take_trial(s);
	fleet_configure(s);
	FLEET_EACH_SLOT (
		s, slot) /* iterating jobs go on under the new one, after the item in hand */
		if (slot_iterates(slot) && slot->job->settings == old)
			slot_stop(slot, ITERATION_STOP);
	settings_unref(old);
	log_event(LOG_INFO, "reload.done", LOG_STR("file", new->conf->path),
		LOG_NUM("workers", (int64_t)fleet_slots(s)));
	lease_beat_now(s->lease);
}

static void refuse(struct supervisor *s)
{
	log_event(LOG_ERROR, "reload.refused", LOG_STR("file", s->settings->conf->path),
		LOG_STR("consequence", "the old configuration stays in force"));
}

static void on_tried(struct supervisor *s, const struct err *why)
{
	if (why == NULL) {
		swap(s);
	} else {
		log_event(LOG_ERROR, "reload.fault", LOG_STR("error", why->text));
		refuse(s);
		reload_forget(s);
	}
	notify_send("READY=1");
	supervisor_look_for_work(s);
}

/* Not from within the loss of a nursery of the trial itself, which is freed later. */
void reload_forget(struct supervisor *s)
{
	nurseries_drop_trial(s);
	settings_unref(s->reloading);
	s->reloading = NULL;
}

void reload(struct supervisor *s)
{
	if (s->state >= SUPERVISOR_DRAINING || s->state == SUPERVISOR_STARTING)
		return;
	notify_reloading();
	reload_forget(s);
	s->reloading = load(s);
	if (s->reloading == NULL) {
		refuse(s);
		notify_send("READY=1");
	} else if (!nurseries_try(s, s->reloading, on_tried)) {
		on_tried(s, NULL);
	}
}

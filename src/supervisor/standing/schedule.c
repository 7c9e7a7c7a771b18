/* schedule: see schedule.h. droverd. */
#include "supervisor/standing/schedule.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/must.h"
#include "queue/ask.h"
#include "queue/envelope.h"

#include <stdlib.h>

struct entry {
	struct schedule *schedule;
	const struct conf_schedule *conf;
	int64_t last_s; /* last nominal time fired, as Redis knows it; -1: not known yet */
	int64_t next_s; /* nothing is due before that */
	bool under_way, refusal_said;
	char jid[JID_OWN + 1]; /* of the firing under way, or to be asked again */
	int64_t nominal_s;
};

struct schedule {
	struct verbs *verbs;
	struct settings *settings;
	struct entry *entries;
	size_t n;
	unsigned under_way;
	int64_t now_s, missed_s; /* of the last look */
	bool retired;
	struct schedule *stale; /* entries of an earlier configuration with calls under way */
};

/* -- when --------------------------------------------------------------------------------------------- */

/* The last time in (after, until]; -1: none. It is looked for near the end first. */
static int64_t latest_between(const struct conf_schedule *c, int64_t after_s, int64_t until_s)
{
	int64_t latest = -1, back_s = 60;

	for (;; back_s *= 4) {
		int64_t from = until_s - back_s > after_s ? until_s - back_s : after_s;
		int64_t next = cron_next(&c->cron, c->zone, from);

		for (; next >= 0 && next <= until_s; next = cron_next(&c->cron, c->zone, next))
			latest = next;
		if (latest >= 0 || from == after_s)
			return latest;
	}
}

int64_t schedule_due(const struct conf_schedule *c, int64_t last_s, int64_t now_s, int64_t missed_s)
{
	int64_t from = c->catch_up == CONF_CATCH_UP_ALL || last_s > missed_s ? last_s : missed_s;
	int64_t next = cron_next(&c->cron, c->zone, from);

	if (next >= 0 && next <= now_s)
		return next;
	return c->catch_up == CONF_CATCH_UP_LAST && from > last_s ? latest_between(c, last_s, from)
								  : -1;
}

static void look_at(struct entry *e);

/* -- firing ------------------------------------------------------------------------------------------- */

static void say_fired(const struct entry *e, const struct redis_reply *r)
{
	char tick[CLOCK_TEXT_SIZE];
	bool fired = span_is(r->items[0]->text, "fired");

	log_event(LOG_INFO, fired ? "schedule.fired" : "schedule.skipped",
		LOG_STR("name", e->conf->name),
		LOG_STR("tick", clock_iso_second(e->nominal_s * 1000, tick)),
		LOG_STR("class", e->conf->class_name), LOG_STR("queue", e->conf->queue),
		fired ? LOG_STR("jid", e->jid) : LOG_STR("reason", "overlap"));
	for (size_t i = 2; i < r->n; i++)
		log_event(LOG_INFO, "schedule.replaced", LOG_STR("name", e->conf->name),
			LOG_SPAN("jid", r->items[i]->text));
}

static void on_fired(void *arg, const struct redis_reply *r)
{
	struct entry *e = arg;

	e->under_way = false;
	e->schedule->under_way--;
	if (r == NULL)
		return; /* not known: asked again; a time fires once */
	if (r->type == REDIS_ERROR) {
		if (!e->refusal_said)
			log_event(LOG_ERROR, "schedule.refused", LOG_STR("name", e->conf->name),
				LOG_SPAN("error", r->text));
		e->refusal_said = true;
		return;
	}
	e->refusal_said = false;
	if (r->n < 2)
		return; /* our lease is not known: the beat tells more */
	if (!span_is(r->items[0]->text, "known"))
		say_fired(e, r);
	e->last_s = ask_to_number(r->items[1]->text, e->last_s);
	e->next_s = 0;
	if (!e->schedule->retired && e->last_s >= 0)
		look_at(e); /* what was missed is made up at once, not one a look */
}

static const char *overlap_word(const struct conf_class *c)
{
	static const char *const WORDS[] = {[CONF_OVERLAP_ALLOW] = "allow",
		[CONF_OVERLAP_SKIP] = "skip",
		[CONF_OVERLAP_QUEUE_ONE] = "queue-one",
		[CONF_OVERLAP_REPLACE] = "replace"};

	return WORDS[c ? c->overlap : CONF_OVERLAP_ALLOW];
}

static void fire(struct entry *e, int64_t nominal_s)
{
	struct schedule *s = e->schedule;
	const struct conf_class *class =
		conf_find_class(s->settings->conf, span_of(e->conf->class_name));
	char tick[CLOCK_TEXT_SIZE];
	struct text payload = {0};

	envelope_new_jid(e->jid);
	e->nominal_s = nominal_s;
	if (nominal_s >= 0)
		envelope_compose(
			&payload, &(struct envelope_new){.class_name = span_of(e->conf->class_name),
					  .args_json = span_of(e->conf->args_json),
					  .jid = e->jid,
					  .now_ms = clock_wall_ms(),
					  .track = class && class->track,
					  .overlap = class && class->overlap != CONF_OVERLAP_ALLOW,
					  .origin = "scheduled",
					  .tick = clock_iso_second(nominal_s * 1000, tick)});
	e->under_way = verbs_fire(s->verbs,
		&(struct verbs_fire){.name = span_of(e->conf->name),
			.nominal_s = nominal_s,
			.class_name = span_of(e->conf->class_name),
			.queue = span_of(e->conf->queue),
			.jid = span_of(e->jid),
			.payload = {payload.data, payload.len},
			.overlap = overlap_word(class),
			.waiting_ms = class ? class->unique_for_ms : 0},
		on_fired, e);
	s->under_way += e->under_way;
	text_fini(&payload);
}

static void look_at(struct entry *e)
{
	int64_t now_s = e->schedule->now_s, due;

	if (e->under_way || now_s < e->next_s)
		return;
	if (e->last_s < 0) {
		fire(e, -1);
		return;
	}
	due = schedule_due(e->conf, e->last_s, now_s, e->schedule->missed_s);
	if (due >= 0) {
		fire(e, due);
		return;
	}
	e->next_s = cron_next(&e->conf->cron, e->conf->zone, now_s);
	if (e->next_s < 0)
		e->next_s = INT64_MAX;
}

/* -- made and unmade ----------------------------------------------------------------------------------- */

struct schedule *schedule_new(struct verbs *verbs)
{
	struct schedule *s = must_alloc(sizeof *s);

	*s = (struct schedule){.verbs = verbs};
	return s;
}

static void drop(struct schedule *s)
{
	settings_unref(s->settings);
	free(s->entries);
}

static void free_stale(struct schedule *s)
{
	struct schedule **at = &s->stale;

	while (*at) {
		struct schedule *old = *at;

		if (old->under_way > 0) {
			at = &old->stale;
			continue;
		}
		*at = old->stale;
		drop(old);
		free(old);
	}
}

/* After the connection is gone: every call has been answered by then. */
void schedule_free(struct schedule *s)
{
	if (s == NULL)
		return;
	free_stale(s);
	must(s->stale == NULL && s->under_way == 0);
	drop(s);
	free(s);
}

void schedule_configure(struct schedule *s, struct settings *settings)
{
	const struct conf *c = settings->conf;

	if (s->under_way > 0) {
		struct schedule *old = must_alloc(sizeof *old);

		*old = *s;
		old->retired = true;
		for (size_t i = 0; i < old->n; i++)
			old->entries[i].schedule = old;
		s->stale = old; /* its own stale ones hang on it */
		s->under_way = 0;
	} else {
		drop(s);
	}
	s->settings = settings_ref(settings);
	s->n = c->n_schedules;
	s->entries = must_alloc((s->n + 1) * sizeof *s->entries);
	for (size_t i = 0; i < s->n; i++)
		s->entries[i] =
			(struct entry){.schedule = s, .conf = &c->schedules[i], .last_s = -1};
}

void schedule_look(struct schedule *s, int64_t now_ms)
{
	free_stale(s);
	s->now_s = now_ms / 1000;
	s->missed_s = (now_ms - s->verbs->lease_ms + 999) / 1000 - 1;
	for (size_t i = 0; i < s->n; i++)
		look_at(&s->entries[i]);
}

/*
 * nurseries: see supervisor.h. droverd. Which nursery processes there are: one a kind that some
 * class needs, made anew when it dies and when the configuration changes.
 */
#include "supervisor/supervisor.h"
#include "base/log.h"
#include "base/crash.h"
#include "base/must.h"
#include "supervisor/process/spawn.h"
#include "supervisor/standing/exclusive.h"

#include <stdlib.h>

enum { EXIT_CONFIG = 78, PRELOAD_MAX_S = 60 };

static void on_nursery_ready(void *ctx, struct nursery *n)
{
	exclusive_tell_nursery(((struct supervisor *)ctx)->exclusive, n);
	supervisor_turn(ctx);
}

static void on_nursery_lost(void *ctx, struct nursery *n, const struct err *why)
{
	struct supervisor *s = ctx;

	if (s->state == SUPERVISOR_STARTING && nursery_cannot_preload(n)) {
		log_event(LOG_ERROR, "supervisor.failed", LOG_STR("error", why->text));
		s->exit_code = EXIT_CONFIG;
		drain_begin(s, true);
	}
	FLEET_EACH_SLOT (s, slot)
		if (slot->child.state == CHILD_SPAWNING && s->nurseries[slot->child_kind] == n)
			services_give_up_spawn(slot);
	s->strays_due = true;
	supervisor_turn(s);
}

static void on_spawn_refused(void *ctx, uint64_t serial, const struct err *why)
{
	struct supervisor *s = ctx;

	FLEET_EACH_SLOT (s, slot) {
		if (slot->child.state != CHILD_SPAWNING || slot->child.serial != serial)
			continue;
		log_event(LOG_WARN, "spawn.refused", LOG_STR("worker", slot->worker_id),
			LOG_STR("error", why->text));
		services_give_up_spawn(slot);
		break;
	}
	s->strays_due = true;
	supervisor_turn(s);
}

static void on_nursery_gone(void *ctx, struct nursery *n)
{
	struct supervisor *s = ctx;

	for (size_t i = 0; i < s->n_retired; i++)
		if (s->retired[i] == n)
			s->retired[i] = s->retired[--s->n_retired];
}

static const struct nursery_events NURSERY_EVENTS = {.ready = on_nursery_ready,
	.lost = on_nursery_lost,
	.gone = on_nursery_gone,
	.refused = on_spawn_refused};

static bool needed(const struct settings *settings, enum nursery_kind kind)
{
	for (size_t i = 0; i < settings->conf->n_classes; i++)
		if (settings->classes[i].nursery == kind)
			return true;
	return false;
}

static struct nursery *make_nursery(struct supervisor *s, const struct settings *settings,
	enum nursery_kind kind, const struct nursery_events *events)
{
	static const char *const PROGRAMS[NURSERY_KINDS] = {
		[NURSERY_COMMANDS] = "drover-nursery", [NURSERY_MODULES] = "drover-nursery-module"};
	char **modules = settings->conf->modules, **argv, *env[5] = {0};
	size_t n = 0, n_env = 0;
	struct nursery *nursery = NULL;
	struct err err;
	char *program = spawn_find(PROGRAMS[kind], &err);

	if (program == NULL) {
		log_event(LOG_ERROR, "nursery.missing", LOG_STR("error", err.text));
		return NULL;
	}
	while (modules[n])
		n++;
	argv = must_alloc((n + 4) * sizeof *argv);
	argv[0] = program;
	argv[1] = must_strdup("--lease");
	argv[2] = s->lease_id;
	for (size_t i = 0; kind == NURSERY_MODULES && i < n; i++)
		argv[3 + i] = modules[i];
	env[n_env++] = must_printf("DROVER_LEASE=%s", s->lease_id);
	if (getenv("PATH"))
		env[n_env++] = must_printf("PATH=%s", getenv("PATH"));
	if (getenv("LANG"))
		env[n_env++] = must_printf("LANG=%s", getenv("LANG"));
	if (CRASH_WISH)
		env[n_env++] = must_printf("DROVER_CRASH=%s", CRASH_WISH);
	nursery = nursery_new(s->base, argv, env, events, s);
	for (size_t i = 0; i < n_env; i++)
		free(env[i]);
	free(argv[1]);
	free(argv);
	free(program);
	return nursery;
}

bool nurseries_start(struct supervisor *s)
{
	bool all = true;

	for (int kind = 0; kind < NURSERY_KINDS; kind++) {
		if (s->nurseries[kind] || !needed(s->settings, kind))
			continue;
		s->nurseries[kind] = make_nursery(s, s->settings, kind, &NURSERY_EVENTS);
		if (s->nurseries[kind])
			nursery_start(s->nurseries[kind]);
		all = all && s->nurseries[kind];
	}
	return all;
}

static void retire(struct supervisor *s, struct nursery *old)
{
	if (old == NULL)
		return;
	s->retired = must_realloc(s->retired, (s->n_retired + 1) * sizeof(struct nursery *));
	s->retired[s->n_retired++] = old;
	nursery_retire(old);
}

static void retire_all(struct supervisor *s, struct nursery *nurseries[NURSERY_KINDS])
{
	for (int kind = 0; kind < NURSERY_KINDS; kind++) {
		struct nursery *old = nurseries[kind];

		nurseries[kind] =
			NULL; /* before it goes: it may be told of in the middle of that */
		retire(s, old);
	}
}

/* What children of the old ones were given is not what the next job would get. */
static void part_with_children(struct supervisor *s)
{
	FLEET_EACH_SLOT (s, slot) {
		slot_dismiss_spare(slot);
		slot->child_final = true;
		ahead_forget(&slot->ahead);
		slot_return_ahead(slot);
	}
}

/* The old ones end by themselves; children they made are ours and stay. */
void nurseries_replace(struct supervisor *s)
{
	retire_all(s, s->nurseries);
	part_with_children(s);
	nurseries_start(s);
}

/* -- tried before they are put in place (reload) ------------------------------------------------------ */

/* One of an earlier trial, which was dropped, may still speak. */
static bool on_trial(const struct supervisor *s, const struct nursery *n)
{
	for (int kind = 0; kind < NURSERY_KINDS; kind++)
		if (s->trial[kind] == n)
			return true;
	return false;
}

static void on_trial_ready(void *ctx, struct nursery *n)
{
	struct supervisor *s = ctx;

	if (!on_trial(s, n))
		return;
	for (int kind = 0; kind < NURSERY_KINDS; kind++)
		if (s->trial[kind] && !nursery_is_ready(s->trial[kind]))
			return;
	s->trial_done(s, NULL);
}

static void on_trial_lost(void *ctx, struct nursery *n, const struct err *why)
{
	struct supervisor *s = ctx;

	if (on_trial(s, n))
		s->trial_done(s, why);
}

static void on_trial_refused(void *ctx, uint64_t serial, const struct err *why)
{
	(void)ctx, (void)serial, (void)why; /* nobody asked it for a process yet */
}

static const struct nursery_events TRIAL_EVENTS = {.ready = on_trial_ready,
	.lost = on_trial_lost,
	.gone = on_nursery_gone,
	.refused = on_trial_refused};

void nurseries_trial_overdue(evutil_socket_t fd, short what, void *arg)
{
	struct supervisor *s = arg;
	struct err err;

	(void)fd, (void)what;
	err_set(&err, "a nursery has not preloaded within %d s", PRELOAD_MAX_S);
	s->trial_done(s, &err);
}

bool nurseries_try(struct supervisor *s, const struct settings *settings,
	void (*done)(struct supervisor *, const struct err *))
{
	const struct timeval tv = {.tv_sec = PRELOAD_MAX_S};
	bool any = false, all = true;
	struct err err;

	nurseries_drop_trial(s);
	s->trial_done = done;
	for (int kind = 0; kind < NURSERY_KINDS; kind++) {
		if (!needed(settings, kind))
			continue;
		s->trial[kind] = make_nursery(s, settings, kind, &TRIAL_EVENTS);
		any = true;
		all = all && s->trial[kind];
	}
	if (!all) {
		err_set(&err, "a nursery's program is missing");
		done(s, &err);
		return true;
	}
	evtimer_add(s->trial_deadline, &tv);
	for (int kind = 0; kind < NURSERY_KINDS; kind++)
		if (s->trial[kind])
			nursery_start(s->trial[kind]);
	return any;
}

void nurseries_drop_trial(struct supervisor *s)
{
	evtimer_del(s->trial_deadline);
	retire_all(s, s->trial);
}

/* Jobs in hand whose class is of a kind that no class is of any more; and those without a worker. */
static void return_unservable(struct supervisor *s)
{
	for (struct pool *p = s->pools; p; p = p->next)
		pool_return_backlog(p, INT64_MAX);
	FLEET_EACH_SLOT (s, slot)
		if ((slot->state == SLOT_STARTING || slot->state == SLOT_LAUNCHING) &&
			s->nurseries[slot->job->class->nursery] == NULL)
			slot_end(slot, END_STOP, false);
}

void nurseries_take_trial(struct supervisor *s)
{
	retire_all(s, s->nurseries);
	for (int kind = 0; kind < NURSERY_KINDS; kind++) {
		s->nurseries[kind] = s->trial[kind];
		s->trial[kind] = NULL;
		if (s->nurseries[kind])
			nursery_listen(s->nurseries[kind], &NURSERY_EVENTS);
		exclusive_tell_nursery(s->exclusive, s->nurseries[kind]);
	}
	evtimer_del(s->trial_deadline);
	part_with_children(s);
	return_unservable(s);
}

bool nurseries_are_ready(const struct supervisor *s)
{
	for (int kind = 0; kind < NURSERY_KINDS; kind++)
		if (needed(s->settings, kind) && !nursery_is_ready(s->nurseries[kind]))
			return false;
	return true;
}

void nurseries_free(struct supervisor *s)
{
	for (int kind = 0; kind < NURSERY_KINDS; kind++)
		nursery_free(s->trial[kind]);
	for (int kind = 0; kind < NURSERY_KINDS; kind++)
		nursery_free(s->nurseries[kind]);
	for (size_t i = 0; i < s->n_retired; i++)
		nursery_free(s->retired[i]);
	free(s->retired);
}

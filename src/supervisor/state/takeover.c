/* takeover: see takeover.h. droverd. Which folders there are to be taken over. */
#include "supervisor/state/takeover.h"
#include "base/log.h"
#include "base/must.h"
#include "base/process.h"

#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

enum { SCAN_MS = 1000 };

struct taken {
	struct estate *estate;
	struct taken *next;
};

struct takeover {
	struct event_base *base;
	const char *state_dir;
	const struct state_about *self;
	const struct verbs *verbs;
	struct verbs_keep keep;
	const struct takeover_events *events;
	void *ctx;
	struct event *timer;
	struct taken *taken;
	struct text said;	/* names of folders that were said to be unusable */
	struct text for_others; /* .. that are not for us to take over */
};

static void arm(struct event *timer, int64_t ms)
{
	const struct timeval tv = {.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000};

	evtimer_add(timer, &tv);
}

/* A list of names, each between two newlines; there are few. */
static bool has_name(const struct text *list, const char *name)
{
	char *entry = must_printf("\n%s\n", name);
	bool has = list->len > 0 && strstr(list->data, entry) != NULL;

	free(entry);
	return has;
}

static void add_name(struct text *list, const char *name)
{
	text_addf(list, "\n%s\n", name);
}

static void on_finished(void *ctx, struct estate *e, bool mine)
{
	struct takeover *t = ctx;
	struct taken **at = &t->taken, *gone;

	while ((*at)->estate != e)
		at = &(*at)->next;
	gone = *at;
	*at = gone->next;
	free(gone);
	if (mine) {
		estate_remove(e);
		return;
	}
	add_name(&t->for_others, estate_name(e));
	estate_keep(e);
}

static bool may_talk(void *ctx)
{
	struct takeover *t = ctx;

	return t->events->may_talk(t->ctx);
}

static bool adopt(void *ctx, const char *lease, estate_adopted_fn *fn, void *arg)
{
	struct takeover *t = ctx;

	return t->events->adopt(t->ctx, lease, fn, arg);
}

static const struct estate_ops ESTATE_OPS = {
	.may_talk = may_talk, .adopt = adopt, .finished = on_finished};

static void begin(struct takeover *t, struct state_folder *folder, const struct state_about *about)
{
	struct taken *taken = must_alloc(sizeof *taken);

	taken->estate = estate_new(t->base, folder, about, estate_decide(t->self, about), t->verbs,
		t->keep, &ESTATE_OPS, t);
	taken->next = t->taken;
	t->taken = taken;
}

/* Once a folder: the next look is in a second. */
static void say_once(struct takeover *t, const char *name, const char *event, const struct err *why)
{
	if (has_name(&t->said, name))
		return;
	add_name(&t->said, name);
	log_event(LOG_WARN, event, LOG_STR("folder", name), LOG_STR("error", why->text));
}

/* A lock that is free proves it gone; unless somebody has removed the file under it. */
static bool still_lives(const struct takeover *t, const struct state_about *other)
{
	struct text scratch = {0};
	bool lives;

	if (strcmp(t->self->boot_id, other->boot_id) != 0 ||
		strcmp(t->self->pid_ns, other->pid_ns) != 0)
		return false;
	lives = process_start_boot_ms(&scratch, (pid_t)other->pid) == other->start_boot_ms &&
		!process_is_over(&scratch, (pid_t)other->pid);
	text_fini(&scratch);
	return lives;
}

/* A folder without `about` was cut off while it was removed by hand; it has nothing to tell. */
static void consider(void *ctx, const char *name)
{
	struct takeover *t = ctx;
	struct state_folder *folder;
	struct state_about about;
	struct err err;
	int taken = has_name(&t->for_others, name)
			    ? 0
			    : state_dir_take(t->state_dir, name, &folder, &err);

	if (taken < 0)
		say_once(t, name, "takeover.refused", &err);
	if (taken <= 0)
		return;
	if (state_folder_about(folder, &about, &err) < 0) {
		say_once(t, name, "takeover.nonsense", &err);
		state_folder_keep(folder);
	} else if (still_lives(t, &about)) {
		err_set(&err, "process %lld of it lives, but its lock is free",
			(long long)about.pid);
		say_once(t, name, "takeover.alive", &err);
		state_about_fini(&about);
		state_folder_keep(folder);
	} else {
		begin(t, folder, &about);
	}
}

static void scan(struct takeover *t)
{
	struct err err;

	if (t->events->is_ending(t->ctx))
		return;
	state_dir_sweep(t->state_dir);
	if (state_dir_each(t->state_dir, consider, t, &err) < 0)
		say_once(t, t->state_dir, "takeover.refused", &err);
}

static void on_scan(evutil_socket_t fd, short what, void *arg)
{
	struct takeover *t = arg;

	(void)fd, (void)what;
	scan(t);
	t->events->looked(t->ctx);
	arm(t->timer, SCAN_MS);
}

struct takeover *takeover_new(struct event_base *base, const char *state_dir,
	const struct state_about *self, const struct verbs *verbs, struct verbs_keep keep,
	const struct takeover_events *events, void *ctx)
{
	struct takeover *t = must_alloc(sizeof *t);

	*t = (struct takeover){.base = base,
		.state_dir = state_dir,
		.self = self,
		.verbs = verbs,
		.keep = keep,
		.events = events,
		.ctx = ctx};
	t->timer = evtimer_new(base, on_scan, t);
	return t;
}

void takeover_free(struct takeover *t)
{
	if (t == NULL)
		return;
	for (struct taken *taken = t->taken, *next; taken; taken = next) {
		next = taken->next;
		estate_keep(taken->estate);
		free(taken);
	}
	event_free(t->timer);
	text_fini(&t->said);
	text_fini(&t->for_others);
	free(t);
}

void takeover_start(struct takeover *t)
{
	on_scan(-1, 0, t);
}

void takeover_go_on(struct takeover *t)
{
	for (struct taken *taken = t->taken; taken; taken = taken->next)
		estate_go_on(taken->estate);
}

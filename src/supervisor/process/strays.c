/* strays: see strays.h. droverd. */
#include "supervisor/process/strays.h"
#include "base/must.h"
#include "supervisor/process/tree.h"

#include <event2/event.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

enum { LOOK_AGAIN_US = 2000 };

/* A worker whose job ended beside strangers. */
struct waiting {
	uint64_t before; /* once no spawn with a lower serial is under way, they are leftovers */
	pid_t *strangers;
	size_t n, cap;
	strays_done_fn *done;
	void *arg;
	struct waiting *next;
};

struct strays {
	const struct strays_events *events;
	void *ctx;
	struct waiting *first;
	struct event *again;
};

struct look {
	struct strays *strays;
	struct waiting *into;
};

static bool is_stranger(struct strays *s, pid_t pid)
{
	return !s->events->is_known(s->ctx, pid) && !s->events->is_claimed(s->ctx, pid);
}

static void note_stranger(void *arg, pid_t pid)
{
	struct look *look = arg;
	struct waiting *w = look->into;

	if (!is_stranger(look->strays, pid))
		return;
	if (w->n == w->cap) {
		w->cap = w->cap ? 2 * w->cap : 8;
		w->strangers = must_realloc(w->strangers, w->cap * sizeof *w->strangers);
	}
	w->strangers[w->n++] = pid;
}

static void look(struct strays *s, struct waiting *w)
{
	struct look l = {s, w};

	w->n = 0;
	tree_each_own_child(note_stranger, &l);
}

/*
 * Only we reap our children, so the number still is the process we saw, or none at all. A zombie
 * is a child, too: reaping it is what takes it off the list in the end.
 */
static void end_stranger(struct strays *s, pid_t pid)
{
	if (waitpid(pid, NULL, WNOHANG) == 0 && kill(pid, SIGKILL) == 0)
		s->events->killed(s->ctx, pid);
}

static void forget_known(struct strays *s, struct waiting *w)
{
	size_t kept = 0;

	for (size_t i = 0; i < w->n; i++)
		if (is_stranger(s, w->strangers[i]))
			w->strangers[kept++] = w->strangers[i];
	w->n = kept;
}

/* True once nothing is left of this one's job. In rounds: what dies leaves its own children to us. */
static bool settle_one(struct strays *s, struct waiting *w, uint64_t oldest, uint64_t next_serial)
{
	forget_known(s, w);
	if (w->n == 0)
		return true;
	if (w->before > oldest)
		return false;
	for (size_t i = 0; i < w->n; i++)
		end_stranger(s, w->strangers[i]);
	w->before = next_serial;
	look(s, w);
	return w->n == 0;
}

static void look_again_soon(struct strays *s)
{
	const struct timeval tv = {.tv_usec = LOOK_AGAIN_US};

	if (!evtimer_pending(s->again, NULL))
		evtimer_add(s->again, &tv);
}

static void free_waiting(struct waiting *w)
{
	free(w->strangers);
	free(w);
}

static void settle(struct strays *s)
{
	struct waiting **p = &s->first, *ready = NULL, *w;
	uint64_t oldest = s->events->oldest_spawn(s->ctx);

	while ((w = *p) != NULL) {
		if (!settle_one(s, w, oldest, s->events->next_spawn(s->ctx))) {
			p = &w->next;
			continue;
		}
		*p = w->next;
		w->next = ready;
		ready = w;
	}
	while ((w = ready) != NULL) {
		ready = w->next;
		w->done(w->arg);
		free_waiting(w);
	}
	if (s->first)
		look_again_soon(s);
}

static void on_again(evutil_socket_t fd, short what, void *arg)
{
	(void)fd, (void)what;
	settle(arg);
}

struct strays *strays_new(struct event_base *base, const struct strays_events *events, void *ctx)
{
	struct strays *s = must_alloc(sizeof *s);

	s->events = events;
	s->ctx = ctx;
	s->again = evtimer_new(base, on_again, s);
	return s;
}

void strays_free(struct strays *s)
{
	if (s == NULL)
		return;
	for (struct waiting *w = s->first, *next; w; w = next) {
		next = w->next;
		free_waiting(w);
	}
	event_free(s->again);
	free(s);
}

bool strays_clear(struct strays *s, strays_done_fn *done, void *arg)
{
	struct waiting *w = must_alloc(sizeof *w);

	*w = (struct waiting){.before = s->events->next_spawn(s->ctx), .done = done, .arg = arg};
	look(s, w);
	if (w->n == 0 || settle_one(s, w, s->events->oldest_spawn(s->ctx), w->before)) {
		free_waiting(w);
		return true;
	}
	w->next = s->first;
	s->first = w;
	look_again_soon(s);
	return false;
}

void strays_spawn_answered(struct strays *s)
{
	if (s->first)
		settle(s);
}

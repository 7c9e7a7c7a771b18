/* wishes: see wishes.h. droverd. */
#include "supervisor/standing/wishes.h"
#include "base/clock.h"
#include "base/must.h"
#include "queue/ask.h"
#include "queue/keys.h"

#include <stdlib.h>
#include <string.h>

#define FORGOTTEN_AFTER_MS INT64_C(86400000)

/* Ids, sorted. */
struct list {
	char **jids;
	size_t n;
};

struct wishes {
	struct verbs *verbs;
	void (*changed)(void *ctx);
	void *ctx;
	char *version; /* of drover:control, when they were read last; NULL: never */
	bool under_way;
	struct list lists[WISHES];
};

struct wishes *wishes_new(struct verbs *verbs, void (*changed)(void *ctx), void *ctx)
{
	struct wishes *w = must_alloc(sizeof *w);

	*w = (struct wishes){.verbs = verbs, .changed = changed, .ctx = ctx};
	return w;
}

static void forget(struct list *l)
{
	for (size_t i = 0; i < l->n; i++)
		free(l->jids[i]);
	free(l->jids);
	*l = (struct list){0};
}

void wishes_free(struct wishes *w)
{
	if (w == NULL)
		return;
	for (int i = 0; i < WISHES; i++)
		forget(&w->lists[i]);
	free(w->version);
	free(w);
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Nobody met that job for a day: it is gone, or never was. */
static void send_forget(struct wishes *w, struct span jid)
{
	char *key = key_make(w->verbs->prefix, KEY_CANCEL, (struct span){"", 0});
	const struct span words[] = {{"HDEL", 4}, span_of(key), jid};

	redis_send(w->verbs->redis, NULL, NULL, 3, words);
	free(key);
}

/* A run may be paused for as long as anybody likes. */
static bool is_forgotten(enum wish wish, struct span value, int64_t now)
{
	return wish == WISH_CANCEL && now - ask_to_number(value, now) > FORGOTTEN_AFTER_MS;
}

static void keep(struct wishes *w, enum wish wish, const struct redis_reply *r)
{
	struct list *l = &w->lists[wish];
	int64_t now = clock_wall_ms();

	forget(l);
	l->jids = must_alloc((r->n / 2 + 1) * sizeof *l->jids);
	for (size_t i = 0; i + 1 < r->n; i += 2) {
		struct span jid = r->items[i]->text;

		if (is_forgotten(wish, r->items[i + 1]->text, now))
			send_forget(w, jid);
		else
			l->jids[l->n++] = must_strndup(jid.at, jid.len);
	}
	if (l->n > 1)
		qsort(l->jids, l->n, sizeof *l->jids, by_text);
}

/* Read again when the version is seen next. */
static void read_again(struct wishes *w)
{
	free(w->version);
	w->version = NULL;
	w->under_way = false;
}

static void on_cancel(void *arg, const struct redis_reply *r)
{
	struct wishes *w = arg;

	if (r && r->type == REDIS_ARRAY)
		keep(w, WISH_CANCEL, r);
	else
		read_again(w);
}

static void on_pause(void *arg, const struct redis_reply *r)
{
	struct wishes *w = arg;

	w->under_way = false;
	if (r && r->type == REDIS_ARRAY)
		keep(w, WISH_PAUSE, r);
	else
		read_again(w);
	if (w->version)
		w->changed(w->ctx);
}

void wishes_saw_control(struct wishes *w, struct span version)
{
	if (w->under_way || (w->version && span_is(version, w->version)))
		return;
	if (w->version == NULL && span_is(version, "0"))
		return; /* nobody ever wished anything */
	free(w->version);
	w->version = must_strndup(version.at, version.len);
	w->under_way = verbs_read_cancel(w->verbs, on_cancel, w) &&
		       verbs_read_pause(w->verbs, on_pause, w);
}

void wishes_disconnected(struct wishes *w)
{
	w->under_way = false;
}

bool wishes_has(const struct wishes *w, enum wish wish, struct span jid)
{
	const struct list *l = &w->lists[wish];
	size_t low = 0, high = l->n;

	while (low < high) {
		size_t middle = (low + high) / 2;
		int order = strncmp(l->jids[middle], jid.at, jid.len);

		if (order == 0 && l->jids[middle][jid.len] == '\0')
			return true;
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return false;
}

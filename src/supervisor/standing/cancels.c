/* cancels: see cancels.h. droverd. */
#include "supervisor/standing/cancels.h"
#include "base/clock.h"
#include "base/must.h"
#include "queue/ask.h"
#include "queue/keys.h"

#include <stdlib.h>
#include <string.h>

#define FORGOTTEN_AFTER_MS INT64_C(86400000)

struct cancels {
	struct verbs *verbs;
	void (*changed)(void *ctx);
	void *ctx;
	char *version; /* of drover:control, when they were read last; NULL: never */
	bool under_way;
	char **jids; /* sorted */
	size_t n;
};

struct cancels *cancels_new(struct verbs *verbs, void (*changed)(void *ctx), void *ctx)
{
	struct cancels *c = must_alloc(sizeof *c);

	*c = (struct cancels){.verbs = verbs, .changed = changed, .ctx = ctx};
	return c;
}

static void forget(struct cancels *c)
{
	for (size_t i = 0; i < c->n; i++)
		free(c->jids[i]);
	free(c->jids);
	c->jids = NULL;
	c->n = 0;
}

void cancels_free(struct cancels *c)
{
	if (c == NULL)
		return;
	forget(c);
	free(c->version);
	free(c);
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Nobody met that job for a day: it is gone, or never was. */
static void send_forget(struct cancels *c, struct span jid)
{
	char *key = key_make(c->verbs->prefix, KEY_CANCEL, (struct span){"", 0});
	const struct span words[] = {{"HDEL", 4}, span_of(key), jid};

	redis_send(c->verbs->redis, NULL, NULL, 3, words);
	free(key);
}

static void on_read(void *arg, const struct redis_reply *r)
{
	struct cancels *c = arg;
	int64_t now = clock_wall_ms();

	c->under_way = false;
	if (r == NULL || r->type != REDIS_ARRAY) {
		free(c->version);
		c->version = NULL; /* read again when it is seen next */
		return;
	}
	forget(c);
	c->jids = must_alloc((r->n / 2 + 1) * sizeof *c->jids);
	for (size_t i = 0; i + 1 < r->n; i += 2) {
		struct span jid = r->items[i]->text;

		if (now - ask_to_number(r->items[i + 1]->text, now) > FORGOTTEN_AFTER_MS)
			send_forget(c, jid);
		else
			c->jids[c->n++] = must_strndup(jid.at, jid.len);
	}
	if (c->n > 1)
		qsort(c->jids, c->n, sizeof *c->jids, by_text);
	c->changed(c->ctx);
}

void cancels_saw_control(struct cancels *c, struct span version)
{
	if (c->under_way || (c->version && span_is(version, c->version)))
		return;
	if (c->version == NULL && span_is(version, "0"))
		return; /* nobody ever cancelled anything */
	free(c->version);
	c->version = must_strndup(version.at, version.len);
	c->under_way = verbs_read_cancel(c->verbs, on_read, c);
}

void cancels_disconnected(struct cancels *c)
{
	c->under_way = false;
}

bool cancels_has(const struct cancels *c, struct span jid)
{
	size_t low = 0, high = c->n;

	while (low < high) {
		size_t middle = (low + high) / 2;
		int order = strncmp(c->jids[middle], jid.at, jid.len);

		if (order == 0 && c->jids[middle][jid.len] == '\0')
			return true;
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return false;
}

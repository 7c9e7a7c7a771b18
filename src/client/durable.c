/*
 * client/durable: how far a job that was just enqueued is safe; see include/drover/client.h. WAIT
 * and WAITAOF speak of the writes of their own connection: where that was made anew meanwhile,
 * their answer means nothing, and nothing is claimed.
 */
#include <stdio.h>

#include "client/internal.h"

static int read_connection(struct drover_client *c, int64_t *id, struct err *err)
{
	struct words w = {0};

	words_add_str(&w, "CLIENT");
	words_add_str(&w, "ID");
	return ask_number(c->redis, &w, id, err);
}

int internal_durable_begin(
	struct drover_client *c, struct internal_durable *d, struct drover_error *error)
{
	struct err err = {0};
	int rc;

	if (drover_server_read(c, &d->server, error) < 0)
		return -1;
	rc = read_connection(c, &d->connection, &err);
	return rc < 0 ? internal_read_failed(error, rc, &err) : 0;
}

/* Within the time in which the answer to a command must be here. */
static int64_t patience_ms(const struct drover_client *c)
{
	int64_t most = c->options.command_timeout_ms;

	return most > 0 ? most * 4 / 5 : 4000;
}

/* DROVER_UNKNOWN where the server does not answer. */
static int64_t wait_for_replicas(struct drover_client *c, int64_t replicas)
{
	struct words w = {0};
	struct err ignored;
	int64_t received = DROVER_UNKNOWN;

	words_add_str(&w, "WAIT");
	words_add_int(&w, replicas);
	words_add_int(&w, patience_ms(c));
	return ask_number(c->redis, &w, &received, &ignored) == 0 ? received : DROVER_UNKNOWN;
}

/* Redis 7.2 has it; false where it is not there. */
static bool wait_for_disks(struct drover_client *c, int64_t replicas, struct drover_durable *to)
{
	struct words w = {0};
	struct texts pair = {0};
	struct err ignored;
	bool there;

	words_add_str(&w, "WAITAOF");
	words_add_int(&w, to->appendonly == 1 ? 1 : 0);
	words_add_int(&w, replicas);
	words_add_int(&w, patience_ms(c));
	there = ask_texts(c->redis, &w, &pair, &ignored) == 0 && pair.n == 2;
	if (there) {
		to->disk = ask_to_number(texts_at(&pair, 0), 0) > 0;
		to->replicas_on_disk = ask_to_number(texts_at(&pair, 1), DROVER_UNKNOWN);
	}
	texts_fini(&pair);
	return there;
}

void internal_durable_wait(
	struct drover_client *c, const struct internal_durable *d, struct drover_durable *to)
{
	const struct drover_server *s = &d->server;
	int64_t replicas = s->replicas > 0 ? s->replicas : 0, id = 0;
	struct err ignored;

	*to = (struct drover_durable){.asked = true,
		.replicas = s->replicas,
		.replicas_received = replicas ? DROVER_UNKNOWN : 0,
		.appendonly = s->appendonly,
		.disk = -1,
		.replicas_on_disk = DROVER_UNKNOWN};
	snprintf(to->appendfsync, sizeof to->appendfsync, "%s", s->appendfsync);
	if (replicas)
		to->replicas_received = wait_for_replicas(c, replicas);
	if (s->appendonly == 0)
		to->disk = 0;
	/* With `always` Redis answers when it has written; else only WAITAOF knows. */
	if (!wait_for_disks(c, replicas, to) && s->appendonly == 1 &&
		span_is(span_of(s->appendfsync), "always"))
		to->disk = 1;
	to->same_connection =
		read_connection(c, &id, &ignored) == 0 && id == d->connection && id > 0;
}

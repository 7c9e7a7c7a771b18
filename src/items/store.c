/* items/store: see store.h. In drover-items. */
#include "items/store.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/must.h"

#define TIMEOUT_MS	 5000 /* of an attempt to connect, and of a command */
#define RECONNECT_MAX_MS 1000
#define PAUSE_FIRST_MS	 50
#define PAUSE_MAX_MS	 1000

static void set(char **member, const char *value)
{
	if (!value)
		return;
	free(*member);
	*member = must_strdup(value);
}

int store_init(struct store *s, const struct stream_spec *spec, int peer, struct err *err)
{
	struct redis_options *o = &s->options;

	*s = (struct store){.peer = peer};
	o->connect_timeout_ms = spec->connect_timeout_ms ? spec->connect_timeout_ms : TIMEOUT_MS;
	o->command_timeout_ms = spec->command_timeout_ms ? spec->command_timeout_ms : TIMEOUT_MS;
	o->reconnect_max_ms = RECONNECT_MAX_MS;
	set(&o->ca_file, spec->ca_file);
	set(&o->cert_file, spec->cert_file);
	set(&o->key_file, spec->key_file);
	set(&o->server_name, spec->server_name);
	if (redis_options_parse(o, spec->url, err) < 0)
		return -1;
	set(&o->username, spec->username);
	set(&o->password, spec->password);
	return 0;
}

void store_fini(struct store *s)
{
	if (s->redis)
		redis_free(s->redis);
	redis_options_fini(&s->options);
	*s = (struct store){0};
}

static bool begins_with(struct span text, const char *word)
{
	size_t len = strlen(word);

	return text.len >= len && memcmp(text.at, word, len) == 0;
}

/* It reads its data, is busy with a script, or a failover is under way: soon it will answer. */
static bool will_pass(const struct redis_reply *reply)
{
	static const char *const words[] = {
		"LOADING ", "BUSY ", "MASTERDOWN ", "TRYAGAIN ", "CLUSTERDOWN "};

	for (size_t i = 0; reply->type == REDIS_ERROR && i < sizeof words / sizeof *words; i++)
		if (begins_with(reply->text, words[i]))
			return true;
	return false;
}

static const struct redis_reply *judge(const struct redis_reply *reply, struct err *err)
{
	if (reply->type != REDIS_ERROR)
		return reply;
	if (begins_with(reply->text, "WRONGTYPE"))
		err_set(err, "the key holds something of another type");
	else
		err_set(err, "Redis answers: %.*s",
			(int)(reply->text.len < 400 ? reply->text.len : 400), reply->text.at);
	return NULL;
}

/*
 * redis_open itself tries again and again until its time is over; where it gives up before, trying
 * cannot help: a refused password, a server that is too old.
 */
static bool connect_store(struct store *s, bool *lasting, struct err *err)
{
	int64_t began = clock_mono_ms();

	*lasting = false;
	if (s->redis)
		return true;
	s->redis = redis_open(&s->options, NULL, 0, err);
	*lasting = clock_mono_ms() - began < s->options.connect_timeout_ms;
	return s->redis != NULL;
}

/* NULL: not known. The connection is then made anew, for its own patience is that of one call. */
static const struct redis_reply *try_once(
	struct store *s, struct words *w, bool *lasting, struct err *err)
{
	const struct redis_reply *reply;

	if (!connect_store(s, lasting, err))
		return NULL;
	*lasting = false;
	reply = redis_call(s->redis, err, w->n, words_spans(w));
	if (!reply) {
		s->earlier += redis_times_up(s->redis);
		redis_free(s->redis);
		s->redis = NULL;
	}
	return reply;
}

/* False where nobody waits for the answer any more. */
static bool pause_ms(struct store *s, int ms)
{
	struct pollfd p = {.fd = s->peer};

	return poll(&p, 1, ms) <= 0 || !(p.revents & (POLLHUP | POLLERR));
}

static const struct redis_reply *ask(struct store *s, struct words *w, struct err *err)
{
	int64_t failed_at = -1;

	for (int pause = PAUSE_FIRST_MS;;
		pause = 2 * pause < PAUSE_MAX_MS ? 2 * pause : PAUSE_MAX_MS) {
		bool lasting = false;
		const struct redis_reply *reply = try_once(s, w, &lasting, err);

		if (reply && !will_pass(reply))
			return judge(reply, err);
		if (reply)
			judge(reply, err);
		if (failed_at < 0)
			failed_at = clock_mono_ms();
		if (lasting || clock_mono_ms() - failed_at >= STORE_PATIENCE_MS ||
			!pause_ms(s, pause))
			return NULL;
	}
}

const struct redis_reply *store_ask(struct store *s, struct words *w, struct err *err)
{
	const struct redis_reply *reply = ask(s, w, err);

	words_fini(w);
	return reply;
}

uint64_t store_connection(const struct store *s)
{
	return s->earlier + (s->redis ? redis_times_up(s->redis) : 0);
}

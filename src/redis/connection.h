/*
 * connection: what the files of this folder share about one struct redis. Nobody else includes it.
 *
 *   connection.c  the states, deadlines, reconnecting
 *   handshake.c   what is said before a connection counts as up
 *   command.c     commands on their way and their answers
 *   sync.c        the same for callers without a loop
 */
#ifndef DROVER_REDIS_CONNECTION_H
#define DROVER_REDIS_CONNECTION_H

#include "redis/redis.h"
#include "redis/transport.h"

struct codec;
struct event;
struct pending;
struct sentinel;
struct sync;

enum connection_state {
	CONNECTION_IDLE,	/* before redis_start, after redis_free */
	CONNECTION_CONNECTING,	/* the master's address of a Sentinel, name, socket, TLS */
	CONNECTION_HANDSHAKING, /* login, database, version, scripts */
	CONNECTION_UP,
	CONNECTION_WAITING, /* until the next attempt */
	CONNECTION_STATES
};

struct redis {
	enum connection_state state;
	struct event_base *base;
	struct redis_options options;
	char *where; /* the address as people may see it */
	struct redis_script **scripts;
	size_t n_scripts;
	struct redis_events events;
	void *ctx;

	struct sentinel *sentinel;   /* asked, then listened to; NULL while idle or waiting */
	struct redis_options server; /* `options`, with the host that a Sentinel named; borrowed */
	char *found;		     /* that host */
	bool needs_master; /* a replica is of no use: Sentinels are asked, or a write was refused */
	struct transport *transport; /* NULL while idle, waiting, or asking a Sentinel */
	struct codec *codec;
	struct event
		*timer; /* connecting: the deadline; up: a look at `oldest`; waiting: its end */
	bool timer_set;
	unsigned failures; /* attempts since it last was of use */

	struct pending *oldest, *newest; /* sent and not answered, in the order of sending */
	struct redis_reply *current;	 /* what the callback that runs now was given */

	unsigned inside; /* callbacks that run now: they may call redis_free */
	bool freed;	 /* it was called: no event is told, memory goes with the last of them */

	struct sync *sync; /* NULL but for redis_open */
};

/* connection.c */
void connection_ready(struct redis *r);
void connection_break(struct redis *r, const struct fault *fault);
void connection_set_timer(struct redis *r, int64_t ms);

/* handshake.c: sends everything; ends in connection_ready or connection_break. */
void handshake_begin(struct redis *r);
bool handshake_is_lasting(struct span refusal); /* trying again cannot help by itself */

/* command.c */
void command_send(
	struct redis *r, redis_reply_fn *fn, void *ctx, size_t argc, const struct span *argv);
void command_answer(struct redis *r, struct redis_reply *reply); /* takes the reply */
void command_give_up(struct redis *r);				 /* NULL for all that are pending */
/* Time until the oldest one is overdue (0 or less: it is), INT64_MAX where none is. */
int64_t command_time_left_ms(const struct redis *r);
/* Within a callback: makes its reply outlive it. The caller frees (codec_reply_free). */
struct redis_reply *command_keep_reply(struct redis *r);

/* sync.c */
void sync_free(struct sync *s);

#endif

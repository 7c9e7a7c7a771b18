/*
 * redis: one connection to Redis for supervisor, command and library: address, TLS, login,
 * deadlines, pipelining, scripts that are loaded again. It knows no key. RESP2.
 *
 * hiredis is the codec, libevent the transport: connect by name without blocking, deadlines, TLS
 * that checks the server's name.
 *
 * Everything happens in the event loop of the caller: no thread, no child. All descriptors are
 * close-on-exec. The program must ignore SIGPIPE: a write to a dead server raises it.
 *
 * Any callback may call redis_send, redis_close_and_retry or redis_free on its own connection.
 * An answer READONLY (a replica that was a master) is handed on, then the connection is closed and
 * comes back only where there is a master.
 *
 * Answers come in the order of the commands, but for a script the server had forgotten: its answer
 * comes when the second sending is answered.
 */
#ifndef DROVER_REDIS_REDIS_H
#define DROVER_REDIS_REDIS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/text.h"

struct event_base;
struct redis;

struct redis_address {
	char *host;
	int port;
};

/* Where and how. Strings are owned by the struct; see redis_options_fini. */
struct redis_options {
	char *host;
	int port;
	char *path; /* unix socket; then host and port are unused */
	/* Sentinels, asked where the master of that name is; then host and port are unused too. */
	struct redis_address *sentinels;
	size_t n_sentinels;
	char *master;
	char *sentinel_username, *sentinel_password; /* of the Sentinels themselves; NULL: none */
	bool tls;
	char *username, *password; /* NULL: none */
	int database;
	char *ca_file, *cert_file, *key_file; /* NULL: system's roots / no client certificate */
	char *server_name; /* NULL: host. With Sentinels all servers and they must go by it */
	/* An attempt: name, socket, TLS, login, scripts. 0 is the default of 5 s. */
	int64_t connect_timeout_ms;
	/* A command unanswered for longer closes the connection; 0 or less: it may take for ever. */
	int64_t command_timeout_ms;
	/* Longest wait between two attempts. 0 is the default of 2 s. */
	int64_t reconnect_max_ms;
};

/*
 * Reads redis://[user:password@]host[:port][/db], rediss:// likewise, unix://PATH[?db=N]
 * (user:password@ before the path too), and
 * redis+sentinel://[user:password@]host[:port],host[:port]/NAME[/db]
 * with [?sentinel_username=USER&sentinel_password=PASSWORD] behind it where the Sentinels ask for
 * a login of their own; rediss+sentinel:// is TLS to them and to Redis. Percent-escapes are
 * decoded. Other members stay.
 */
int redis_options_parse(struct redis_options *o, const char *url, struct err *err);
void redis_options_fini(struct redis_options *o);

/* A deep copy into `to`, whose old members are not looked at. redis_options_fini. */
void redis_options_copy(struct redis_options *to, const struct redis_options *from);

/* "redis://host:port/0" without user and password, for people. Caller frees. */
char *redis_options_say(const struct redis_options *o);

enum redis_type { REDIS_NIL, REDIS_STRING, REDIS_STATUS, REDIS_ERROR, REDIS_INTEGER, REDIS_ARRAY };

/* An answer. Lives until the callback that got it returns. */
struct redis_reply {
	enum redis_type type;
	int64_t integer;  /* INTEGER */
	struct span text; /* STRING, STATUS, ERROR; NUL-terminated besides */
	size_t n;	  /* ARRAY */
	struct redis_reply **items;
};

/*
 * `reply` NULL means "not known": the connection was lost or the deadline passed, and the command
 * may or may not have been carried out. It never means "not done".
 */
typedef void redis_reply_fn(void *ctx, const struct redis_reply *reply);

struct redis_events {
	/* The connection stands, is logged in and has its scripts. Called again after each reconnect. */
	void (*up)(void *ctx);
	/* It does not: an attempt failed or it broke. All pending callbacks have got NULL before.
	   `lasting` is true where trying again cannot help by itself (refused password, a server
	   older than 6.0, wrong certificate); it is tried again all the same. */
	void (*down)(void *ctx, const struct err *why, bool lasting);
	/* NULL but for a connection that subscribes: a message pushed by the server. */
	void (*push)(void *ctx, const struct redis_reply *message);
};

/* A Lua script. `text` must outlive every connection that uses it. */
struct redis_script {
	const char *name;
	const char *text;
	char sha[41]; /* filled in by redis_script_init */
};
void redis_script_init(struct redis_script *s);

/*
 * Makes a connection object that is not yet connected. `scripts` (n of them) are loaded at each
 * connect; an answer NOSCRIPT later on makes the same call again as EVAL, unseen by the caller.
 * `options` are copied.
 */
struct redis *redis_new(struct event_base *base, const struct redis_options *options,
	struct redis_script *const *scripts, size_t n_scripts, const struct redis_events *events,
	void *ctx);
void redis_start(struct redis *r); /* connects, and keeps reconnecting with jitter from 50 ms on */
void redis_free(struct redis *r);  /* closes; pending callbacks get NULL; no event is told */
bool redis_is_up(const struct redis *r);
/* The server it is or was connected to, as redis_options_say; caller frees. */
char *redis_say_server(const struct redis *r);
/* Whether both are connections to one server; only Sentinels can lead them apart. */
bool redis_is_beside(const struct redis *a, const struct redis *b);
void redis_close_and_retry(struct redis *r, const char *why); /* as if the connection had broken */

/* Sends one command; false (and `fn` is never called) while not up. `fn` may be NULL. */
bool redis_send(
	struct redis *r, redis_reply_fn *fn, void *ctx, size_t argc, const struct span *argv);

/* EVALSHA of a loaded script: argv holds n_keys keys, then the arguments. */
bool redis_send_script(struct redis *r, const struct redis_script *s, redis_reply_fn *fn, void *ctx,
	size_t n_keys, size_t argc, const struct span *argv);

/* -- for callers without a loop of their own (drover, libdrover) -- */

/*
 * Makes a loop and a connection; waits until it is up. Tries again until connect_timeout has passed,
 * but not where that cannot help (see `lasting`). NULL with the address and the reason.
 */
struct redis *redis_open(const struct redis_options *options, struct redis_script *const *scripts,
	size_t n_scripts, struct err *err);

/*
 * Sends and waits. Returns the answer (valid until the next call on `r`), or NULL with `err`
 * where it is not known, or not sent: the sentence says which. A connection that broke since the
 * last call is made anew first. An error answer of Redis is a reply of type REDIS_ERROR.
 */
const struct redis_reply *redis_call(
	struct redis *r, struct err *err, size_t argc, const struct span *argv);
const struct redis_reply *redis_call_script(struct redis *r, const struct redis_script *s,
	struct err *err, size_t n_keys, size_t argc, const struct span *argv);

/*
 * How often the connection was made so far: answers between which it stays the same came from one
 * process. (After a restart Redis knows nothing of a cursor of SCAN that it gave before.)
 */
uint64_t redis_times_up(const struct redis *r);

/* Shorthand: redis_callv(r, &err, "HGET", key, field, NULL) for NUL-terminated words. */
const struct redis_reply *redis_callv(struct redis *r, struct err *err, ...)
	__attribute__((sentinel));

#endif

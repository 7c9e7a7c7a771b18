/*
 * handshake: what is said before a connection counts as up: login, database, is it ready, is it
 * a master, is it new enough, scripts. Any process. All of it leaves in one write; the first refusal decides.
 */
#include "redis/connection.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/must.h"

#define VERSION_MAJOR_MIN 6

/* Refusals that pass by themselves. Any other one needs somebody to change something. */
static const char *const passing[] = {
	"LOADING",
	"MASTERDOWN",
	"BUSY",
	"TRYAGAIN",
	"CLUSTERDOWN",
	"MISCONF",
	"OOM",
	"ERR max number of clients",
};

bool handshake_is_lasting(struct span text)
{
	for (size_t i = 0; i < sizeof(passing) / sizeof(passing[0]); i++)
		if (strncmp(text.at, passing[i], strlen(passing[i])) == 0)
			return false;
	return true;
}

/* True where the answer is good. Not known (NULL) is nobody's refusal: the connection broke. */
static bool accepted(struct redis *r, const char *step, const struct redis_reply *reply)
{
	struct fault fault;

	if (!reply)
		return false;
	if (reply->type != REDIS_ERROR)
		return true;
	fault.lasting = handshake_is_lasting(reply->text);
	err_set(&fault.why, "%s refused: %s", step, reply->text.at);
	connection_break(r, &fault);
	return false;
}

static void refuse(struct redis *r, const char *why)
{
	struct fault fault = {.lasting = true};

	err_set(&fault.why, "%s", why);
	connection_break(r, &fault);
}

static void on_login(void *ctx, const struct redis_reply *reply)
{
	accepted(ctx, "login", reply);
}

static void on_database(void *ctx, const struct redis_reply *reply)
{
	accepted(ctx, "database", reply);
}

static void on_ping(void *ctx, const struct redis_reply *reply)
{
	accepted(ctx, "PING", reply);
}

/*
 * A Sentinel may send us to a master of yesterday. An ACL user may lack ROLE; then a replica shows
 * itself where it refuses a write.
 */
static void on_role(void *ctx, const struct redis_reply *reply)
{
	struct redis *r = ctx;
	struct fault fault = {.lasting = false};

	if (reply && reply->type == REDIS_ERROR && strncmp(reply->text.at, "NOPERM", 6) == 0)
		return;
	if (!accepted(r, "ROLE", reply))
		return;
	if (reply->type == REDIS_ARRAY && reply->n > 0 && span_is(reply->items[0]->text, "master"))
		return;
	err_set(&fault.why, "the server is a replica and takes no writes");
	connection_break(r, &fault);
}

/* An ACL user may lack INFO; then the version shows itself where a command is missing. */
static void on_info(void *ctx, const struct redis_reply *reply)
{
	static const char name[] = "redis_version:";
	struct redis *r = ctx;
	const char *version;
	char why[128];

	if (reply && reply->type == REDIS_ERROR && strncmp(reply->text.at, "NOPERM", 6) == 0)
		return;
	if (!accepted(r, "INFO", reply))
		return;
	version = reply->type == REDIS_STRING ? strstr(reply->text.at, name) : NULL;
	if (!version) {
		refuse(r, "the server does not tell its version");
	} else if (strtol(version + strlen(name), NULL, 10) < VERSION_MAJOR_MIN) {
		version += strlen(name);
		snprintf(why, sizeof(why), "Redis %.*s is too old, %d.0 or newer is needed",
			(int)strcspn(version, "\r\n"), version, VERSION_MAJOR_MIN);
		refuse(r, why);
	}
}

static void on_script(void *ctx, const struct redis_reply *reply)
{
	accepted(ctx, "SCRIPT LOAD", reply);
}

/* The last answer: the ones before it were good, or we would not be handshaking any more. */
static void on_last(void *ctx, const struct redis_reply *reply)
{
	if (accepted(ctx, "PING", reply))
		connection_ready(ctx);
}

static void say(struct redis *r, redis_reply_fn *fn, size_t argc, const struct span *argv)
{
	command_send(r, fn, r, argc, argv);
}

static void say_login(struct redis *r)
{
	const struct redis_options *o = &r->options;
	struct span with_user[] = {SPAN_LIT("AUTH"), span_of(o->username), span_of(o->password)};
	struct span without[] = {SPAN_LIT("AUTH"), span_of(o->password)};

	if (o->username)
		say(r, on_login, 3, with_user);
	else if (o->password)
		say(r, on_login, 2, without);
}

static void say_database(struct redis *r)
{
	char number[16];
	struct span words[] = {SPAN_LIT("SELECT"), {number, 0}};

	if (r->options.database == 0)
		return;
	words[1].len = (size_t)snprintf(number, sizeof(number), "%d", r->options.database);
	say(r, on_database, 2, words);
}

static void say_scripts(struct redis *r)
{
	for (size_t i = 0; i < r->n_scripts; i++) {
		struct span words[] = {
			SPAN_LIT("SCRIPT"), SPAN_LIT("LOAD"), span_of(r->scripts[i]->text)};

		say(r, on_script, 3, words);
	}
}

void handshake_begin(struct redis *r)
{
	struct span ping = SPAN_LIT("PING"), role = SPAN_LIT("ROLE");
	struct span info[] = {SPAN_LIT("INFO"), SPAN_LIT("server")};

	say_login(r);
	say_database(r);
	say(r, on_ping, 1, &ping); /* a server that is loading answers INFO, but not this */
	if (r->needs_master)
		say(r, on_role, 1, &role);
	say(r, on_info, 2, info);
	say_scripts(r);
	say(r, on_last, 1, &ping);
}

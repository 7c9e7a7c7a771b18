/*
 * redis_talk: a conversation with a Redis for tests: one connection in a loop of its own, what it
 * told, and waiting for conditions. Included by a test as "support/redis_talk.c".
 */
#ifndef DROVER_SUPPORT_REDIS_TALK_H
#define DROVER_SUPPORT_REDIS_TALK_H

#include <check.h>
#include <event2/event.h>

#include "redis/redis.h"
#include "support/redis_server.h"

#define WAIT_MAX_S 8

/* User "me" has the password "p@ss:w/rd"; stands while run_tests runs. */
extern struct redis_server plain;

struct talk {
	struct event_base *base;
	struct event *guard;
	struct redis_options options;
	struct redis *redis;
	int ups, downs, sent, answers, unknown, pushes;
	bool lasting;
	struct err why;
	struct text last; /* the latest answer or push, in short */
	void (*when_up)(struct talk *t), (*when_down)(struct talk *t),
		(*when_answered)(struct talk *t), (*when_pushed)(struct talk *t);
};

/* Turns the loop until `cond` holds; the guard ends the test where it never does. */
#define UNTIL(t, cond)                                                                \
	do {                                                                          \
		struct timeval most_ = {.tv_sec = WAIT_MAX_S};                        \
		event_add((t)->guard, &most_);                                        \
		while (!(cond))                                                       \
			ck_assert_int_ge(event_base_loop((t)->base, EVLOOP_ONCE), 0); \
		event_del((t)->guard);                                                \
	} while (0)

/* INCRs its key: counter. Answers: key, argument, the count. */
extern struct redis_script echo;
extern struct redis_script *const scripts[1];

/* A text from a format, until the next call. */
const char *url_of(const char *format, ...) __attribute__((format(printf, 1, 2)));
const char *plain_url(void);

void talk_init(struct talk *t, const char *url); /* then options may be changed */
void talk_start_as(struct talk *t, bool subscriber);
void talk_start(struct talk *t);
void talk_up(struct talk *t, const char *url); /* all of it, and waits until it is up */
void talk_end(struct talk *t);

/* Words separated by blanks. False where the connection is not up. */
bool send_words(struct talk *t, const char *line);
bool send_argv(struct talk *t, size_t argc, const struct span *argv);
bool send_echo(struct talk *t, const char *arg, size_t len);

/* The answer in short, when all that was sent before has been answered too. */
const char *ask(struct talk *t, const char *line);

TCase *make_case(Suite *s); /* a case to add tests to */
int run_tests(Suite *s);

#endif

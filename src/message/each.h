/*
 * message/each: the part of a job's message (wire/job_message.h) that is about its collection, made
 * of its class and of what the job itself says: with the arguments put in where the class has
 * placeholders. Where it goes on is not said here: a new message is one for the beginning.
 */
#ifndef DROVER_MESSAGE_EACH_H
#define DROVER_MESSAGE_EACH_H

#include "conf/conf.h"
#include "wire/job_message.h"
#include "wire/stream_spec.h"

struct each_message {
	struct job_each_source source;
	struct text path, inner_path;
	char **argv, **inner_argv;
	bool streams; /* its collection stands in Redis: `stream` says where */
	struct stream_spec stream;
	struct text key, password;
};

/* What a job says that wins over its class. */
struct each_asked {
	struct span args;	 /* a JSON array */
	int64_t from, to, limit; /* below 0: not said */
	bool uploaded;		 /* a file came with it and takes the place of the class's */
};

/*
 * Fills `m` for a job of an `each`, from the class's collection, which, where it stands in Redis, is
 * still to be taken. -1 and a sentence where that cannot be: an argument that is missing, a range that
 * is none. To be freed in either case.
 */
int each_message_init(struct each_message *m, const struct conf_class *c,
	const struct each_asked *asked, struct err *err);

/* The collection is this key of that Redis, by a drover-items. Reads its password. */
int each_message_take(struct each_message *m, const struct conf_redis *r, enum stream_kind kind,
	struct span key, struct err *err);

/* Where that of the class stands in Redis: takes it. */
int each_message_take_from_class(
	struct each_message *m, const struct conf_class *c, struct err *err);

void each_message_fini(struct each_message *m);

#endif

/*
 * wire/job_message: the job, as droverd hands it to a child over the job socket (SOCK_STREAM).
 * First the child says JOB_HELLO; then droverd, once its outside limits stand, sends one message:
 *
 *   struct job_head | class part | job part
 *
 * The class part (handler, limits, environment) is the same for every job of a class and is
 * encoded once. Both parts are lists of fields: uint32_t tag, uint32_t length, bytes.
 * From then on the socket carries the lines of wire/job_line.h. A child of a C function with
 * `reuse` says "done STATUS" and waits for the next message.
 */
#ifndef DROVER_WIRE_JOB_MESSAGE_H
#define DROVER_WIRE_JOB_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/text.h"

#define JOB_HELLO "hello\n" /* the child's first bytes */
#define JOB_MAGIC 0x444a4f31u

struct job_head {
	uint32_t magic;
	uint32_t size; /* of the whole message, this head included */
};

enum job_handler { JOB_COMMAND = 1, JOB_FUNCTION = 2 };

#define JOB_NO_LIMIT UINT64_MAX

/* Fixed-size members of the class part, sent as one field. */
struct job_limits {
	uint64_t open_files, core_bytes, cpu_s, address_space_bytes; /* JOB_NO_LIMIT: none */
	uint32_t uid, gid;					     /* UINT32_MAX: stay */
	int32_t nice;
	uint32_t handler;   /* enum job_handler */
	uint32_t subreaper; /* 1: adopt orphans */
	uint32_t reuse;	    /* jobs one child may perform */
};

/* Fixed-size members of the job part. */
struct job_counts {
	uint64_t attempt; /* 1 .. */
	uint64_t interruptions, recoveries;
};

/* What argv and env take together, both ends included, before they are allocated. */
#define JOB_LIST_ROOM 48

/*
 * A decoded message; everything points into the message's bytes or into this struct, which must
 * stay where it is. Strings are NUL-terminated there.
 */
struct job_message {
	struct job_limits limits;
	struct job_counts counts;
	const char **argv; /* command: NULL-terminated */
	const char **env;  /* class's environment, "NAME=value", NULL-terminated */
	const char *function;
	const char *directory;
	const char *user; /* NULL: none (for initgroups, USER is not set) */
	const char *jid, *class_name, *queue, *origin;
	const char *token, *lease;
	const char *cursor;		 /* NULL: first start */
	const char *tick;		 /* NULL: not scheduled */
	struct span args;		 /* JSON array, the bytes of the payload */
	const char *room[JOB_LIST_ROOM]; /* for argv and env; else they are allocated */
};

struct job_class_source {
	struct job_limits limits;
	char *const *argv; /* or NULL */
	char *const *env;
	const char *function, *directory, *user; /* NULL: absent */
};

struct job_source {
	struct job_counts counts;
	struct span jid, class_name, queue, origin, token, lease, cursor,
		tick; /* .at NULL: absent */
	struct span args;
};

/* Appends the class part. */
void job_message_add_class(struct text *out, const struct job_class_source *c);

/* Appends head, `class_part` and job part: the whole message. */
void job_message_add(struct text *out, struct span class_part, const struct job_source *j);

/* Size of the whole message told by its first 8 bytes; 0 and `err` where they are no head. */
size_t job_message_size(const char *head, struct err *err);

/* `bytes` is a whole message and must outlive `m`. */
int job_message_decode(struct job_message *m, const char *bytes, size_t len, struct err *err);
void job_message_fini(struct job_message *m);

#endif

/*
 * wire/job_message: the job, as droverd hands it to a child over the job socket (SOCK_STREAM).
 * First the child says JOB_HELLO; then droverd, once its outside limits stand, sends one message:
 *
 *   struct job_head | class part | job part
 *
 * The class part (handler, limits, environment) is the same for every job of a class and is
 * encoded once. Both parts are lists of fields: uint32_t tag, uint32_t length, bytes.
 * With the first byte of the message of a JOB_EACH come descriptors (SCM_RIGHTS): the scoreboard, then,
 * where a collection says `stream`, that socket.
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

/* JOB_EACH: one item after another of a collection, by a filter (argv) or by a C function. */
enum job_handler { JOB_COMMAND = 1, JOB_FUNCTION = 2, JOB_EACH = 3 };

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

/* -- what an `each` needs ------------------------------------------------------------------------ */

enum job_collection_kind {
	JOB_RANGE = 1, /* first, last, step */
	JOB_LINES,     /* path, or the stream */
	JOB_JSON,      /* likewise: a JSON value a line */
	JOB_CSV,       /* likewise, with separator */
	JOB_PRINTED,   /* of a command that prints CURSOR<TAB>ITEM lines */
	JOB_MEMBERS,   /* of a key of Redis, from the stream */
};

enum job_members {
	JOB_MEMBERS_LIST = 1,
	JOB_MEMBERS_SET,
	JOB_MEMBERS_ZSET,
	JOB_MEMBERS_HASH,
	JOB_MEMBERS_SCAN
};

/* One collection, or the inner one of two that are nested. */
struct job_collection {
	uint32_t kind;	    /* enum job_collection_kind; 0: there is none */
	uint32_t separator; /* of CSV: a byte */
	uint32_t members;   /* enum job_members */
	uint32_t stream;    /* 1: bytes or members come over a socket (wire/stream.h) */
	int64_t first, last, step;
};

struct job_backoff {
	int64_t first_ms, max_ms;
	double factor;	 /* 1: constant */
	uint32_t linear; /* first * try */
	uint32_t full_jitter;
};

enum job_item_error { JOB_ITEM_STOP, JOB_ITEM_SKIP, JOB_ITEM_PAUSE };

enum job_each_flag {
	JOB_EACH_FIRST = 1,    /* no start came before: hook on_start; else on_resume */
	JOB_EACH_PLAN = 2,     /* count first, and say `plan` */
	JOB_EACH_PART = 4,     /* one of several: no hooks */
	JOB_EACH_COMPLETE = 8, /* all parts are done: only the hook on_complete is due */
	JOB_EACH_TTY = 16,     /* the filter is given a terminal to print to */
	JOB_EACH_CHANGE = 32,  /* a collection that has changed is gone on with */
	JOB_EACH_RETRY = 64,   /* items that were set aside: say `healed` where one is done */
	JOB_EACH_TRACE = 128,  /* say `item` of each */
	JOB_EACH_LISTED =
		256, /* the items come listed from the stream, and stood in the collection */
};

#define JOB_NO_NUMBER INT64_MAX

/* Fixed-size members of the job part of an `each`, sent as one field. */
struct job_each {
	uint32_t flags;
	uint32_t generation,
		record;		 /* in the scoreboard, whose descriptor comes with the message */
	uint32_t on_item_error;	 /* enum job_item_error */
	int64_t from, to, limit; /* item numbers, both included; JOB_NO_NUMBER: none. For a range
					droverd has them in first and last */
	int64_t batch;		 /* items at a time, 1 .. */
	int64_t bounds;		 /* at most so many in a plan; 0: none are wanted */
	int64_t item_retries, max_item_errors;
	int64_t max_items, max_runtime_ms; /* of this start; JOB_NO_NUMBER: none */
	int64_t throttle_backoff_ms;
	struct job_backoff item_backoff;
	/* where it stands, with the message's cursor */
	int64_t number, done, errors; /* as in struct scoreboard_mark */
	int64_t run_errors;	      /* of all parts, against max_item_errors */
	int64_t tried_number;	      /* an item that was tried before this start: so often */
	int64_t tries;		      /* .. */
};

/* What all lists take together, their ends included, before they are allocated. */
#define JOB_LIST_ROOM 64

/* Lists of strings in a message. */
enum job_list {
	JOB_ARGV,
	JOB_ENV,
	JOB_ON_START,
	JOB_ON_RESUME,
	JOB_ON_INTERRUPT,
	JOB_ON_COMPLETE,
	JOB_THROTTLE,
	JOB_COLLECTION_ARGV,
	JOB_INNER_ARGV,
	JOB_LISTS
};

/*
 * A decoded message; everything points into the message's bytes or into this struct, which must
 * stay where it is. Strings are NUL-terminated there.
 */
struct job_message {
	struct job_limits limits;
	struct job_counts counts;
	const char **lists[JOB_LISTS]; /* NULL-terminated; never NULL themselves */
	struct job_each each;	       /* all zero where the handler is none */
	struct job_collection collection, inner;
	const char *path,
		*inner_path; /* of a file; NULL: none. The inner one, and its argv, may hold
					  {item} and {item.NAME} */
	const char *died;    /* of what the last try ended, in words; NULL: it did not die */
	const char *function;
	const char *directory;
	const char *user; /* NULL: none (for initgroups, USER is not set) */
	const char *jid, *class_name, *queue, *origin;
	const char *token, *lease;
	const char *cursor;		 /* NULL: first start */
	const char *tick;		 /* NULL: not scheduled */
	struct span args;		 /* JSON array, the bytes of the payload */
	const char *room[JOB_LIST_ROOM]; /* for the lists; else they are allocated */
};

/* The lists most in use: the command or filter, and the class's environment ("NAME=value"). */
static inline const char **job_argv(const struct job_message *m)
{
	return m->lists[JOB_ARGV];
}

static inline const char **job_env(const struct job_message *m)
{
	return m->lists[JOB_ENV];
}

struct job_class_source {
	struct job_limits limits;
	char *const *lists[JOB_LISTS]; /* NULL: empty; those of collections go with the job */
	const char *function, *directory, *user; /* NULL: absent */
};

/* What a job of an `each` says besides. */
struct job_each_source {
	struct job_each each;
	struct job_collection collection, inner;
	struct span path, inner_path, died;    /* .at NULL: absent */
	char *const *argv, *const *inner_argv; /* or NULL */
};

struct job_source {
	struct job_counts counts;
	struct span jid, class_name, queue, origin, token, lease, cursor,
		tick; /* .at NULL: absent */
	struct span args;
	const struct job_each_source *each; /* NULL: it is none */
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

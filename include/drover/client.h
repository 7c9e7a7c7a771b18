/*
 * drover/client.h: put jobs into Resque's queues and ask what became of them. This is libdrover;
 * the command `drover` is built on it.
 *
 * One client is one connection. Every call sends what it needs and waits for the answer; calls
 * never overlap, and a client belongs to one thread. A process that uses TLS should ignore SIGPIPE.
 *
 * Results: -1 is an error and `error` says which, anything else is an answer. Nothing is sent
 * twice: where an answer was lost the error says so, and the caller decides.
 *
 * Bytes in a struct drover_text belong to the library and live until the callback that was given
 * them returns. They come from whoever enqueued the job: they may hold control characters and
 * need not be UTF-8, but what is called JSON here is well-formed JSON. `at` is never NULL and no
 * NUL need follow; what is not known has length 0 (or DROVER_UNKNOWN for a number).
 *
 * Times are milliseconds since 1970, UTC. Durations are milliseconds.
 */
#ifndef DROVER_CLIENT_H
#define DROVER_CLIENT_H

#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

#define DROVER_UNKNOWN	(-1LL)
#define DROVER_JID_SIZE 129 /* an id of at most 128 bytes, and a NUL */

struct drover_client;

struct drover_text {
	const char *at;
	size_t len;
};

enum drover_error_kind {
	DROVER_E_NONE,
	DROVER_E_INVALID,     /* the question makes no sense; nothing was sent */
	DROVER_E_UNREACHABLE, /* Redis gave no answer; nothing was changed */
	DROVER_E_UNKNOWN,     /* the answer was lost: the change may have been made or not */
	DROVER_E_REFUSED,     /* Redis refused, or what is there forbids it; nothing was changed */
	DROVER_E_NOT_FOUND
};

struct drover_error {
	enum drover_error_kind kind;
	char text[512]; /* one sentence */
};

/* -- a connection -------------------------------------------------------------------------- */

/* A zeroed struct is redis://127.0.0.1:6379/0 with the namespace "resque". */
struct drover_options {
	const char *url;	     /* redis://, rediss://, unix:// as in drover.yml */
	const char *redis_namespace; /* NULL: "resque"; "": none */
	const char *username, *password;
	const char *ca_file, *cert_file, *key_file, *server_name; /* TLS; NULL: the usual */
	long long connect_timeout_ms, command_timeout_ms;	  /* 0: five seconds */
	/* How long records of ended runs and request ids are kept, as in drover.yml; 0: seven days. */
	long long runs_kept_ms, ids_kept_ms;
	const char *by; /* who changes things, for the audit of a run: USER@HOST; NULL: not said */
};

/* Connects and logs in. NULL where that does not work in time. `options` are copied. */
struct drover_client *drover_client_open(
	const struct drover_options *options, struct drover_error *error);
void drover_client_close(struct drover_client *client); /* NULL is fine */

/* Where it is connected to, without user and password. Lives as long as the client. */
const char *drover_client_address(const struct drover_client *client);

/* -- enqueue ------------------------------------------------------------------------------- */

struct drover_request {
	const char *queue;
	const char *class_name;
	const char *args; /* a JSON array; NULL: [] */
	bool track;	  /* keep a record of the run, which drover_job_find then answers from */

	/* When: now, or so long from now by Redis's clock, or at a time. Both at once are refused. */
	long long in_ms; /* 0: now */
	long long at_ms; /* 0: now; a time that is over is now */

	/*
	 * A request id, NULL: none. Whoever asks again with the same id, and the same queue, class and
	 * args, is answered the same job, also when it has ended; other content is refused. Such a job
	 * has a record, and an answer that was lost is asked for again.
	 */
	const char *id;

	/* Where another job of this class and these args waits or runs, that one is answered. */
	bool unique;
	long long unique_for_ms; /* a waiting one counts for so long; 0: a day */

	long long tick_ms; /* of a scheduled job: the time it was fired for; 0: it is none */
	/* Where such jobs of a class are counted: skip, queue-one, replace; NULL: they are not. */
	const char *overlap;

	/* Wait until replicas and disk have it, as far as can be known; see `durable` of the answer. */
	bool durable;

	const struct drover_each
		*each; /* of an iterating job, which has a record; NULL: it is none */
};

/* What wins over the class of an iterating job. DROVER_UNKNOWN, 0, NULL: as the class says. */
struct drover_each {
	long long from, to, limit; /* 0 .., items that are gone over; DROVER_UNKNOWN */
	long long parallel;	   /* into so many parts; 0 */
	const char *csv;	   /* an uploaded file, in place of the path; NULL */
};

enum drover_enqueued_how {
	DROVER_ENQUEUED,     /* a new job */
	DROVER_SAME_REQUEST, /* the request id was known: this is its job */
	DROVER_DUPLICATE,    /* another such job waits or runs: this one */
	DROVER_OVERLAP	     /* another job of the schedule waits or runs: this one */
};

/* What can be said of a job's safety once it was enqueued. Numbers: DROVER_UNKNOWN. */
struct drover_durable {
	bool asked;
	bool same_connection; /* else nothing can be known */
	long long replicas;   /* connected */
	long long replicas_received;
	int appendonly;	      /* 0, 1, -1: the server does not tell */
	char appendfsync[16]; /* always, everysec, no, "" */
	int disk; /* on the disk of the server: 1, 0: not in time, -1: cannot be known */
	long long replicas_on_disk; /* from Redis 7.2 on */
};

struct drover_enqueued {
	enum drover_enqueued_how how;
	char jid[DROVER_JID_SIZE];
	char state[32];	 /* of that job; "" where it has no record */
	long long at_ms; /* when a delayed one is due */
	struct drover_durable durable;
};

/* Puts a job at the end of its queue, as Resque's own client does, or lets it wait for its time. */
int drover_enqueue(struct drover_client *client, const struct drover_request *request,
	struct drover_enqueued *answer, struct drover_error *error);

/* -- queues -------------------------------------------------------------------------------- */

struct drover_queue_info {
	struct drover_text name;
	long long size;
	long long oldest_ms; /* age of its first job; unknown where that does not say its time */
	bool paused;
	struct drover_text reason; /* why it is paused */
	/* Jobs that will come back to it: those that wait for a time, or for others of their class, or
	   for their run to be resumed. */
	long long delayed, parked, paused_jobs;
};

typedef void drover_queue_fn(void *ctx, const struct drover_queue_info *queue);

/* All queues, by name; also those that have nothing but delayed or parked jobs. */
int drover_queue_each(
	struct drover_client *client, drover_queue_fn *fn, void *ctx, struct drover_error *error);
/* One queue; DROVER_E_NOT_FOUND where nobody ever heard of it. */
int drover_queue_find(struct drover_client *client, const char *name, drover_queue_fn *fn,
	void *ctx, struct drover_error *error);

/* No more jobs are started from a paused queue. Pausing a queue that is not there yet is fine. */
int drover_queue_pause(struct drover_client *client, const char *name, const char *reason,
	struct drover_error *error);
/* 1: it was paused, 0: it was not. */
int drover_queue_resume(struct drover_client *client, const char *name, struct drover_error *error);
/* All queues of all supervisors: nothing is started any more, and runs stop behind the item in hand. */
int drover_pause_all(struct drover_client *client, const char *reason, struct drover_error *error);
/* 1: they were paused, 0: they were not. Resque's own pause-all-workers is not touched. */
int drover_resume_all(struct drover_client *client, struct drover_error *error);
/* Throws away the jobs that wait in it now; runs among them end as cancelled. Returns how many. */
long long drover_queue_clear(
	struct drover_client *client, const char *name, struct drover_error *error);

/* -- jobs ---------------------------------------------------------------------------------- */

/* A piece of a divided run; a run that is not divided is part 0 of itself. */
struct drover_part {
	long long part; /* 1 ..; 0 */
	struct drover_text
		state; /* queued, delayed, parked, running, paused, done, failed, cancelled */
	long long first, end; /* the items it is over are first + 1 .. end; DROVER_UNKNOWN */
	long long number;     /* of the last item it has passed */
	struct drover_text cursor;
	long long done, errors;
	double speed;	 /* items a second; below 0: not known */
	long long at_ms; /* when this was told */
};

struct drover_job_info {
	struct drover_text jid, class_name, queue;
	struct drover_text args; /* JSON array; empty: not known */
	/* queued, delayed, retrying, interrupted, throttled, parked, running, lost, pausing, paused,
	   cancelling, cancelled, failed, done */
	struct drover_text state;
	struct drover_text worker, origin;
	long long pid;	     /* of the child that runs it, on its host */
	long long silent_ms; /* of a lost one: since its supervisor was heard of */
	long long attempt, interruptions, recoveries;
	long long enqueued_at_ms, started_at_ms, ended_at_ms;
	struct drover_text raw; /* the item itself, where it is no job that could be read */
	struct drover_text why; /* and what is wrong with it */

	struct drover_text exception, error; /* of a failed one */

	struct drover_text
		place; /* where it is now: queue, delayed, parked, paused, lease, failed, or empty */
	long long position; /* there: in its queue, among the parked, in the failed list; from 0 */
	long long next_at_ms; /* when a delayed one is due */

	bool tracked; /* there is a record of the run; the rest is only then known */
	long long done, total;
	struct drover_text note, result /* JSON */;
	struct drover_text request_id;
	struct drover_text tick;  /* of a scheduled one: the time it was fired for */
	struct drover_text audit; /* JSON array of what happened to it; of drover_job_find alone */

	struct drover_text parent; /* of a part: its run; else empty */
	long long part;		   /* then: its number; -1: what is due when all of them are done */

	bool each; /* it iterates; the rest is only then known, and of done and total: items */
	long long errors;		   /* items that were set aside */
	double speed;			   /* items a second, of all parts; below 0: not known */
	long long eta_ms;		   /* until it is done, if it goes on like this */
	long long rate_items, rate_per_ms; /* at most so many in so long; 0: no limit of its own */
	struct drover_text reason;	   /* why it is paused or throttled */
	long long pause_ms;		   /* somebody wants it paused since then */
	struct drover_text csv;		   /* the uploaded file it is over */
	long long round;		   /* of retry-errors; 0: none */
	/* Not told by drover_job_find_run. */
	struct drover_text cursor; /* of the last item passed, where it is not divided */
	const struct drover_part *parts;
	size_t n_parts;
};

typedef void drover_job_fn(void *ctx, const struct drover_job_info *job);

/*
 * Jobs in the hands of supervisors, `queue` NULL: of all queues; "lost" in those of one whose
 * lease is over. Goes through the names of all keys of the server, in small steps, to find every
 * lease; so do all calls that need the supervisors.
 */
int drover_job_each_running(struct drover_client *client, const char *queue, drover_job_fn *fn,
	void *ctx, struct drover_error *error);
/* Waiting jobs in the order in which they will be taken, at most `limit`. */
int drover_job_each_waiting(struct drover_client *client, const char *queue, long long limit,
	drover_job_fn *fn, void *ctx, struct drover_error *error);
/* Delayed jobs by their time, then parked ones, then those of paused runs; at most `limit` of each.
   Ours alone. */
int drover_job_each_held(struct drover_client *client, const char *queue, long long limit,
	drover_job_fn *fn, void *ctx, struct drover_error *error);
/* One job: what its run record says, if it has one, and where it is found. */
int drover_job_find(struct drover_client *client, const char *jid, drover_job_fn *fn, void *ctx,
	struct drover_error *error);
/* Only the run record: cheap enough to be asked again and again. */
int drover_job_find_run(struct drover_client *client, const char *jid, drover_job_fn *fn, void *ctx,
	struct drover_error *error);

enum drover_cancel_how {
	DROVER_CANCELLED,    /* it waited, and does not any more */
	DROVER_CANCEL_ASKED, /* it runs, and its supervisor has been told to end it */
	DROVER_CANCEL_ENDED  /* it had ended before: nothing was changed */
};

struct drover_cancel {
	enum drover_cancel_how how;
	char state[32]; /* what it was found as: queued, delayed, running, failed, ... */
};

/* A job to be enqueued when a run has ended as cancelled. */
struct drover_follow {
	const char *class_name;
	const char *queue; /* NULL: that of the run */
	const char *args;  /* a JSON array; NULL: [] */
};

/*
 * Cancels one job, wherever it waits, or asks for the end of a running one. Where its record is
 * not there, or says that it ended, that is the answer. DROVER_E_NOT_FOUND: nobody knows it.
 *
 * Of a run that iterates all parts are cancelled, and one that has failed is too. `follow` (NULL:
 * none) is enqueued where nothing of it runs any more; else its supervisor does that.
 */
int drover_job_cancel(struct drover_client *client, const char *jid,
	const struct drover_follow *follow, struct drover_cancel *answer,
	struct drover_error *error);

/* -- runs ---------------------------------------------------------------------------------- */

/* NULL: any. `state` must be a word of ours. */
struct drover_run_filter {
	const char *state, *class_name;
};
/* Jobs with a record, the last that changed first, at most `limit`. Parts are in their runs. */
int drover_run_each(struct drover_client *client, const struct drover_run_filter *filter,
	long long limit, drover_job_fn *fn, void *ctx, struct drover_error *error);

/* What was said of a change. DROVER_E_REFUSED: its state forbids it, and the sentence names it. */
struct drover_run_change {
	char state[32];	 /* in which it was found */
	long long items; /* of retry_errors: how many are tried again */
};

/* Behind the item in hand, or when its turn comes. It holds no worker then. `reason` may be NULL. */
int drover_run_pause(struct drover_client *client, const char *jid, const char *reason,
	struct drover_run_change *change, struct drover_error *error);
/* It goes on, from the end of its queue. */
int drover_run_resume(struct drover_client *client, const char *jid,
	struct drover_run_change *change, struct drover_error *error);
/* At most `items` in `per_ms`, over all of its parts; 0: as fast as it goes. From now on. */
int drover_run_rate(struct drover_client *client, const char *jid, long long items,
	long long per_ms, struct drover_run_change *change, struct drover_error *error);

/* An item that was set aside. */
struct drover_item_error {
	long long number;	   /* in the collection, from 1 */
	struct drover_text item;   /* JSON */
	struct drover_text cursor; /* need not be UTF-8 */
	struct drover_text error;
	long long attempts, at_ms;
	long long round; /* of retry-errors, in which it failed last; 0: none */
};
typedef void drover_item_error_fn(void *ctx, const struct drover_item_error *error);

/* By their numbers. */
int drover_run_errors(struct drover_client *client, const char *jid, drover_item_error_fn *fn,
	void *ctx, struct drover_error *error);
/* Only those items, again, in the same run. */
int drover_run_retry_errors(struct drover_client *client, const char *jid,
	struct drover_run_change *change, struct drover_error *error);

/* A line a run printed. */
struct drover_log_line {
	long long at_ms;
	long long part; /* 0: it is not divided */
	struct drover_text text;
};
typedef void drover_log_fn(void *ctx, const struct drover_log_line *line);

#define DROVER_LOG_AT_SIZE 48
/*
 * The lines behind `at` ("": all that are kept), which is then the last one. Where there is none,
 * waits for one, at most `wait_ms`. Returns how many there were.
 */
long long drover_run_log(struct drover_client *client, const char *jid, char at[DROVER_LOG_AT_SIZE],
	long long wait_ms, drover_log_fn *fn, void *ctx, struct drover_error *error);

/* -- files for jobs to read ------------------------------------------------------------------ */

#define DROVER_UPLOAD_ID_SIZE 25

struct drover_upload_request {
	const char *path; /* NULL: `fd` is read, from where it stands; it may be a pipe */
	int fd;
	const char *name;    /* for people; NULL: the last part of `path` */
	long long expire_ms; /* how long it is kept; 0: as long as records of runs */
	long long
		max_bytes; /* 0: 1 GiB; a larger file is DROVER_E_INVALID, and none of it is left */
};

struct drover_upload {
	char id[DROVER_UPLOAD_ID_SIZE];
	long long bytes;
	long long packed_bytes; /* what it takes in Redis */
};

/*
 * Puts a file into Redis, compressed and in parts, where the workers of every host can read it. Each
 * call makes a new one, there as a whole or not at all. Where the answer was lost in the middle, what
 * is left of it expires by itself.
 */
int drover_upload_file(struct drover_client *client, const struct drover_upload_request *request,
	struct drover_upload *answer, struct drover_error *error);
/* 1: it is removed, 0: it was not there (any more). */
int drover_upload_remove(struct drover_client *client, const char *id, struct drover_error *error);

/* -- delayed jobs -------------------------------------------------------------------------- */

struct drover_delayed_info {
	struct drover_text id; /* by which it can be removed: its jid, mostly */
	struct drover_text jid, class_name, queue, args;
	long long at_ms;
	struct drover_text why; /* delayed, retry, interrupted, spawn; resque-scheduler: not ours */
	struct drover_text raw; /* the item itself, where it is no job that could be read */
};
typedef void drover_delayed_fn(void *ctx, const struct drover_delayed_info *delayed);

/* The next `limit` jobs that wait for a time, ours and resque-scheduler's, by that time. */
int drover_delayed_each(struct drover_client *client, long long limit, drover_delayed_fn *fn,
	void *ctx, struct drover_error *error);
/* Takes one out for good, by the id it is listed under. A run record ends as cancelled. */
int drover_delayed_remove(struct drover_client *client, const char *id, struct drover_error *error);

/* When a schedule of this name was fired last, as a nominal time; DROVER_UNKNOWN: never. */
int drover_schedule_last(struct drover_client *client, const char *name, long long *last_ms,
	struct drover_error *error);

/* -- failed jobs --------------------------------------------------------------------------- */

struct drover_failed_info {
	long long index;	   /* position in the list, 0 the oldest, while it was read */
	struct drover_text record; /* its bytes, by which it is named from now on */
	bool readable;		   /* it is a JSON object; else only the two above are known */
	struct drover_text failed_at, exception, error, worker, queue;
	struct drover_text payload;		  /* JSON */
	struct drover_text backtrace;		  /* JSON */
	struct drover_text jid, class_name, args; /* of the payload, where it is a job */
};

/* What a callback says: go on; go on, and the record is no longer in the list; enough. */
enum drover_next { DROVER_GO_ON, DROVER_GONE, DROVER_STOP };
typedef enum drover_next drover_failed_fn(void *ctx, const struct drover_failed_info *failed);

/* NULL: any. `error` is looked for in exception and error; `jid` is also that of the run it is a part of. */
struct drover_failed_filter {
	const char *class_name, *queue, *error, *jid;
};

/* Records in the list when the call began, oldest first. The callback may use the client. */
int drover_failed_each(struct drover_client *client, const struct drover_failed_filter *filter,
	drover_failed_fn *fn, void *ctx, struct drover_error *error);
/* The record at `index` now. */
int drover_failed_at(struct drover_client *client, long long index, drover_failed_fn *fn, void *ctx,
	struct drover_error *error);

/* Takes the record with these bytes out. 1: done, 0: it is not there any more. */
int drover_failed_remove(
	struct drover_client *client, struct drover_text record, struct drover_error *error);
/* Takes it out and puts its job back into its queue, as attempt 1, in one step. 1, or 0 as above. */
int drover_failed_retry(struct drover_client *client, struct drover_text record,
	char jid[DROVER_JID_SIZE], struct drover_error *error);
/* Empties the list; returns how many there were. */
long long drover_failed_clear(struct drover_client *client, struct drover_error *error);

/* -- who works ----------------------------------------------------------------------------- */

struct drover_worker_info {
	struct drover_text id;
	struct drover_text supervisor, pool; /* empty: a worker of somebody else's */
	bool busy;
	bool lost;				   /* the lease of its supervisor is over */
	long long silent_ms;			   /* then: since that was heard of */
	struct drover_text jid, class_name, queue; /* of the job in hand */
	long long pid;				   /* of its child */
	long long started_at_ms;		   /* when the job in hand was begun */
};
typedef void drover_worker_fn(void *ctx, const struct drover_worker_info *worker);

/* Every registered worker, Ruby's too, by id. */
int drover_worker_each(
	struct drover_client *client, drover_worker_fn *fn, void *ctx, struct drover_error *error);

struct drover_supervisor_info {
	struct drover_text id, host, version, state;
	struct drover_text pools; /* JSON array of {"name", "workers", "queues"} */
	long long pid, workers, busy, started_at_ms;
	long long beat_ms; /* since it last said that it lives */
	long long held;	   /* jobs in its lease */
	bool lost;	   /* its lease is over and nobody has taken it yet */
};
typedef void drover_supervisor_fn(void *ctx, const struct drover_supervisor_info *supervisor);

int drover_supervisor_each(struct drover_client *client, drover_supervisor_fn *fn, void *ctx,
	struct drover_error *error);

struct drover_stats {
	long long processed, failed; /* Resque's counters */
	long long waiting;	     /* jobs in all queues */
	long long delayed;	     /* that wait for a time: ours */
	long long delayed_resque;    /* and those of resque-scheduler's clients */
	long long parked;	     /* that wait for others of their class to end */
	long long failed_records;    /* in the failed list */
	long long queues, workers, working, supervisors;
	bool paused;	       /* everything is */
	long long paused_jobs; /* of paused runs */
};
int drover_stats_read(
	struct drover_client *client, struct drover_stats *stats, struct drover_error *error);

/* -- the server ---------------------------------------------------------------------------- */

/* What decides how much a crash can lose. "" or -1: the server does not tell us. */
struct drover_server {
	char version[32];
	char role[16];
	int appendonly;	      /* 0, 1 */
	char appendfsync[16]; /* always, everysec, no */
	int snapshots;	      /* 0, 1: RDB files are written from time to time */
	char maxmemory_policy[32];
	long long maxmemory; /* bytes, 0: no limit */
	long long replicas, min_replicas_to_write;
	long long clock_ahead_ms;  /* the server's clock minus ours; see clock_within_ms */
	long long clock_within_ms; /* how long the question took */
};
int drover_server_read(
	struct drover_client *client, struct drover_server *server, struct drover_error *error);

/* -- does it all hold? --------------------------------------------------------------------- */

struct drover_finding {
	struct drover_text kind;   /* a word: lease.unnamed, job.twice, ...; drover(1) lists them */
	bool notice;		   /* worth knowing, but nothing of ours is broken */
	struct drover_text where;  /* a key, without the namespace */
	struct drover_text text;   /* one sentence */
	struct drover_text repair; /* what mends it; empty: nothing does by itself */
	bool mended;
};
typedef void drover_finding_fn(void *ctx, const struct drover_finding *finding);

struct drover_fsck_sum {
	long long keys, jobs; /* that were looked at */
	long long findings, notices, mended;
	long long left; /* findings that were not mended */
};

/*
 * Reads every key of the namespace, in small steps, and tells what breaks an invariant of drover's.
 * Supervisors may be at work: what looks wrong is looked at again, in one step that nothing can
 * come between, before it is told. With `repair` that step mends it, too, where that is safe.
 */
int drover_fsck(struct drover_client *client, bool repair, drover_finding_fn *fn, void *ctx,
	struct drover_fsck_sum *sum, struct drover_error *error);

#ifdef __cplusplus
}
#endif

#endif

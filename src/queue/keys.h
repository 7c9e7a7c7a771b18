/*
 * queue/keys: every name of a key, Resque's and ours, and nothing else. All stand behind the
 * namespace's prefix ("resque:", or ""). Resque's part is what Resque 3.0 writes.
 */
#ifndef DROVER_QUEUE_KEYS_H
#define DROVER_QUEUE_KEYS_H

#include "base/text.h"

/* Resque's */
#define KEY_QUEUES	   "queues"	       /* set of names */
#define KEY_QUEUE	   "queue:"	       /* + name: list of payloads, taken from the head */
#define KEY_WORKERS	   "workers"	       /* set of worker ids */
#define KEY_WORKER	   "worker:"	       /* + id: what it works on */
#define KEY_WORKER_STARTED ":started"	       /* behind worker:ID */
#define KEY_HEARTBEAT	   "workers:heartbeat" /* hash: id -> time */
#define KEY_PRUNING	   "pruning_dead_workers_in_progress"
#define KEY_PAUSE_ALL	   "pause-all-workers"
#define KEY_FAILED	   "failed"	    /* list of failure records, oldest first */
#define KEY_STAT_PROCESSED "stat:processed" /* and stat:processed:ID */
#define KEY_STAT_FAILED	   "stat:failed"

/* ours */
#define KEY_SUPERVISORS "drover:supervisors" /* zset: lease id -> expiry in Redis's ms */
#define KEY_SUPERVISOR	"drover:supervisor:" /* + lease id: hash, for people */
#define KEY_LEASE	"drover:lease:"	     /* + lease id: hash token -> entry */
#define KEY_TAKEN	"drover:taken"	     /* zset: leases that were taken over */
#define KEY_CLOCK	"drover:clock"	     /* hash last, since: the recovery clock */
#define KEY_PAUSED	"drover:paused"	     /* hash: queue or "*" -> reason */
#define KEY_OVERSIZE	"drover:oversize"    /* hash: jid -> a payload above max_payload */
/* counts the changes of drover:paused, :cancel, :pause and of rates; watched */
#define KEY_CONTROL	"drover:control"
#define KEY_CANCEL	"drover:cancel"	     /* hash: jid -> when it was asked, ms */
#define KEY_PAUSE	"drover:pause"	     /* hash: run -> "MS REASON": it is to pause */
#define KEY_PAUSED_JOBS "drover:paused:jobs" /* hash: jid -> "LEN QUEUE PAYLOAD": of paused runs */
#define KEY_DELAYED	"drover:delayed"     /* zset: member -> due time in Redis's ms */
/* hash: member -> "WHY LEN QUEUE PAYLOAD"; a member is a jid, or jid/2 .. where that one is there */
#define KEY_DELAYED_JOBS   "drover:delayed:jobs"
#define KEY_PARKED_CLASSES "drover:parked"   /* set of classes that have parked jobs */
#define KEY_PARKED	   "drover:parked:"  /* + class: list of "LEN QUEUE PAYLOAD" */
#define KEY_RUNNING	   "drover:running:" /* + class: set of "LEASE TOKEN" */
#define KEY_LIMITS \
	"drover:limits" /* hash: class -> max_running of its last start, while any is parked */
/* + class: zset: sha1 of an unparked payload -> until when (ms) a place is kept for it */
#define KEY_UNPARKED "drover:unparked:"
#define KEY_UNIQUE   "drover:unique:" /* + digest: "JID" (waits) | "JID LEASE TOKEN" (runs) */
/* + class: hash jid -> "waiting EXPIRES_MS" | "running LEASE TOKEN" */
#define KEY_OVERLAP  "drover:overlap:"
#define KEY_ID	     "drover:id:"      /* + request id: "JID DIGEST" */
#define KEY_SCHEDULE "drover:schedule" /* hash: name -> last nominal time fired, s */
#define KEY_RUN	     "drover:run:"     /* + jid: hash, a run record */
#define KEY_AUDIT    ":audit"	       /* behind drover:run:JID: list of JSON objects */
#define KEY_PARTS    ":parts"	   /* behind drover:run:JID: hash "PART:FIELD"; see position.lua */
#define KEY_ERRORS   ":errors"	   /* behind drover:run:JID: hash number of an item -> JSON */
#define KEY_LOG	     ":log"	   /* behind drover:run:JID: stream of part, line */
#define KEY_RUNS     "drover:runs" /* zset: jid by last change */
#define KEY_CSV	     "drover:csv:" /* + id: hash, an uploaded file; + id:N: its chunks */

/* resque-scheduler's */
#define KEY_SCHEDULER_SECONDS	 "delayed_queue_schedule" /* zset: seconds, member and score */
#define KEY_SCHEDULER_DELAYED	 "delayed:"		  /* + second: list of items */
#define KEY_SCHEDULER_TIMESTAMPS "timestamps:"		  /* + item: set of "delayed:SECOND" */
#define KEY_SCHEDULER_LOCK	 "resque_scheduler_master_lock" /* behind the prefix, twice */

/* prefix + a (+ b): a whole key. Caller frees. */
char *key_make(const char *prefix, const char *a, struct span b);

#endif

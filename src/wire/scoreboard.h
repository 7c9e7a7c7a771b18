/*
 * wire/scoreboard: the file `scoreboard` of one start of droverd, which says what runs where. It
 * is read by the nursery while droverd may be stopped, and by whoever takes the folder over once
 * droverd is gone; so it must make sense at every moment of its writing.
 *
 *   header page | record of slot 1 | record of slot 2 | ..
 *
 * A record is three pages: the first is droverd's alone; its struct scoreboard_orders tells an
 * iterating child what to do, who maps it to read. The other two are for the marks of an iterating
 * job: how far it is (struct scoreboard_mark, one a page, written in turn, so that one of them is
 * always whole) and what it has begun. They are written by the child where it performs an `each`,
 * by droverd where a job says `cursor` lines: one start has one writer. The file grows with the
 * slots and never shrinks, no page of it moves; a record lies at scoreboard_record_at(), behind
 * `records` there is none. A reader that needs no speed maps the header page and reads records with
 * pread(). A stale child maps the file of a start that is gone, or carries an old generation.
 *
 * Times are CLOCK_BOOTTIME in ms. A process is named by its pid and by the time of its start: field
 * 22 of /proc/PID/stat, cut to a whole tick, lies between `asked_boot_ms` and `hello_boot_ms`.
 */
#ifndef DROVER_WIRE_SCOREBOARD_H
#define DROVER_WIRE_SCOREBOARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define SCOREBOARD_MAGIC	0x44534231u
#define SCOREBOARD_VERSION	2u
#define SCOREBOARD_VERSION_READ 1u /* the oldest that is understood: no marks in it */
#define SCOREBOARD_RECORD_PAGES 3

struct scoreboard_header {
	uint32_t magic, version;
	uint32_t page_bytes;
	uint32_t records;   /* that stand in the file; set once it has grown */
	uint32_t exclusive; /* how many records are busy with an exclusive job */
	int32_t pid;	    /* droverd's */
	int64_t started_boot_ms;
	/*
	 * Exclusive jobs are ended once this is past: 0.8 lease after the last confirmed beat was
	 * sent. 0: none was confirmed yet.
	 */
	int64_t deadline_boot_ms;
	int64_t lease_ms;
	char lease[512]; /* id; ends with NUL */
	uint8_t reserved[4096 - 560];
};

enum scoreboard_flag {
	SCOREBOARD_BUSY = 1,	  /* the child was given the job named here */
	SCOREBOARD_EXCLUSIVE = 2, /* of a class with `exclusive` */
};

/* Why an iterating job shall end after the item in hand. */
enum scoreboard_stop {
	SCOREBOARD_GO = 0,
	SCOREBOARD_STOP = 1, /* the child does not look further: droverd knows the reason */
};

/*
 * What an iterating child is told while it runs; each member is stored whole. `turn` rises behind
 * every change: a child that waits sleeps on it (futex), and is woken.
 */
struct scoreboard_orders {
	uint32_t turn;
	uint32_t stop; /* enum scoreboard_stop */
	int64_t end;   /* number of the last item of this part; INT64_MAX: that of the collection */
	int64_t granted; /* so many items may be begun by this start; INT64_MAX: no rate */
};

/* The first page of a record. A child without a job (a spare, or one that is bound to a class) has its
   process here and SCOREBOARD_BUSY is not set. */
struct scoreboard_slot {
	uint32_t sequence;   /* odd: in the middle of being written */
	uint32_t generation; /* rises with every job */
	uint32_t number;     /* of the slot, from 1 */
	uint32_t flags;
	int32_t pid; /* 0: no process that has said hello */
	uint32_t reserved_word;
	int64_t asked_boot_ms; /* when a nursery was asked for it */
	int64_t hello_boot_ms; /* when it had said hello */
	int64_t given_boot_ms; /* when it was given the job */
	char token[320];       /* these end with NUL; "" where there is none, or it is too long */
	char jid[136];
	uint8_t reserved_room[8];
	struct scoreboard_orders orders;
	int64_t part; /* of an iterating job: what its marks belong to (queue/verbs.h) */
	char run[136];
	uint8_t reserved[4096 - 680];
};

#define SCOREBOARD_CURSOR_MAX 4000

/* Far behind every time, and a timeout can be added to it. */
#define SCOREBOARD_RESTING ((int64_t)1 << 62)

/* What an iterating job has begun; in the first of the two pages alone. */
struct scoreboard_begun {
	uint32_t generation; /* another than the slot's: nothing was begun */
	uint32_t tries;	     /* this one included, from 1 */
	int64_t number;	 /* of the item in hand, from 1; above the newer mark's: it is in hand */
	int64_t mono_ms; /* when this try began: CLOCK_MONOTONIC, coarse; SCOREBOARD_RESTING: it is
				tried no more, or not now */
	int64_t end;	 /* the `end` of the orders that the child goes by; where it is past that
				already, the number it is past */
	int64_t used;	 /* items begun by this start, counted against `granted` */
};

/* How far an iterating job is. */
struct scoreboard_mark {
	uint64_t sequence; /* 0: never written; of two whole ones the higher counts */
	uint64_t checksum; /* over all behind it, the cursor as far as it goes */
	uint32_t generation;
	uint32_t cursor_len;
	int64_t number; /* of the last item passed: done, skipped or set aside; 0: none yet */
	int64_t done;	/* of this run, or part: answered ok or skip */
	int64_t errors; /* .. set aside */
	char cursor[SCOREBOARD_CURSOR_MAX];
	struct scoreboard_begun begun;
};

_Static_assert(sizeof(struct scoreboard_header) == 4096, "layout is a contract");
_Static_assert(offsetof(struct scoreboard_header, deadline_boot_ms) == 32, "layout is a contract");
_Static_assert(offsetof(struct scoreboard_header, lease) == 48, "layout is a contract");
_Static_assert(sizeof(struct scoreboard_slot) == 4096, "layout is a contract");
_Static_assert(offsetof(struct scoreboard_slot, asked_boot_ms) == 24, "layout is a contract");
_Static_assert(offsetof(struct scoreboard_slot, token) == 48, "layout is a contract");
_Static_assert(offsetof(struct scoreboard_slot, jid) == 368, "layout is a contract");
_Static_assert(offsetof(struct scoreboard_slot, orders) == 512, "layout is a contract");
_Static_assert(offsetof(struct scoreboard_mark, cursor) == 48, "layout is a contract");
_Static_assert(offsetof(struct scoreboard_mark, begun) == 4048, "layout is a contract");
_Static_assert(sizeof(struct scoreboard_mark) <= 4096, "a page holds one");

static inline int64_t scoreboard_record_at(uint32_t page_bytes, uint32_t number)
{
	return (int64_t)page_bytes * (1 + SCOREBOARD_RECORD_PAGES * ((int64_t)number - 1));
}

/* True where `h` is of a version that is understood; all else in it may be used then. */
static inline bool scoreboard_is_ours(const struct scoreboard_header *h)
{
	return h->magic == SCOREBOARD_MAGIC && h->version >= SCOREBOARD_VERSION_READ &&
	       h->version <= SCOREBOARD_VERSION && h->page_bytes >= sizeof *h &&
	       (h->page_bytes & (h->page_bytes - 1)) == 0 &&
	       memchr(h->lease, '\0', sizeof h->lease) != NULL;
}

/* Fields of a mapped page that another process writes. */
static inline int64_t scoreboard_deadline_ms(const struct scoreboard_header *h)
{
	return __atomic_load_n(&h->deadline_boot_ms, __ATOMIC_ACQUIRE);
}

static inline uint32_t scoreboard_exclusive(const struct scoreboard_header *h)
{
	return __atomic_load_n(&h->exclusive, __ATOMIC_ACQUIRE);
}

static inline uint32_t scoreboard_records(const struct scoreboard_header *h)
{
	return __atomic_load_n(&h->records, __ATOMIC_ACQUIRE);
}

/* -- orders and marks: written by one process, read by another at any moment -- */

static inline uint32_t scoreboard_turn(const struct scoreboard_orders *o)
{
	return __atomic_load_n(&o->turn, __ATOMIC_ACQUIRE);
}

static inline bool scoreboard_is_stopped(const struct scoreboard_orders *o)
{
	return __atomic_load_n(&o->stop, __ATOMIC_ACQUIRE) != SCOREBOARD_GO;
}

static inline int64_t scoreboard_end(const struct scoreboard_orders *o)
{
	return __atomic_load_n(&o->end, __ATOMIC_ACQUIRE);
}

static inline int64_t scoreboard_granted(const struct scoreboard_orders *o)
{
	return __atomic_load_n(&o->granted, __ATOMIC_ACQUIRE);
}

/* FNV-1a over words; a torn mark is one whose words do not belong together. */
static inline uint64_t scoreboard_mark_sum(const struct scoreboard_mark *m)
{
	const uint64_t prime = 0x100000001b3u;
	uint64_t sum = 0xcbf29ce484222325u, word;
	size_t len = m->cursor_len <= SCOREBOARD_CURSOR_MAX ? m->cursor_len : 0, i = 0;

	sum = (sum ^ m->sequence) * prime;
	sum = (sum ^ (((uint64_t)m->generation << 32) | m->cursor_len)) * prime;
	sum = (sum ^ (uint64_t)m->number) * prime;
	sum = (sum ^ (uint64_t)m->done) * prime;
	sum = (sum ^ (uint64_t)m->errors) * prime;
	for (; i + sizeof word <= len; i += sizeof word) {
		memcpy(&word, m->cursor + i, sizeof word);
		sum = (sum ^ word) * prime;
	}
	for (; i < len; i++)
		sum = (sum ^ (uint8_t)m->cursor[i]) * prime;
	return sum ^ (sum >> 29);
}

/* The copy `m` of a page that may have been written meanwhile: is it whole, and of this start? */
static inline bool scoreboard_mark_is_whole(const struct scoreboard_mark *m, uint32_t generation)
{
	return m->sequence != 0 && m->generation == generation &&
	       m->cursor_len <= SCOREBOARD_CURSOR_MAX && m->checksum == scoreboard_mark_sum(m);
}

/* Its texts end, wherever the writer was cut off. */
static inline void scoreboard_slot_close(struct scoreboard_slot *s)
{
	s->token[sizeof s->token - 1] = s->jid[sizeof s->jid - 1] = '\0';
	s->run[sizeof s->run - 1] = '\0';
}

/*
 * True where a process that began at `start_boot_ms` (the whole tick of `tick_ms` it is cut to) can
 * be the one in the record.
 */
static inline bool scoreboard_started_then(
	const struct scoreboard_slot *s, int64_t start_boot_ms, int64_t tick_ms)
{
	return start_boot_ms + tick_ms >= s->asked_boot_ms && start_boot_ms <= s->hello_boot_ms;
}

#endif

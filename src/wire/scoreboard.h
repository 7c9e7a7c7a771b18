/*
 * wire/scoreboard: the file `scoreboard` of one start of droverd, which says what runs where. It
 * is read by the nursery while droverd may be stopped, and by whoever takes the folder over once
 * droverd is gone; so it must make sense at every moment of its writing.
 *
 *   header page | record of slot 1 | record of slot 2 | ..
 *
 * A record is three pages: the first is droverd's alone, the other two (zero until then) are for
 * the child that holds the slot. One page has one writer. The file grows with the slots and never
 * shrinks, no page of it moves; a record lies at scoreboard_record_at(), behind `records` there is
 * none. A reader that needs no speed maps the header page and reads records with pread().
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
#define SCOREBOARD_VERSION	1u
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
	uint8_t reserved[4096 - 504];
};

_Static_assert(sizeof(struct scoreboard_header) == 4096, "layout is a contract");
_Static_assert(offsetof(struct scoreboard_header, deadline_boot_ms) == 32, "layout is a contract");
_Static_assert(offsetof(struct scoreboard_header, lease) == 48, "layout is a contract");
_Static_assert(sizeof(struct scoreboard_slot) == 4096, "layout is a contract");
_Static_assert(offsetof(struct scoreboard_slot, asked_boot_ms) == 24, "layout is a contract");
_Static_assert(offsetof(struct scoreboard_slot, token) == 48, "layout is a contract");
_Static_assert(offsetof(struct scoreboard_slot, jid) == 368, "layout is a contract");

static inline int64_t scoreboard_record_at(uint32_t page_bytes, uint32_t number)
{
	return (int64_t)page_bytes * (1 + SCOREBOARD_RECORD_PAGES * ((int64_t)number - 1));
}

/* True where `h` is of this version; all else in it may be used then. */
static inline bool scoreboard_is_ours(const struct scoreboard_header *h)
{
	return h->magic == SCOREBOARD_MAGIC && h->version == SCOREBOARD_VERSION &&
	       h->page_bytes >= sizeof *h && (h->page_bytes & (h->page_bytes - 1)) == 0 &&
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

/* Its texts end, wherever the writer was cut off. */
static inline void scoreboard_slot_close(struct scoreboard_slot *s)
{
	s->token[sizeof s->token - 1] = s->jid[sizeof s->jid - 1] = '\0';
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

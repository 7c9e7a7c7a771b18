/*
 * scoreboard: see scoreboard.h. droverd, which alone writes the header and the first page of each
 * record. Pages are mapped in stretches, so that none ever moves.
 */
#include "supervisor/state/scoreboard.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/must.h"
#include "supervisor/state/state_dir.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/futex.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { STRETCH_RECORDS = 64 };

struct scoreboard {
	int fd;
	uint32_t page_bytes;
	struct scoreboard_header *header;
	char **stretches; /* of STRETCH_RECORDS records each; NULL: not mapped yet */
	size_t n_stretches;
};

static uint32_t page_size(void)
{
	return (uint32_t)sysconf(_SC_PAGESIZE);
}

static size_t stretch_bytes(const struct scoreboard *b)
{
	return (size_t)b->page_bytes * SCOREBOARD_RECORD_PAGES * STRETCH_RECORDS;
}

static void fill_header(struct scoreboard_header *h, const char *lease, int64_t lease_ms)
{
	h->version = SCOREBOARD_VERSION;
	h->page_bytes = page_size();
	h->pid = getpid();
	h->started_boot_ms = clock_boot_ms();
	h->lease_ms = lease_ms;
	snprintf(h->lease, sizeof h->lease, "%s", lease);
	__atomic_store_n(&h->magic, SCOREBOARD_MAGIC, __ATOMIC_RELEASE);
}

/* For good: a mapped page that the disk has no room for would end us when it is written to. */
static int take_room(int fd, int64_t at, uint32_t bytes)
{
	errno = posix_fallocate(fd, (off_t)at, bytes);
	return errno == 0 ? 0 : -1;
}

struct scoreboard *scoreboard_new(
	int folder_fd, const char *lease, int64_t lease_ms, struct err *err)
{
	struct scoreboard *b = must_alloc(sizeof *b);
	void *at = MAP_FAILED;

	b->page_bytes = page_size();
	b->fd = openat(folder_fd, SCOREBOARD_FILE, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (b->fd >= 0 && take_room(b->fd, 0, b->page_bytes) == 0)
		at = mmap(NULL, b->page_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, b->fd, 0);
	if (at == MAP_FAILED) {
		err_errno(err, SCOREBOARD_FILE);
		if (b->fd >= 0)
			close(b->fd);
		free(b);
		return NULL;
	}
	b->header = at;
	fill_header(b->header, lease, lease_ms);
	return b;
}

void scoreboard_free(struct scoreboard *b)
{
	if (b == NULL)
		return;
	munmap(b->header, b->page_bytes);
	for (size_t i = 0; i < b->n_stretches; i++)
		if (b->stretches[i])
			munmap(b->stretches[i], stretch_bytes(b));
	free(b->stretches);
	close(b->fd);
	free(b);
}

int scoreboard_fd(const struct scoreboard *b)
{
	return b ? b->fd : -1;
}

void scoreboard_set_deadline(struct scoreboard *b, int64_t boot_ms)
{
	if (b)
		__atomic_store_n(&b->header->deadline_boot_ms, boot_ms, __ATOMIC_RELEASE);
}

/* -- places --------------------------------------------------------------------------------------- */

static int grow(struct scoreboard *b, uint32_t records)
{
	if (records <= b->header->records)
		return 0;
	if (ftruncate(b->fd, (off_t)scoreboard_record_at(b->page_bytes, records + 1)) < 0)
		return -1;
	for (uint32_t n = b->header->records + 1; n <= records; n++)
		if (take_room(b->fd, scoreboard_record_at(b->page_bytes, n),
			    SCOREBOARD_RECORD_PAGES * b->page_bytes) < 0)
			return -1;
	__atomic_store_n(&b->header->records, records, __ATOMIC_RELEASE);
	return 0;
}

static char *map_stretch(struct scoreboard *b, size_t i)
{
	off_t at = (off_t)scoreboard_record_at(b->page_bytes, (uint32_t)(i * STRETCH_RECORDS + 1));
	void *mapped;

	if (i >= b->n_stretches) {
		b->stretches = must_realloc(b->stretches, (i + 1) * sizeof(char *));
		while (b->n_stretches <= i)
			b->stretches[b->n_stretches++] = NULL;
	}
	if (b->stretches[i] == NULL) {
		mapped =
			mmap(NULL, stretch_bytes(b), PROT_READ | PROT_WRITE, MAP_SHARED, b->fd, at);
		b->stretches[i] = mapped == MAP_FAILED ? NULL : mapped;
	}
	return b->stretches[i];
}

struct scoreboard_place scoreboard_place(struct scoreboard *b, unsigned number)
{
	struct scoreboard_place place = {0};
	size_t i = (number - 1) / STRETCH_RECORDS, k = (number - 1) % STRETCH_RECORDS;
	struct err err;
	char *stretch;

	must(number > 0);
	if (b == NULL)
		return place;
	if (grow(b, number) < 0 || (stretch = map_stretch(b, i)) == NULL) {
		err_errno(&err, SCOREBOARD_FILE);
		log_event(LOG_ERROR, "scoreboard.failed", LOG_NUM("worker", number),
			LOG_STR("error", err.text));
		return place;
	}
	place.header = b->header;
	place.slot = (void *)(stretch + (size_t)b->page_bytes * SCOREBOARD_RECORD_PAGES * k);
	place.slot->number = number;
	scoreboard_job_over(place);
	scoreboard_gone(place);
	return place;
}

/* -- writing ---------------------------------------------------------------------------------------- */

static void begin(struct scoreboard_slot *s)
{
	__atomic_store_n(&s->sequence, s->sequence | 1u, __ATOMIC_RELAXED);
	__atomic_thread_fence(__ATOMIC_RELEASE);
}

static void end(struct scoreboard_slot *s)
{
	__atomic_store_n(&s->sequence, s->sequence + 1, __ATOMIC_RELEASE);
}

static void set_text(char *out, size_t room, struct span s)
{
	if (s.len >= room)
		s.len = 0;
	memcpy(out, s.at, s.len);
	out[s.len] = '\0';
}

static void count_exclusive(struct scoreboard_header *h, int by)
{
	__atomic_store_n(&h->exclusive, h->exclusive + (uint32_t)by, __ATOMIC_RELEASE);
}

void scoreboard_asked(struct scoreboard_place p)
{
	if (p.slot == NULL)
		return;
	begin(p.slot);
	p.slot->pid = 0;
	p.slot->asked_boot_ms = clock_boot_ms();
	p.slot->hello_boot_ms = 0;
	end(p.slot);
}

void scoreboard_hello(struct scoreboard_place p, pid_t pid)
{
	if (p.slot == NULL)
		return;
	begin(p.slot);
	p.slot->pid = pid;
	p.slot->hello_boot_ms = clock_boot_ms();
	end(p.slot);
}

void scoreboard_given(struct scoreboard_place p, struct span token, struct span jid, bool exclusive)
{
	if (p.slot == NULL)
		return;
	if (exclusive)
		count_exclusive(p.header, 1);
	begin(p.slot);
	p.slot->generation++;
	p.slot->run[0] = '\0';
	p.slot->flags = exclusive ? SCOREBOARD_BUSY | SCOREBOARD_EXCLUSIVE : SCOREBOARD_BUSY;
	p.slot->given_boot_ms = clock_boot_ms();
	set_text(p.slot->token, sizeof p.slot->token, token);
	set_text(p.slot->jid, sizeof p.slot->jid, jid);
	end(p.slot);
}

static void forget_flags(struct scoreboard_place p)
{
	if (p.slot->flags & SCOREBOARD_EXCLUSIVE)
		count_exclusive(p.header, -1);
	p.slot->flags = 0;
}

static void forget_names(struct scoreboard_place p)
{
	p.slot->token[0] = p.slot->jid[0] = p.slot->run[0] = '\0';
}

void scoreboard_job_over(struct scoreboard_place p)
{
	if (p.slot == NULL)
		return;
	begin(p.slot);
	p.slot->generation++; /* its marks are nobody's any more */
	forget_flags(p);
	forget_names(p);
	end(p.slot);
}

void scoreboard_gone(struct scoreboard_place p)
{
	if (p.slot == NULL)
		return;
	begin(p.slot);
	forget_flags(p);
	if (p.slot->run[0] == '\0')
		forget_names(p);
	p.slot->pid = 0;
	p.slot->asked_boot_ms = p.slot->hello_boot_ms = 0;
	end(p.slot);
}

/* -- iterating jobs ----------------------------------------------------------------------------------- */

static struct scoreboard_mark *page_of(struct scoreboard_place p, int i)
{
	return (void *)((char *)p.slot + (size_t)p.header->page_bytes * (size_t)(1 + i));
}

uint32_t scoreboard_iterates(struct scoreboard_place p, struct span run, int64_t part,
	const struct scoreboard_orders *orders)
{
	if (p.slot == NULL)
		return 0;
	begin(p.slot);
	p.slot->part = part;
	set_text(p.slot->run, sizeof p.slot->run, run);
	p.slot->orders = *orders;
	for (int i = 0; i < 2; i++)
		page_of(p, i)->sequence = 0;
	page_of(p, 0)->begun = (struct scoreboard_begun){0};
	end(p.slot);
	return p.slot->generation;
}

static void wake(struct scoreboard_orders *o)
{
	__atomic_add_fetch(&o->turn, 1, __ATOMIC_RELEASE);
	syscall(SYS_futex, &o->turn, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
}

void scoreboard_stop(struct scoreboard_place p)
{
	if (p.slot == NULL)
		return;
	__atomic_store_n(&p.slot->orders.stop, SCOREBOARD_STOP, __ATOMIC_RELEASE);
	wake(&p.slot->orders);
}

void scoreboard_set_end(struct scoreboard_place p, int64_t end)
{
	if (p.slot == NULL)
		return;
	__atomic_store_n(&p.slot->orders.end, end, __ATOMIC_RELEASE);
	wake(&p.slot->orders);
}

void scoreboard_set_granted(struct scoreboard_place p, int64_t granted)
{
	if (p.slot == NULL)
		return;
	__atomic_store_n(&p.slot->orders.granted, granted, __ATOMIC_RELEASE);
	wake(&p.slot->orders);
}

/* Of the two copies the newer whole one. */
static const struct scoreboard_mark *newer(
	const struct scoreboard_mark *a, const struct scoreboard_mark *b, uint32_t generation)
{
	bool a_whole = scoreboard_mark_is_whole(a, generation);
	bool b_whole = scoreboard_mark_is_whole(b, generation);

	if (a_whole && b_whole)
		return a->sequence > b->sequence ? a : b;
	return a_whole ? a : b_whole ? b : NULL;
}

/* The child writes the older of the two: one of them is whole at any time, but for how long? */
bool scoreboard_mark(struct scoreboard_place p, struct scoreboard_mark *out)
{
	enum { LOOKS = 64 };
	const size_t size = offsetof(struct scoreboard_mark, begun);

	for (int i = 0; p.slot && i < LOOKS; i++) {
		static struct scoreboard_mark copies[2];
		const struct scoreboard_mark *best;

		memcpy(&copies[0], page_of(p, 0), size);
		memcpy(&copies[1], page_of(p, 1), size);
		best = newer(&copies[0], &copies[1], p.slot->generation);
		if (best) {
			memcpy(out, best, size);
			return true;
		}
		if (copies[0].sequence == 0 && copies[1].sequence == 0)
			return false;
	}
	return false;
}

bool scoreboard_begun(struct scoreboard_place p, struct scoreboard_begun *out)
{
	if (p.slot == NULL)
		return false;
	memcpy(out, &page_of(p, 0)->begun, sizeof *out);
	return out->generation == p.slot->generation;
}

void scoreboard_put_mark(struct scoreboard_place p, int64_t number, struct span cursor)
{
	struct scoreboard_mark *m;
	uint64_t last = 0;

	if (p.slot == NULL)
		return;
	must(cursor.len <= SCOREBOARD_CURSOR_MAX);
	for (int i = 0; i < 2; i++)
		last = page_of(p, i)->sequence > last ? page_of(p, i)->sequence : last;
	m = page_of(p, page_of(p, 0)->sequence == last && last > 0);
	m->sequence = last + 1;
	m->generation = p.slot->generation;
	m->number = number;
	m->done = m->errors = 0;
	m->cursor_len = (uint32_t)cursor.len;
	memcpy(m->cursor, cursor.at, cursor.len);
	__atomic_store_n(&m->checksum, scoreboard_mark_sum(m), __ATOMIC_RELEASE);
}

/* -- reading ---------------------------------------------------------------------------------------- */

static bool read_part(int fd, void *out, size_t size, int64_t at)
{
	return pread(fd, out, size, (off_t)at) == (ssize_t)size;
}

/* What its iterating job left, if it is one. */
static void tell_slot(scoreboard_fn *fn, void *ctx, int fd, uint32_t page_bytes, int64_t at,
	const struct scoreboard_slot *slot)
{
	static struct scoreboard_mark pages[2];
	const struct scoreboard_mark *mark = NULL;
	bool read = slot->run[0] != '\0' &&
		    read_part(fd, &pages[0], sizeof pages[0], at + page_bytes) &&
		    read_part(fd, &pages[1], sizeof pages[1], at + 2 * (int64_t)page_bytes);

	if (read)
		mark = newer(&pages[0], &pages[1], slot->generation);
	fn(ctx, slot, mark,
		read && pages[0].begun.generation == slot->generation ? &pages[0].begun : NULL);
}

/* The header may name more than the file has, where it was cut; what is there is read. */
int scoreboard_read(int folder_fd, scoreboard_fn *fn, void *ctx, struct err *err)
{
	static struct scoreboard_header h;
	static struct scoreboard_slot slot;
	int fd = state_dir_open_file(folder_fd, SCOREBOARD_FILE);

	if (fd < 0)
		return 0;
	if (!read_part(fd, &h, sizeof h, 0) || !scoreboard_is_ours(&h)) {
		close(fd);
		return err_set(err, SCOREBOARD_FILE " is none of this version");
	}
	for (uint32_t n = 1; n <= h.records; n++) {
		int64_t at = scoreboard_record_at(h.page_bytes, n);

		if (!read_part(fd, &slot, sizeof slot, at))
			break;
		scoreboard_slot_close(&slot);
		if (slot.pid > 0 || slot.run[0] != '\0')
			tell_slot(fn, ctx, fd, h.page_bytes, at, &slot);
	}
	close(fd);
	return 0;
}

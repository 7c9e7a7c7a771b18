/* nursery/each/marks: see marks.h. */
#include "nursery/each/marks.h"

#include "base/crash.h"
#include "base/must.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/*
 * Programs the job starts are copies of it for a moment; what they could write here would be
 * another's. (Nor may the copy look at the orders.)
 */
static void *map(int fd, int64_t at, size_t size, int protection, struct err *err)
{
	void *page = mmap(NULL, size, protection, MAP_SHARED, fd, (off_t)at);

	if (page == MAP_FAILED) {
		err_errno(err, "scoreboard");
		return NULL;
	}
	if (madvise(page, size, MADV_DONTFORK) != 0) {
		err_errno(err, "scoreboard");
		munmap(page, size);
		return NULL;
	}
	return page;
}

static int map_record(struct marks *m, int fd, uint32_t record, struct err *err)
{
	size_t page_bytes = (size_t)sysconf(_SC_PAGESIZE);
	int64_t at = scoreboard_record_at((uint32_t)page_bytes, record);
	const struct scoreboard_slot *slot = map(fd, at, page_bytes, PROT_READ, err);
	char *pages;

	if (!slot)
		return -1;
	pages = map(fd, at + (int64_t)page_bytes, 2 * page_bytes, PROT_READ | PROT_WRITE, err);
	if (!pages)
		return -1;
	m->orders = &slot->orders;
	m->pages[0] = (struct scoreboard_mark *)pages;
	m->pages[1] = (struct scoreboard_mark *)(pages + page_bytes);
	return 0;
}

/* Of another job, or nothing: its numbers only tell which page was written last. */
static void take_over(struct marks *m)
{
	m->older = m->pages[0]->sequence > m->pages[1]->sequence;
	m->sequence = m->pages[!m->older]->sequence;
}

void marks_adopt_end(struct marks *m, int64_t number)
{
	int64_t wanted = scoreboard_end(m->orders);

	m->ordered = wanted;
	m->end = wanted > number ? wanted : number;
	__atomic_store_n(&m->pages[0]->begun.end, m->end, __ATOMIC_RELEASE);
}

/* Under the new generation last: until then it is the one before that began something. */
static void begin_nothing(struct marks *m)
{
	struct scoreboard_begun *b = &m->pages[0]->begun;

	__atomic_store_n(&b->generation, 0, __ATOMIC_RELEASE);
	marks_adopt_end(m, m->number);
	marks_begin(m, m->number, 0, SCOREBOARD_RESTING, 0);
	__atomic_store_n(&b->generation, m->generation, __ATOMIC_RELEASE);
}

int marks_open(
	struct marks *m, int fd, const struct job_each *e, struct span cursor, struct err *err)
{
	int mapped;

	*m = (struct marks){.number = e->number, .generation = e->generation};
	if (fd < 0)
		return err_set(err, "scoreboard: its descriptor did not come with the job");
	must(e->record > 0 && cursor.len <= SCOREBOARD_CURSOR_MAX);
	mapped = map_record(m, fd, e->record, err);
	close(fd);
	if (mapped != 0)
		return -1;
	take_over(m);
	begin_nothing(m);
	marks_pass(m, e->number, e->done, e->errors, cursor);
	return 0;
}

void marks_close(struct marks *m)
{
	size_t page_bytes = (size_t)sysconf(_SC_PAGESIZE);

	munmap(m->pages[0], 2 * page_bytes);
	m->pages[0] = m->pages[1] = NULL;
}

void marks_rest(struct marks *m)
{
	__atomic_store_n(&m->pages[0]->begun.mono_ms, SCOREBOARD_RESTING, __ATOMIC_RELAXED);
}

void marks_take_back(struct marks *m, uint32_t tries)
{
	struct scoreboard_begun *b = &m->pages[0]->begun;

	if (tries == 0)
		__atomic_store_n(&b->number, m->number, __ATOMIC_RELEASE);
	__atomic_store_n(&b->tries, tries, __ATOMIC_RELAXED);
	marks_rest(m);
}

/*
 * The page of the older mark is written over. Cut off anywhere, it has a checksum that is not its
 * own, and the newer one is not touched. The checksum is stored last, and through the mapped page,
 * so that the compiler keeps no part back.
 */
void marks_pass(struct marks *m, int64_t number, int64_t done, int64_t errors, struct span cursor)
{
	struct scoreboard_mark *p = m->pages[m->older];

	must(cursor.len <= SCOREBOARD_CURSOR_MAX);
	m->number = number;
	m->done = done;
	m->errors = errors;
	m->older = !m->older;
	p->sequence = ++m->sequence;
	p->generation = m->generation;
	p->cursor_len = (uint32_t)cursor.len;
	p->number = number;
	p->done = done;
	p->errors = errors;
	if (cursor.len > 0)
		memcpy(p->cursor, cursor.at, cursor.len);
	CRASH_POINT("child.mark");
	__atomic_store_n(&p->checksum, scoreboard_mark_sum(p), __ATOMIC_RELEASE);
	CRASH_POINT("child.marked");
}

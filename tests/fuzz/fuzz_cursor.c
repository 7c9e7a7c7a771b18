/*
 * Any bytes as a cursor, of every kind of collection: a sentence, or a place from which all items
 * that are given name places themselves, from which what followed them follows again. The first byte
 * says which collection, and with which options; no more than the collection has is given.
 */
#include <sys/mman.h>

#include "support/items.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CHECK(cond)              \
	do {                     \
		if (!(cond))     \
			abort(); \
	} while (0)

enum { KINDS = 8, MEMBERS = 9, ITEMS_MOST = 40 };

static const char ROWS[] = "a,b\n1,\"x\ny\"\r\n2,z\n\n3,\"\"\"\"\n4\n5,6,7";
static const char *CSV_PATH, *LINES_PATH;
static struct items_stream MEMBERS_STREAM, ROWS_STREAM;

/* A file in memory, which nobody has to take away. */
static const char *file_of(struct span bytes)
{
	int fd = memfd_create("items", 0);

	CHECK(write(fd, bytes.at, bytes.len) == (ssize_t)bytes.len);
	return must_printf("/proc/self/fd/%d", fd);
}

static void init(void)
{
	static struct span members[MEMBERS];
	struct text lines = {0};

	for (int i = 0; i < 60; i++)
		text_addf(&lines, "%d%.*s\n", i, i % 90, ROWS);
	CSV_PATH = file_of(SPAN_LIT(ROWS));
	LINES_PATH = file_of((struct span){lines.data, lines.len});
	text_fini(&lines);
	for (int i = 0; i < MEMBERS; i++)
		members[i] = SPAN_LIT("member\n");
	MEMBERS_STREAM = (struct items_stream){.members = members, .count = MEMBERS};
	ROWS_STREAM = (struct items_stream){.bytes = SPAN_LIT(ROWS), .uncounted = true};
	items_stream_start(&MEMBERS_STREAM);
	items_stream_start(&ROWS_STREAM);
}

/* Returns the stream. */
static int describe(struct job_message *m, int kind)
{
	m->path = kind == 3 ? CSV_PATH : LINES_PATH;
	m->collection.kind = kind == 3 || kind == 5 ? JOB_CSV : JOB_LINES;
	m->collection.stream = kind == 5;
	if (kind == 0 || kind == 6)
		items_range(&m->collection, -50, 50, 7);
	if (kind == 1)
		items_range(&m->collection, INT64_MAX, INT64_MIN, INT64_MIN / 7);
	if (kind == 4) {
		m->collection.kind = JOB_MEMBERS;
		m->collection.members = JOB_MEMBERS_LIST;
	}
	if (kind == 6 || kind == 7) {
		m->inner_path = CSV_PATH;
		m->inner.kind = JOB_CSV;
	}
	return kind == 4 ? MEMBERS_STREAM.theirs : kind == 5 ? ROWS_STREAM.theirs : -1;
}

static void check_going_on(
	const struct job_message *m, int stream, const struct items_list *all, size_t i)
{
	const struct items_one *at = &all->list[i], *want = at + 1;
	struct items_list next = {0};
	struct err err = {""};

	CHECK(items_take(&next, m, stream, (struct span){at->cursor, at->cursor_len}, at->last,
		      INT64_MAX, 1, &err) == 1);
	CHECK(strcmp(next.list[0].cursor, want->cursor) == 0 && next.list[0].len == want->len);
	CHECK(next.list[0].number == want->number && next.list[0].last == want->last);
	CHECK(memcmp(next.list[0].text, want->text, want->len) == 0);
	items_fini(&next);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static bool ready;
	struct job_message m = items_message(0);
	struct items_list all = {0};
	struct err err = {""};
	struct span cursor = {(const char *)data + 1, size - 1};
	int stream;
	int64_t got;

	if (!ready)
		init();
	ready = true;
	if (size < 2)
		return 0;
	m.each.flags = data[0] & 64 ? JOB_EACH_CHANGE : 0;
	m.each.batch = data[0] & 32 ? 3 : 1;
	stream = describe(&m, data[0] % KINDS);
	got = items_take(&all, &m, stream, cursor, 0, INT64_MAX, ITEMS_MOST, &err);
	CHECK(got >= 0 || err.text[0]);
	for (size_t i = 0; i + 1 < all.count && i < 2; i++)
		check_going_on(&m, stream, &all, i);
	items_fini(&all);
	return 0;
}

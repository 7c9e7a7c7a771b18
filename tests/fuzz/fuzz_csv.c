/*
 * Any bytes as a CSV file, the first of them its separator: every item is a JSON object on one line,
 * or is to be set aside with a reason; counted without being decoded there are as many; gone on
 * behind each of them, after it comes what came after it, with the same cursor. Rows are as a second
 * reader, which goes byte by byte over the whole, splits them.
 */
#include <fcntl.h>
#include <sys/mman.h>

#include "base/json_scan.h"
#include "nursery/items/csv_row.h"
#include "support/items.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CHECK(cond)              \
	do {                     \
		if (!(cond))     \
			abort(); \
	} while (0)

static bool never(void *ctx)
{
	(void)ctx;
	return false;
}

/* A file in memory under a name, one for all inputs. */
static const char *file_of(struct span bytes)
{
	static char path[64];
	static int fd = -1;

	if (fd < 0) {
		fd = memfd_create("csv", 0);
		snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	}
	CHECK(ftruncate(fd, 0) == 0);
	CHECK(bytes.len == 0 || pwrite(fd, bytes.at, bytes.len, 0) == (ssize_t)bytes.len);
	return path;
}

/* How many rows there are that have a byte, the header too; -1: more than that cannot be said. */
static int64_t count_rows(struct span s, char separator)
{
	int64_t rows = 0;
	size_t row = 0; /* bytes of it, its end not counted */
	bool quoted = false, plain = false;

	if (s.len >= 3 && memcmp(s.at, "\xef\xbb\xbf", 3) == 0)
		s = (struct span){s.at + 3, s.len - 3};
	for (size_t i = 0; i < s.len; i++) {
		char c = s.at[i];

		if (c == '\n' && !quoted) {
			rows += row > 1 || (row == 1 && s.at[i - 1] != '\r');
			row = 0;
			plain = false;
			continue;
		}
		row++;
		if (c == '"' && !plain)
			quoted = !quoted;
		else if (!quoted)
			plain = c != separator;
	}
	return rows + (row > 1 || (row == 1 && s.at[s.len - 1] != '\r'));
}

/* By itself, of its exact size, for the sanitizer: in the buffer nobody would see a byte too far. */
static void check_row(struct span bytes, char separator)
{
	struct csv_header h;
	struct csv_scan scan = {.separator = separator};
	struct text out = {0}, scratch = {0};
	struct err err;
	char *copy = malloc(bytes.len ? bytes.len : 1);
	struct span row = {copy, bytes.len};

	memcpy(copy, bytes.at, bytes.len);
	csv_find_end(&scan, row.at, row.at + row.len);
	if (csv_header_read(&h, row, separator, &err) == 0) {
		CHECK(csv_add_row(&out, &h, row, separator, &scratch));
		CHECK(json_scan((struct span){out.data, out.len}, NULL, NULL, &err) ==
			JSON_KIND_OBJECT);
		csv_header_fini(&h);
	}
	text_fini(&out);
	text_fini(&scratch);
	free(copy);
}

static void check_item(const struct items_one *one)
{
	struct err err;
	struct span text = {one->text, one->len};

	if (one->unfit)
		return;
	CHECK(json_scan(text, NULL, NULL, &err) == JSON_KIND_OBJECT);
	CHECK(!memchr(text.at, '\n', text.len));
}

static void check_going_on(const struct job_message *m, const struct items_list *all, size_t i)
{
	const struct items_one *at = &all->list[i];
	struct items_list next = {0};
	struct err err;
	int64_t got = items_take(&next, m, -1, (struct span){at->cursor, at->cursor_len},
		at->number, INT64_MAX, 1, &err);

	CHECK(got == (i + 1 < all->count));
	if (got == 1) {
		const struct items_one *want = at + 1;

		CHECK(strcmp(next.list[0].cursor, want->cursor) == 0);
		CHECK(next.list[0].number == want->number && next.list[0].len == want->len);
		CHECK(memcmp(next.list[0].text, want->text, want->len) == 0);
	}
	items_fini(&next);
}

static void check_plan(const struct job_message *m, const struct items_list *all)
{
	struct collection_plan plan;
	struct err err;

	CHECK(collection_make_plan(m, 3, never, NULL, &plan, -1, &err) == 1);
	CHECK(plan.total == (int64_t)all->count);
	text_fini(&plan.bounds);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct job_message m = items_message(JOB_CSV);
	struct span bytes = {(const char *)data + 1, size - 1};
	struct items_list all = {0};
	struct err err;
	int64_t rows;

	if (size == 0)
		return 0;
	if (data[0] != '"')
		check_row(bytes, (char)data[0]);
	m.path = file_of(bytes);
	m.collection.separator = data[0];
	if (items_take(&all, &m, -1, (struct span){0}, 0, INT64_MAX, INT64_MAX, &err) < 0) {
		CHECK(strstr(err.text, "the header") || strstr(err.text, "cannot separate"));
		items_fini(&all);
		return 0;
	}
	rows = count_rows(bytes, data[0] ? (char)data[0] : ',');
	CHECK((int64_t)all.count == (rows ? rows - 1 : 0));
	for (size_t i = 0; i < all.count; i++) {
		check_item(&all.list[i]);
		check_going_on(&m, &all, i);
	}
	check_plan(&m, &all);
	items_fini(&all);
	return 0;
}

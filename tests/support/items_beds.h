/*
 * items_beds: one collection of every kind, with the items that are in it as the test knows them by
 * itself, and a model of windows and batches over them. Included by single programs.
 */
#ifndef DROVER_SUPPORT_ITEMS_BEDS_H
#define DROVER_SUPPORT_ITEMS_BEDS_H

#include "support/items.h"

struct items_bed {
	struct job_message m;
	struct items_list items; /* what is in it, one by one; no cursors */
	bool json;		 /* the texts are JSON */
	bool windowed;		 /* from and to apply */
	bool counted, divided;
	bool spoilt; /* there are unfit items in it */
	bool slow;   /* a process is started for every few items */
	char *path, *inner_path;
	struct text bytes;
	struct items_stream stream;
	bool streams;
	struct span members[40];
	const char *argv[8];
};

static inline void bed_add(struct items_bed *b, struct span text, bool unfit)
{
	int64_t number = (int64_t)b->items.count + 1;

	items_add(&b->items, text, (struct span){0}, number, number, unfit);
	b->spoilt = b->spoilt || unfit;
}

static inline void bed_addf(struct items_bed *b, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
static inline void bed_addf(struct items_bed *b, const char *fmt, ...)
{
	char text[256];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	bed_add(b, span_of(text), false);
}

static inline void bed_use_file(struct items_bed *b)
{
	b->path = items_file((struct span){b->bytes.data, b->bytes.len});
	b->m.path = b->path;
	b->windowed = b->counted = b->divided = true;
}

/* The same bytes, and no file: it is uploaded. */
static inline void bed_use_upload(struct items_bed *b)
{
	b->m.collection.stream = 1;
	b->stream.bytes = (struct span){b->bytes.data, b->bytes.len};
	b->streams = b->windowed = b->counted = b->divided = true;
}

/* -- kinds --------------------------------------------------------------------------------------- */

static inline void bed_range(struct items_bed *b)
{
	items_range(&b->m.collection, -5, 40, 3);
	for (int i = -5; i <= 40; i += 3)
		bed_addf(b, "%d", i);
	b->json = b->counted = b->divided = true;
}

static inline void bed_range_down(struct items_bed *b)
{
	items_range(&b->m.collection, INT64_MIN + 70, INT64_MIN, -2);
	for (int64_t i = 70; i >= 0; i -= 2)
		bed_addf(b, "%lld", (long long)(INT64_MIN + i));
	b->json = b->counted = b->divided = true;
}

static inline void bed_empty_range(struct items_bed *b)
{
	items_range(&b->m.collection, 2, 1, 1);
	b->json = b->counted = b->divided = true;
}

static inline void bed_make_lines(struct items_bed *b)
{
	static const char *const ends[] = {"\n", "\r\n"};

	b->m.collection.kind = JOB_LINES;
	text_add_str(&b->bytes, "\xef\xbb\xbf");
	for (int i = 1; i <= 37; i++) {
		struct text line = {0};

		for (int j = 0; j < i % 5; j++)
			text_addf(&line, "line %d\t\"\xff", i);
		bed_add(b, (struct span){line.data, line.len}, false);
		text_add(&b->bytes, line.data, line.len);
		text_add_str(&b->bytes, i == 37 ? "" : ends[i % 2]);
		text_fini(&line);
	}
}

static inline void bed_lines(struct items_bed *b)
{
	bed_make_lines(b);
	bed_use_file(b);
}

static inline void bed_uploaded_lines(struct items_bed *b)
{
	bed_make_lines(b);
	bed_use_upload(b);
}

/* Of sizes beside which the buffer, a block and what is kept of it are small. */
static inline void bed_long_lines(struct items_bed *b)
{
	static const size_t sizes[] = {4095, 0, 8191, 1, 4096, 70000, 12, 200000, 65536, 3};

	b->m.collection.kind = JOB_LINES;
	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
		char *line = must_alloc(sizes[i] + 1);

		memset(line, 'a' + (int)i, sizes[i]);
		bed_add(b, (struct span){line, sizes[i]}, false);
		text_add(&b->bytes, line, sizes[i]);
		text_add_char(&b->bytes, '\n');
		free(line);
	}
	bed_use_file(b);
}

static inline void bed_json(struct items_bed *b)
{
	b->m.collection.kind = JOB_JSON;
	for (int i = 1; i <= 31; i++) {
		char value[64];

		snprintf(value, sizeof value, i % 7 ? "{\"n\": %d}" : "{\"n\": %d", i);
		text_addf(&b->bytes, "%s %s\t%s", i % 3 ? "" : "\n \t\r\n", value,
			i == 31 ? "" : "\n");
		bed_add(b, span_of(value), i % 7 == 0);
	}
	b->json = true;
	bed_use_file(b);
}

static inline void bed_make_csv(struct items_bed *b)
{
	b->m.collection.kind = JOB_CSV;
	b->m.collection.separator = ';';
	text_add_str(&b->bytes, "\r\nid;\"the ; \"\"text\"\"\"\r\n");
	for (int i = 1; i <= 33; i++) {
		text_addf(&b->bytes, i % 2 ? "%d;\"a\n%d;\"\"\"%s" : "\"%d\";a\"%d%s", i, i,
			i == 33 ? ""
			: i % 3 ? "\n"
				: "\r\n\n\r\n");
		bed_addf(b, "{\"id\":\"%d\",\"the ; \\\"text\\\"\":\"a%s%d%s\"}", i,
			i % 2 ? "\\n" : "\\\"", i, i % 2 ? ";\\\"" : "");
	}
	b->json = true;
}

static inline void bed_csv(struct items_bed *b)
{
	bed_make_csv(b);
	bed_use_file(b);
}

static inline void bed_uploaded_csv(struct items_bed *b)
{
	bed_make_csv(b);
	bed_use_upload(b);
	b->stream.uncounted = true;
}

static inline void bed_printed(struct items_bed *b)
{
	static const char script[] =
		"i=${DROVER_CURSOR:-c0} i=${i#c}; while [ $i -lt 23 ]; do i=$((i + 1));"
		" printf 'c%d\titem\t%d\\n' $i $i; done";

	b->m.collection.kind = JOB_PRINTED;
	b->slow = true;
	b->argv[0] = "sh";
	b->argv[1] = "-c";
	b->argv[2] = script;
	b->m.lists[JOB_COLLECTION_ARGV] = b->argv;
	for (int i = 1; i <= 23; i++)
		bed_addf(b, "item\t%d", i);
}

static inline void bed_members(struct items_bed *b)
{
	b->m.collection.kind = JOB_MEMBERS;
	b->m.collection.members = JOB_MEMBERS_LIST;
	b->m.collection.stream = 1;
	for (int i = 0; i < 40; i++) {
		bed_addf(b, "member %d", i);
		b->members[i] = span_of(b->items.list[i].text);
	}
	b->stream.members = b->members;
	b->stream.count = 40;
	b->streams = b->windowed = b->counted = b->divided = true;
}

static inline void bed_set(struct items_bed *b)
{
	bed_members(b);
	b->m.collection.members = JOB_MEMBERS_SET;
	b->divided = false;
}

/* -- nested ones --------------------------------------------------------------------------------- */

/* The items 1 .. 7, and the lines of the file of that name: 3 has none, 4 a thousand bytes. */
static inline void bed_range_of_lines(struct items_bed *b)
{
	items_range(&b->m.collection, 1, 7, 1);
	b->m.inner = (struct job_collection){.kind = JOB_LINES};
	b->inner_path = items_file((struct span){0});
	unlink(b->inner_path);
	text_addf(&b->bytes, "%s.{item}", b->inner_path);
	b->m.inner_path = b->bytes.data;
	for (int i = 1; i <= 7; i++) {
		struct text lines = {0};
		char path[64];

		for (int j = 1; j <= (i == 3 ? 0 : i); j++) {
			text_addf(&lines, "%d \"%d\n", i, j);
			bed_addf(b, "[%d,\"%d \\\"%d\"]", i, i, j);
		}
		snprintf(path, sizeof path, "%s.%d", b->inner_path, i);
		items_write(path, (struct span){lines.data, lines.len});
		text_fini(&lines);
	}
	b->json = b->windowed = true;
}

/* Outer lines some of which are no JSON: they are set aside, and what follows goes on. */
static inline void bed_json_of_printed(struct items_bed *b)
{
	b->m.collection.kind = JOB_JSON;
	b->m.inner = (struct job_collection){.kind = JOB_PRINTED};
	b->slow = true;
	b->argv[0] = "sh";
	b->argv[1] = "-c";
	b->argv[2] = "i=${{DROVER_CURSOR:-0}; while [ $i -lt $1 ]; do i=$((i + 1));"
		     " printf '%d\t%s%d\\n' $i \"$2\" $i; done";
	b->argv[3] = "-";
	b->argv[4] = "{item.n}";
	b->argv[5] = "{item.\xc3\xbc}";
	b->m.lists[JOB_INNER_ARGV] = b->argv;
	for (int i = 0; i < 6; i++) {
		if (i % 3 == 2) {
			text_add_str(&b->bytes, "nonsense\n");
			bed_add(b, SPAN_LIT("nonsense"), true);
			continue;
		}
		text_addf(&b->bytes, "{\"n\":%d,\"\\u00fc\":\"x\\u0020\"}\n", i);
		for (int j = 1; j <= i; j++)
			bed_addf(b, "[{\"n\":%d,\"\\u00fc\":\"x\\u0020\"},\"x %d\"]", i, j);
	}
	b->json = b->windowed = true;
	bed_use_file(b);
	b->counted = b->divided = false;
}

/* Members within members, over one stream. */
static inline void bed_members_of_range(struct items_bed *b)
{
	bed_members(b);
	items_fini(&b->items);
	items_range(&b->m.inner, 1, 2, 1);
	for (int i = 0; i < 40; i++)
		b->members[i] = SPAN_LIT("two\nlines");
	b->stream.count = 9;
	for (int i = 0; i < 18; i++)
		bed_addf(b, "[\"two\\nlines\",%d]", i % 2 + 1);
	b->json = true;
	b->counted = b->divided = false;
}

static const struct {
	const char *name;
	void (*make)(struct items_bed *b);
} ITEMS_BEDS[] = {
	{"range", bed_range},
	{"range down", bed_range_down},
	{"empty range", bed_empty_range},
	{"lines", bed_lines},
	{"uploaded lines", bed_uploaded_lines},
	{"long lines", bed_long_lines},
	{"json", bed_json},
	{"csv", bed_csv},
	{"uploaded csv", bed_uploaded_csv},
	{"printed", bed_printed},
	{"list", bed_members},
	{"set", bed_set},
	{"range of lines", bed_range_of_lines},
	{"json of printed", bed_json_of_printed},
	{"members of range", bed_members_of_range},
};

#define ITEMS_BEDS_COUNT (int)(sizeof ITEMS_BEDS / sizeof *ITEMS_BEDS)

static inline void bed_init(struct items_bed *b, int i)
{
	*b = (struct items_bed){.m = items_message(0), .stream = {.theirs = -1}};
	ITEMS_BEDS[i].make(b);
	if (b->streams)
		items_stream_start(&b->stream);
}

static inline void bed_fini(struct items_bed *b)
{
	if (b->streams)
		items_stream_end(&b->stream);
	if (b->path)
		items_drop(b->path);
	for (int i = 1; b->inner_path && i <= 7; i++) {
		char path[64];

		snprintf(path, sizeof path, "%s.%d", b->inner_path, i);
		unlink(path);
	}
	free(b->inner_path);
	text_fini(&b->bytes);
	items_fini(&b->items);
}

/* -- the model ----------------------------------------------------------------------------------- */

static inline void bed_close_batch(
	struct items_list *out, struct text *joined, int64_t *first, int64_t last)
{
	if (*first == 0)
		return;
	text_add_char(joined, ']');
	items_add(out, (struct span){joined->data, joined->len}, (struct span){0}, *first, last,
		false);
	*first = 0;
}

static inline void bed_join(
	const struct items_bed *b, struct text *joined, int64_t *first, const struct items_one *one)
{
	struct span text = {one->text, one->len};

	if (*first == 0) {
		*first = one->number;
		text_clear(joined);
	}
	text_add_char(joined, *first == one->number ? '[' : ',');
	if (b->json)
		text_add_span(joined, text);
	else
		text_add_json(joined, text);
}

/* The numbers that are gone through, as window and limit of the message say. */
static inline void bed_window(const struct items_bed *b, int64_t *lo, int64_t *hi)
{
	const struct job_each *e = &b->m.each;

	*lo = b->windowed && e->from != JOB_NO_NUMBER ? e->from : 1;
	*hi = (int64_t)b->items.count;
	if (b->windowed && e->to < *hi)
		*hi = e->to;
	if (e->limit != JOB_NO_NUMBER && *lo + e->limit - 1 < *hi)
		*hi = *lo + e->limit - 1;
}

static inline struct items_list bed_expect(const struct items_bed *b)
{
	struct items_list out = {0};
	struct text joined = {0};
	int64_t lo, hi, first = 0;

	bed_window(b, &lo, &hi);
	for (int64_t n = lo; n <= hi; n++) {
		const struct items_one *one = &b->items.list[n - 1];

		if (one->unfit || b->m.each.batch == 1) {
			bed_close_batch(&out, &joined, &first, n - 1);
			items_add(&out, (struct span){one->text, one->len}, (struct span){0}, n, n,
				one->unfit);
			continue;
		}
		bed_join(b, &joined, &first, one);
		if (n - first + 1 == b->m.each.batch)
			bed_close_batch(&out, &joined, &first, n);
	}
	bed_close_batch(&out, &joined, &first, hi);
	text_fini(&joined);
	return out;
}

#endif

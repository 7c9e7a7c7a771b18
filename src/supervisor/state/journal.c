/* journal: see journal.h. droverd; what is read is of another start that is gone. */
#include "supervisor/state/journal.h"
#include "base/crash.h"
#include "base/log.h"
#include "base/must.h"
#include "supervisor/state/journal_record.h"
#include "supervisor/state/state_dir.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define NEW_FILE JOURNAL_FILE ".new"

enum { KEEP_BYTES = 1 << 20, LONG_BYTES = 4 << 20, READ_AT_LEAST = 4096, READ_AT_MOST = 1 << 30 };

struct journal {
	int folder, fd;
	uint64_t epoch, last_id;
	size_t waiting;
	uint64_t live_bytes; /* of the records that wait */
	uint64_t end;	     /* of what is written */
	uint64_t long_from;  /* no rewriting below this */
	struct text notes;   /* not written yet */
	bool failed;
	int old_fd; /* of the file that is being replaced; else -1 */
};

static int make_file(int folder, const char *name)
{
	return openat(folder, name, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
}

struct journal *journal_new(int folder_fd, struct err *err)
{
	struct journal *j;
	int fd = make_file(folder_fd, JOURNAL_FILE);

	if (fd < 0) {
		err_errno(err, JOURNAL_FILE);
		return NULL;
	}
	j = must_alloc(sizeof *j);
	*j = (struct journal){.folder = folder_fd, .fd = fd, .old_fd = -1, .long_from = LONG_BYTES};
	return j;
}

void journal_free(struct journal *j)
{
	if (j == NULL)
		return;
	close(j->fd);
	text_fini(&j->notes);
	free(j);
}

static void begin_anew(struct journal *j)
{
	text_clear(&j->notes);
	j->epoch++;
	if (j->end > KEEP_BYTES && ftruncate(j->fd, 0) < 0)
		log_event(LOG_DEBUG, "journal.kept", LOG_STR("error", strerror(errno)));
	j->end = 0;
	j->long_from = LONG_BYTES;
}

struct journal_mark journal_add(struct journal *j, const struct verdict *v)
{
	struct journal_mark mark = {0};
	size_t before;

	if (j == NULL)
		return mark;
	if (j->waiting == 0 && j->old_fd < 0)
		begin_anew(j);
	before = j->notes.len;
	mark.id = ++j->last_id;
	journal_record_add_verdict(&j->notes, j->epoch, mark.id, v);
	mark.bytes = j->notes.len - before;
	j->waiting++;
	j->live_bytes += mark.bytes;
	return mark;
}

void journal_strike(struct journal *j, struct journal_mark mark)
{
	if (j == NULL || mark.id == 0)
		return;
	must(j->waiting > 0 && j->live_bytes >= mark.bytes);
	j->waiting--;
	j->live_bytes -= mark.bytes;
	if (j->waiting > 0)
		journal_record_add_strike(&j->notes, j->epoch, mark.id);
	else
		text_clear(&j->notes); /* the next one begins anew: nothing to strike out */
	CRASH_POINT("journal.struck");
}

/* A part that was written is written over by the next: no reader takes it for a record. */
static int write_notes(struct journal *j)
{
	size_t done = 0;

	while (done < j->notes.len) {
		ssize_t n = pwrite(
			j->fd, j->notes.data + done, j->notes.len - done, (off_t)(j->end + done));

		if (n < 0 && errno != EINTR)
			return -1;
		done += n > 0 ? (size_t)n : 0;
	}
	j->end += done;
	return 0;
}

static void say_failed(struct journal *j)
{
	if (!j->failed)
		log_event(LOG_ERROR, "journal.failed", LOG_STR("error", strerror(errno)),
			LOG_STR("consequence",
				"verdicts stand in memory only until Redis is reached"));
	j->failed = true;
}

void journal_write(struct journal *j)
{
	if (j == NULL || j->notes.len == 0)
		return;
	if (write_notes(j) < 0)
		say_failed(j);
	else
		j->failed = false;
	text_clear(&j->notes);
	CRASH_POINT("journal.written");
}

void journal_settle(struct journal *j)
{
	if (j && j->waiting == 0 && j->end > 0 && ftruncate(j->fd, 0) == 0)
		j->end = 0;
}

/* -- a new file ------------------------------------------------------------------------------------- */

bool journal_is_long(const struct journal *j)
{
	return j && j->end > j->long_from && j->end / 4 > j->live_bytes;
}

void journal_rewrite_begin(struct journal *j)
{
	int fd = make_file(j->folder, NEW_FILE);

	journal_write(j);
	j->old_fd = j->fd;
	j->fd = fd;
	j->waiting = 0;
	j->live_bytes = 0;
}

/* Where it does not work out the old file goes on: it still names all that waits, and more. */
void journal_rewrite_end(struct journal *j)
{
	uint64_t old_end = j->end;

	j->end = 0;
	if (j->fd >= 0 && write_notes(j) == 0 &&
		renameat(j->folder, NEW_FILE, j->folder, JOURNAL_FILE) == 0) {
		close(j->old_fd);
		j->long_from = j->end + LONG_BYTES;
	} else {
		say_failed(j);
		if (j->fd >= 0)
			close(j->fd);
		unlinkat(j->folder, NEW_FILE, 0);
		j->fd = j->old_fd;
		j->end = old_end;
		j->long_from = 2 * old_end;
		write_notes(j); /* under the new marks, which will be struck out */
	}
	j->old_fd = -1;
	text_clear(&j->notes);
}

/* -- reading ----------------------------------------------------------------------------------------- */

static int read_all(int folder, struct text *out, struct err *err)
{
	int fd = state_dir_open_file(folder, JOURNAL_FILE);
	struct stat st;
	ssize_t n = 1;

	if (fd < 0)
		return errno == ENOENT ? 0 : err_errno(err, JOURNAL_FILE);
	if (fstat(fd, &st) < 0 || st.st_size > READ_AT_MOST) {
		close(fd);
		return err_set(err, "%s is larger than any that droverd writes", JOURNAL_FILE);
	}
	text_reserve(out, (size_t)st.st_size + 1);
	while (n > 0 && out->len <= (size_t)READ_AT_MOST) {
		text_reserve(out, READ_AT_LEAST);
		n = read(fd, out->data + out->len, out->cap - out->len - 1);
		if (n > 0)
			out->len += (size_t)n;
	}
	if (n < 0)
		err_errno(err, JOURNAL_FILE);
	close(fd);
	return n < 0 ? -1 : 0;
}

struct ids {
	uint64_t *at;
	size_t n, cap;
};

static int compare_ids(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

/* The next record of the list, and the rest behind it. */
static bool next_record(
	struct span *rest, uint64_t epoch, struct journal_head *head, struct span *body)
{
	if (!journal_record_read(*rest, head, body) || (epoch != 0 && head->epoch != epoch))
		return false;
	rest->at += head->size;
	rest->len -= head->size;
	return true;
}

static void find_struck(struct span rest, struct ids *struck)
{
	struct journal_head head;
	struct span body;

	for (uint64_t epoch = 0; next_record(&rest, epoch, &head, &body); epoch = head.epoch) {
		if (head.kind != JOURNAL_STRIKE)
			continue;
		if (struck->n == struck->cap) {
			struck->cap = struck->cap ? 2 * struck->cap : 64;
			struck->at = must_realloc(struck->at, struck->cap * sizeof *struck->at);
		}
		struck->at[struck->n++] = head.id;
	}
	if (struck->n > 0)
		qsort(struck->at, struck->n, sizeof *struck->at, compare_ids);
}

static bool is_struck(const struct ids *struck, uint64_t id)
{
	return struck->n > 0 &&
	       bsearch(&id, struck->at, struck->n, sizeof *struck->at, compare_ids) != NULL;
}

static int tell_waiting(struct span rest, const struct ids *struck, journal_fn *fn, void *ctx)
{
	struct journal_head head;
	struct span body;
	int told = 0;

	for (uint64_t epoch = 0; next_record(&rest, epoch, &head, &body); epoch = head.epoch) {
		struct verdict v;
		struct span *pairs;

		if (head.kind != JOURNAL_VERDICT || is_struck(struck, head.id) ||
			!journal_record_verdict(body, &v, &pairs))
			continue;
		fn(ctx, &v);
		free(pairs);
		told++;
	}
	return told;
}

int journal_read(int folder_fd, journal_fn *fn, void *ctx, struct err *err)
{
	struct text bytes = {0};
	struct ids struck = {0};
	int told = -1;

	if (read_all(folder_fd, &bytes, err) == 0) {
		struct span all = {bytes.data, bytes.len};

		find_struck(all, &struck);
		told = tell_waiting(all, &struck, fn, ctx);
	}
	free(struck.at);
	text_fini(&bytes);
	return told;
}

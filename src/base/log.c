/*
 * log: see log.h. Runs in droverd, drover and the nursery (not in jobs). It must never wait: a
 * supervisor that stands still behind a full pipe would lose its lease.
 */
#include "base/log.h"
#include "base/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

enum { KEEP_MAX = 1 << 20, FLUSH_AT = 16 << 10 };

/* The one global of the program: standard error is one, too. */
static struct {
	enum log_level level;
	enum log_format format;
	bool journal; /* lines carry the "<N>" prefix of sd-daemon(3) */
	bool is_socket;
	bool ready;
	int fd;
	struct text waiting;
	uint64_t dropped;
} out = {.level = LOG_INFO, .fd = STDERR_FILENO};

static const char *const LEVELS[] = {"error", "warn", "info", "debug"};
static const char *const FORMATS[] = {"logfmt", "json"};
static const char JOURNAL_PRIORITY[] = {'3', '4', '6', '7'};

static int find(const char *name, const char *const *names, int n)
{
	for (int i = 0; i < n; i++)
		if (strcmp(names[i], name) == 0)
			return i;
	return -1;
}

int log_level_parse(const char *name, enum log_level *level)
{
	int i = find(name, LEVELS, 4);

	if (i >= 0)
		*level = (enum log_level)i;
	return i < 0 ? -1 : 0;
}

int log_format_parse(const char *name, enum log_format *format)
{
	int i = find(name, FORMATS, 2);

	if (i >= 0)
		*format = (enum log_format)i;
	return i < 0 ? -1 : 0;
}

const char *log_level_name(enum log_level level)
{
	return LEVELS[level];
}

const char *log_format_name(enum log_format format)
{
	return FORMATS[format];
}

/* A pipe is opened anew: O_NONBLOCK belongs to the open file, which others share with us. */
static void open_sink(void)
{
	struct stat st;
	int fd;

	out.ready = true;
	if (fstat(STDERR_FILENO, &st) < 0)
		return;
	out.is_socket = S_ISSOCK(st.st_mode);
	if (!S_ISFIFO(st.st_mode) && !S_ISCHR(st.st_mode))
		return;
	fd = open("/proc/self/fd/2", O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd >= 0)
		out.fd = fd;
}

void log_init(enum log_level level, enum log_format format)
{
	out.level = level;
	out.format = format;
	out.journal = getenv("JOURNAL_STREAM") != NULL;
	if (!out.ready)
		open_sink();
}

bool log_wants(enum log_level level)
{
	return level <= out.level;
}

static bool bare_value(const struct log_field *f)
{
	for (size_t i = 0; i < f->len; i++) {
		unsigned char c = (unsigned char)f->text[i];

		if (c <= ' ' || c == '"' || c == '=' || c == '\\' || c >= 0x7f)
			return false;
	}
	return f->len > 0;
}

static void add_value(struct text *line, const struct log_field *f, bool json)
{
	if (f->text == NULL)
		text_add_int(line, f->number);
	else if (!json && bare_value(f))
		text_add(line, f->text, f->len);
	else
		text_add_json(line, (struct span){f->text, f->len});
}

static void add_pair(struct text *line, const struct log_field *f, bool first)
{
	bool json = out.format == LOG_JSON;

	if (f->key == NULL)
		return;
	if (!first)
		text_add_char(line, json ? ',' : ' ');
	if (json)
		text_add_char(line, '"');
	text_add_str(line, f->key);
	text_add_str(line, json ? "\":" : "=");
	add_value(line, f, json);
}

/* The calendar is asked once a second, not once a line. */
static const char *say_now(char *when)
{
	static int64_t second = -1;
	static char text[CLOCK_TEXT_SIZE];
	int64_t now = clock_wall_ms();
	int ms = (int)(now % 1000);

	if (now / 1000 != second) {
		second = now / 1000;
		clock_rfc3339(second * 1000, text); /* 2026-11-21T19:26:23.000Z */
	}
	memcpy(when, text, sizeof text);
	when[20] = (char)('0' + ms / 100);
	when[21] = (char)('0' + ms / 10 % 10);
	when[22] = (char)('0' + ms % 10);
	return when;
}

static void add_line(
	enum log_level level, const char *event, const struct log_field *fields, size_t n)
{
	struct text *t = &out.waiting;
	char when[CLOCK_TEXT_SIZE];
	struct log_field head[] = {LOG_STR("time", say_now(when)), LOG_STR("level", LEVELS[level]),
		LOG_STR("event", event)};

	if (out.journal)
		text_addf(t, "<%c>", JOURNAL_PRIORITY[level]);
	if (out.format == LOG_JSON)
		text_add_char(t, '{');
	for (size_t i = 0; i < 3; i++)
		add_pair(t, &head[i], i == 0);
	for (size_t i = 0; i < n; i++)
		add_pair(t, &fields[i], false);
	text_add_str(t, out.format == LOG_JSON ? "}\n" : "\n");
}

void log_event_fields(
	enum log_level level, const char *event, const struct log_field *fields, size_t n)
{
	int saved = errno;

	if (!log_wants(level))
		return;
	if (!out.ready)
		open_sink();
	if (out.waiting.len > KEEP_MAX) {
		out.dropped++;
		return;
	}
	if (out.dropped > 0) {
		struct log_field lost = LOG_NUM("lines", (int64_t)out.dropped);

		out.dropped = 0;
		add_line(LOG_WARN, "log.dropped", &lost, 1);
	}
	add_line(level, event, fields, n);
	if (level <= LOG_WARN || out.waiting.len >= FLUSH_AT)
		log_flush();
	errno = saved;
}

static ssize_t write_some(const char *p, size_t len)
{
	if (out.is_socket)
		return send(out.fd, p, len, MSG_DONTWAIT | MSG_NOSIGNAL);
	return write(out.fd, p, len);
}

bool log_flush(void)
{
	int saved = errno;
	size_t done = 0;

	while (done < out.waiting.len) {
		ssize_t n = write_some(out.waiting.data + done, out.waiting.len - done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno != EAGAIN)
			done = out.waiting.len; /* nobody will ever read it */
		if (n <= 0)
			break;
		done += (size_t)n;
	}
	text_drop_front(&out.waiting, done);
	if (out.waiting.len == 0 && out.waiting.cap > 2 * FLUSH_AT)
		text_fini(&out.waiting); /* a burst is over: give the memory back */
	errno = saved;
	return out.waiting.len > 0;
}

void log_drain(int64_t ms)
{
	int64_t end = clock_mono_ms() + ms;

	while (log_flush()) {
		int64_t left = end - clock_mono_ms();
		struct pollfd p = {.fd = out.fd, .events = POLLOUT};

		if (left <= 0)
			return;
		poll(&p, 1, (int)left);
	}
}

/*
 * log: one event a line on standard error, as logfmt or JSON, never waiting for a reader. Lines
 * that cannot be written are kept up to 1 MiB, then dropped and counted ("log.dropped").
 * Event names are constant; the manual lists them. No argument of a job and no secret is logged
 * above debug.
 */
#ifndef DROVER_BASE_LOG_H
#define DROVER_BASE_LOG_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/text.h"

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };
enum log_format { LOG_LOGFMT, LOG_JSON };

struct log_field {
	const char *key;  /* NULL: this field is left out */
	const char *text; /* NULL: the field is `number` */
	size_t len;
	int64_t number;
};

#define LOG_STR(k, s) \
	((struct log_field){.key = (k), .text = (s) ? (s) : "", .len = (s) ? strlen(s) : 0})
#define LOG_SPAN(k, s) \
	((struct log_field){.key = (k), .text = (s).at ? (s).at : "", .len = (s).len})
#define LOG_NUM(k, n) ((struct log_field){.key = (k), .number = (n)})
#define LOG_NOTHING   ((struct log_field){.key = NULL})

/* From the environment's fd 2. Until called, lines go out as logfmt at info. */
void log_init(enum log_level level, enum log_format format);
bool log_wants(enum log_level level);

void log_event_fields(
	enum log_level level, const char *event, const struct log_field *fields, size_t n);

/* The fields are not even looked at where the level is not wanted. */
#define log_event(level, event, ...)                                          \
	do {                                                                  \
		if (log_wants(level)) {                                       \
			const struct log_field log_fields_[] = {__VA_ARGS__}; \
			log_event_fields((level), (event), log_fields_,       \
				sizeof log_fields_ / sizeof *log_fields_);    \
		}                                                             \
	} while (0)

/* Writes what can be written now; true while lines are still waiting. errno survives. */
bool log_flush(void);

/* Waits up to `ms` for the reader, for the last words of a process. */
void log_drain(int64_t ms);

/* -1 where the name is none of error, warn, info, debug / logfmt, json. */
int log_level_parse(const char *name, enum log_level *out);
int log_format_parse(const char *name, enum log_format *out);
const char *log_level_name(enum log_level level);
const char *log_format_name(enum log_format format);

#endif

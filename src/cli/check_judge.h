/*
 * cli/check_judge: what the settings of a server mean for the jobs in it, in words. Pure: figures
 * in, sentences out; cli/check gets the figures.
 */
#ifndef DROVER_CLI_CHECK_JUDGE_H
#define DROVER_CLI_CHECK_JUDGE_H

#include "base/text.h"
#include "drover/client.h"

enum check_level { CHECK_OK, CHECK_WARNING, CHECK_ERROR };

struct check_findings {
	struct {
		enum check_level level;
		struct text text;
	} items[32];
	size_t n;
};

void check_add(struct check_findings *f, enum check_level level, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
void check_findings_fini(struct check_findings *f);
enum check_level check_worst(const struct check_findings *f);
const char *check_level_name(enum check_level level);

void check_judge_server(struct check_findings *f, const struct drover_server *s);

#endif

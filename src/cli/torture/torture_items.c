/* cli/torture_items: see torture_items.h. In drover. */
#include "cli/torture/torture_items.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/must.h"

enum { EXIT_NO_LEDGER = 1 };

/* One write with O_APPEND is one whole line, whoever else writes. */
static int say(int ledger, const char *jid, const char *item)
{
	char line[256];
	int len = snprintf(line, sizeof line, "%s %s", jid ? jid : "-", item);

	return len < (int)sizeof line && write(ledger, line, (size_t)len) == len ? 0 : -1;
}

int torture_items(const char *ledger, long ms)
{
	int lines = open(ledger, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	char item[64];

	while (lines >= 0 && fgets(item, sizeof item, stdin)) {
		struct timespec left = {ms / 1000, ms % 1000 * 1000000};

		if (say(lines, getenv("DROVER_JID"), item) < 0)
			return EXIT_NO_LEDGER;
		while (nanosleep(&left, &left) < 0 && errno == EINTR)
			;
		puts(strtol(item, NULL, 10) % TORTURE_BAD ? "ok" : "fail it is one of the bad");
		fflush(stdout);
	}
	return lines < 0 ? EXIT_NO_LEDGER : 0;
}

/* "rN ITEM", or "rN.pPART ITEM" of a part. */
static bool read_line(struct span line, size_t n_runs, size_t *run, size_t *item)
{
	char text[64], *end;
	const char *blank;

	if (line.len == 0 || line.len >= sizeof text || line.at[0] != 'r')
		return false;
	memcpy(text, line.at, line.len);
	text[line.len] = '\0';
	*run = strtoul(text + 1, &end, 10);
	blank = strchr(text, ' ');
	if (end == text + 1 || blank == NULL || (*end != ' ' && *end != '.') || *run >= n_runs)
		return false;
	*item = strtoul(blank + 1, &end, 10);
	return *end == '\0' && *item >= 1 && *item <= TORTURE_ITEMS;
}

void torture_items_judge(struct span text, size_t n_runs, struct torture_items_count *out)
{
	bool *begun = must_alloc((n_runs * TORTURE_ITEMS + 1) * sizeof *begun);
	size_t run, item;

	*out = (struct torture_items_count){.missing = n_runs * TORTURE_ITEMS};
	while (text.len > 0) {
		const char *end = memchr(text.at, '\n', text.len);
		struct span line = {text.at, end ? (size_t)(end - text.at) : text.len};

		if (end && read_line(line, n_runs, &run, &item)) {
			bool *known = &begun[run * TORTURE_ITEMS + item - 1];

			out->again += *known;
			out->missing -= !*known;
			*known = true;
		}
		line.len += end ? 1 : 0;
		text.at += line.len;
		text.len -= line.len;
	}
	free(begun);
}

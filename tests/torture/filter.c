/* filter: what iterating jobs of the fault drivers have performed: filter LEDGER MS. Of each item a line
   "JID ITEM" in the ledger as it begins, MS of work, then `ok`; items with "bad" in them fail,
   as long as there is no LEDGER.healed. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* One write with O_APPEND is one whole line, whoever else writes. */
static int say(int ledger, const char *jid, const char *item, size_t len)
{
	static char line[1 << 16];
	int n = snprintf(line, sizeof line, "%s %.*s\n", jid, (int)len, item);

	return n < (int)sizeof line && write(ledger, line, (size_t)n) == n ? 0 : -1;
}

static int fails(const char *item, const char *ledger)
{
	char healed[4096];

	snprintf(healed, sizeof healed, "%s.healed", ledger);
	return strstr(item, "bad") && access(healed, F_OK) != 0;
}

int main(int argc, char **argv)
{
	const char *jid = getenv("DROVER_JID");
	long us = argc == 3 ? strtol(argv[2], NULL, 10) * 1000 : 0;
	int ledger =
		argc == 3 ? open(argv[1], O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600) : -1;
	char *line = NULL;
	size_t cap = 0;
	ssize_t len;

	if (ledger < 0)
		return 64;
	while ((len = getline(&line, &cap, stdin)) > 0) {
		struct timespec left = {us / 1000000, us % 1000000 * 1000};

		len -= line[len - 1] == '\n';
		if (say(ledger, jid ? jid : "-", line, (size_t)len) < 0)
			return 1;
		while (nanosleep(&left, &left) < 0 && errno == EINTR)
			;
		puts(fails(line, argv[1]) ? "fail it is bad" : "ok");
		fflush(stdout);
	}
	return 0;
}

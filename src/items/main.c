/*
 * drover-items: serves one collection that stands in Redis to the child of one job, which knows no
 * Redis (wire/stream.h). Started by droverd with that socket as descriptor STREAM_FD; it takes no
 * arguments, and where Redis is and how to log in there comes over the socket. It ends with the
 * socket, and with droverd. It only reads Redis, and runs no code of a job.
 */
#include "items/serve.h"
#include "wire/stream.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>

enum { EXIT_USAGE = 64 };

int main(int argc, char **argv)
{
	if (argc > 1 && strcmp(argv[1], "--version") == 0) {
		printf("drover-items %s\n", DROVER_VERSION);
		return 0;
	}
	if (argc > 1 || fcntl(STREAM_FD, F_SETFD, FD_CLOEXEC) < 0) {
		fprintf(stderr,
			"drover-items: it is started by droverd, with a socket as descriptor %d\n",
			STREAM_FD);
		return EXIT_USAGE;
	}
	/* Where droverd ended before this, the socket has ended, too, or ends with the child. */
	prctl(PR_SET_PDEATHSIG, (unsigned long)SIGKILL, 0L, 0L, 0L);
	signal(SIGPIPE, SIG_IGN);
	return serve(STREAM_FD);
}

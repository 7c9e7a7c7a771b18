/* nursery/each/terminal: see terminal.h. It never becomes the controlling one of anybody. */
#include "nursery/each/terminal.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#ifndef TIOCGPTPEER
#define TIOCGPTPEER _IO('T', 0x41)
#endif

/* By the open one, not by its name: /dev/pts may be another's in a container. */
static int open_peer(int master)
{
	const int flags = O_RDWR | O_NOCTTY | O_CLOEXEC;
	char name[64];
	int peer;

	if (grantpt(master) != 0 || unlockpt(master) != 0)
		return -1;
	peer = ioctl(master, TIOCGPTPEER, flags);
	if (peer >= 0 || ptsname_r(master, name, sizeof name) != 0)
		return peer;
	return open(name, flags);
}

/* Bytes pass as they are: no newline becomes two, nothing is echoed. */
static int make_raw(int peer)
{
	struct termios t;

	if (tcgetattr(peer, &t) != 0)
		return -1;
	cfmakeraw(&t);
	return tcsetattr(peer, TCSANOW, &t);
}

int terminal_open(int ends[2], struct err *err)
{
	ends[0] = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);
	ends[1] = -1;
	if (ends[0] >= 0)
		ends[1] = open_peer(ends[0]);
	if (ends[1] >= 0 && make_raw(ends[1]) == 0)
		return 0;
	err_errno(err, "a terminal for the filter");
	if (ends[0] >= 0)
		close(ends[0]);
	if (ends[1] >= 0)
		close(ends[1]);
	return -1;
}

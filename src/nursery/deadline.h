/*
 * nursery/deadline: in a nursery: ends exclusive jobs once the lease may run out, for droverd may
 * be stopped just then. It looks at droverd's scoreboard, but only where droverd said that an
 * exclusive job begins, and only at the moments that the scoreboard names; else it costs nothing,
 * and it never keeps the file mapped, so forks stay what they are. It writes nowhere.
 */
#ifndef DROVER_NURSERY_DEADLINE_H
#define DROVER_NURSERY_DEADLINE_H

struct deadline {
	const char *lease; /* the caller's */
	int board;	   /* the scoreboard; -1: nothing is watched */
	int timer;
};

void deadline_init(struct deadline *d, const char *lease);
void deadline_fini(struct deadline *d);

/* An exclusive job is about to begin. `board` is taken over; -1 where it did not come through. */
void deadline_watch(struct deadline *d, int board);

/* Returns once there is something to read on `fd`; ends jobs meanwhile. At once if none is watched. */
void deadline_wait(struct deadline *d, int fd);

#endif

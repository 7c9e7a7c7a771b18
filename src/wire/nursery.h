/*
 * wire/nursery: what droverd and a nursery say to each other, on a SOCK_SEQPACKET socket that is
 * descriptor NURSERY_FD of the nursery. One message a packet.
 *
 * nursery -> droverd  JSON  {"hello": {"protocol": 1, "kind": "c", "pid": 123, "threads": 1,
 *                                      "functions": ["resize_image"]}}
 *                           once all is preloaded; or {"failed": {"error": "PATH: why"}}, then exit 1
 * droverd -> nursery  struct nursery_spawn, with descriptors: job socket, output, [cgroup folder]
 * nursery -> droverd  struct nursery_refused where no child could be made
 *
 * droverd -> nursery  uint32_t NURSERY_RETIRE: another one takes over; exit, and bury nobody
 * droverd -> nursery  uint32_t NURSERY_WATCH, with one descriptor, the scoreboard: an exclusive job
 *                     begins; see there that it ends in time. Said for each of them, before its
 *                     process is given it; whoever watches already has nothing to do.
 *
 * There is no "spawned" message: the child itself says JOB_HELLO on its job socket, and droverd
 * takes its pid from the credentials of that message. End of file before it is a failed spawn.
 *
 * A nursery takes one spawn, clones, closes the descriptors, then takes the next. End of file on
 * NURSERY_FD makes it the undertaker of what its lease left behind.
 */
#ifndef DROVER_WIRE_NURSERY_H
#define DROVER_WIRE_NURSERY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/text.h"

#define NURSERY_FD	    3
#define NURSERY_PROTOCOL    1
#define NURSERY_MESSAGE_MAX 65536

enum nursery_message {
	NURSERY_SPAWN = 0x4e535031,
	NURSERY_REFUSED = 0x4e535032,
	NURSERY_RETIRE = 0x4e535033,
	NURSERY_WATCH = 0x4e535034,
};

#define NURSERY_SPAWN_CGROUP 1u /* a third descriptor: clone into this cgroup v2 folder */

struct nursery_spawn {
	uint32_t message; /* NURSERY_SPAWN */
	uint32_t worker;  /* slot number, for talk only */
	uint64_t serial;  /* of this spawn; comes back in a refusal */
	uint32_t flags;
	uint32_t reserved;
};

struct nursery_refused {
	uint32_t message; /* NURSERY_REFUSED */
	uint32_t worker;
	uint64_t serial;
	int32_t error;	/* errno */
	char stage[20]; /* "fork", "descriptors" */
};

_Static_assert(sizeof(struct nursery_spawn) == 24, "layout is a contract");
_Static_assert(sizeof(struct nursery_refused) == 40, "layout is a contract");

/* Reads one packet that came with so many descriptors. -1 and the reason where it is no spawn;
 * `out` then holds what could be read, for the refusal. */
int nursery_spawn_parse(
	struct nursery_spawn *out, struct span packet, size_t descriptors, struct err *err);

bool nursery_is_retire(struct span packet);
bool nursery_is_watch(struct span packet);

#endif

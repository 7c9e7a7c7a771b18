/* wire/nursery: reads what droverd asks of a nursery. In the nursery. Pure. */
#include "wire/nursery.h"

#include <string.h>

int nursery_spawn_parse(
	struct nursery_spawn *out, struct span packet, size_t descriptors, struct err *err)
{
	size_t due;

	*out = (struct nursery_spawn){0};
	if (packet.len != sizeof *out)
		return err_set(err, "a spawn of %zu bytes, due are %zu", packet.len, sizeof *out);
	memcpy(out, packet.at, sizeof *out);
	if (out->message != NURSERY_SPAWN)
		return err_set(err, "message %08x is no spawn", out->message);
	if (out->flags & ~NURSERY_SPAWN_CGROUP)
		return err_set(err, "a spawn with unknown flags %#x", out->flags);
	due = out->flags & NURSERY_SPAWN_CGROUP ? 3 : 2;
	if (descriptors != due)
		return err_set(err, "a spawn with %zu descriptors, due are %zu", descriptors, due);
	return 0;
}

/* A packet that is one word and nothing else. */
static bool is_word(struct span packet, uint32_t word)
{
	uint32_t message = 0;

	if (packet.len == sizeof message)
		memcpy(&message, packet.at, sizeof message);
	return message == word;
}

bool nursery_is_retire(struct span packet)
{
	return is_word(packet, NURSERY_RETIRE);
}

bool nursery_is_watch(struct span packet)
{
	return is_word(packet, NURSERY_WATCH);
}

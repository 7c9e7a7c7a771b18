/* The nursery's reader of a spawn: the first byte says how many descriptors came along. */
#include <stdint.h>
#include <stdlib.h>

#include "wire/nursery.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct nursery_spawn s;
	struct err err;

	if (size == 0)
		return 0;
	if (nursery_spawn_parse(
		    &s, (struct span){(const char *)data + 1, size - 1}, data[0] % 5, &err) == 0 &&
		s.message != NURSERY_SPAWN)
		abort();
	return 0;
}

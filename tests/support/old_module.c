/* A module of another version of job.h. */
#include <drover/job.h>

const uint32_t drover_module_api = DROVER_API + 41;
const struct drover_entry drover_module[] = {DROVER_END};

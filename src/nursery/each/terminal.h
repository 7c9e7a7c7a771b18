/*
 * nursery/each/terminal: a raw pseudo terminal, for a filter that flushes each line to terminals
 * alone. In the child of an `each`.
 */
#ifndef DROVER_NURSERY_EACH_TERMINAL_H
#define DROVER_NURSERY_EACH_TERMINAL_H

#include "base/err.h"

/* ends[0]: to read what is printed, does not block; ends[1]: the terminal. Closed on exec. */
int terminal_open(int ends[2], struct err *err);

#endif

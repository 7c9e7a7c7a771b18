/* random: bytes from the kernel, as lower-case hex digits. */
#ifndef DROVER_BASE_RANDOM_H
#define DROVER_BASE_RANDOM_H

#include <stddef.h>

/* Writes `digits` (even, at most 64) hex digits and a NUL. */
void random_hex(char *out, size_t digits);

double random_fraction(void); /* in [0, 1) */

#endif

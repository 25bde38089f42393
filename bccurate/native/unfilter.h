/* The filters of PNG's rows undone (ISO/IEC 15948, clause 9). */
#ifndef BCCURATE_UNFILTER_H
#define BCCURATE_UNFILTER_H

#include "kernels.h"

enum { ROWS = 4 }; /* that can be undone side by side */

/* Undo `rows` rows (ROWS at most) in place: each a byte that names its filter and `n` bytes, 24 or
 * more, of pixels of 1 or 3 channels. `up` is the row above them, zeros for the first; a byte is read
 * past it and past the rows. `at` becomes where each row's pixels begin. 0 for an unknown filter. */
int bc_unfilter(uint8_t *raw, int rows, const uint8_t *up, int channels, int n,
                const uint8_t *at[ROWS]);

#endif

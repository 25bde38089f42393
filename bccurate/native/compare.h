/* Compare every hash of one list with every hash of another. */
#ifndef BCCURATE_COMPARE_H
#define BCCURATE_COMPARE_H

#include <stdint.h>

/* Called for each pair: row i and lane j differ in at most `threshold` bits. */
typedef void (*on_near)(void *context, int64_t i, int64_t j);

/* Call `found` for each near pair of rows[i] and lanes[j]. `triangle`: the rows are the first of
 * the lanes, and only pairs i < j are reported. The order of the calls is not defined. */
void bc_each_near(const uint64_t *rows, int64_t n_rows, const uint64_t *lanes, int64_t n_lanes,
                  int triangle, int threshold, on_near found, void *context);

#endif

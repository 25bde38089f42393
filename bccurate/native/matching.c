/* Pairs of 64-bit hashes within a Hamming distance. See bccurate/curation/matching.py. */
#include "kernels.h"

/* How many of the pairs i < j differ in at most `threshold` bits: the plain double loop. */
EXPORT int64_t bc_count_near(const uint64_t *hashes, int64_t n, int64_t threshold) {
    int64_t found = 0;
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = i + 1; j < n; j++)
            found += __builtin_popcountll(hashes[i] ^ hashes[j]) <= threshold;
    return found;
}

/* Sort 64-bit hashes together with where they stood. */
#include "kernels.h"

enum { BYTES = 8, VALUES = 256 };

typedef struct {
    uint64_t *hash;
    uint32_t *index;
} list;

static void sort_by(const list *from, const list *to, int64_t n, int byte, uint32_t *start) {
    for (int64_t i = 0; i < n; i++) {
        uint32_t at = start[from->hash[i] >> 8 * byte & 255]++;
        to->hash[at] = from->hash[i];
        to->index[at] = from->index[i];
    }
}

/* Sort `hash` (n, below 2^32) and fill `index` (n) with where each stood; equal ones stay in
 * order. `hash2` and `index2` (n) are room to work in. Radix sort, lowest byte first. */
EXPORT void bc_sort(uint64_t *hash, uint32_t *index, int64_t n, uint64_t *hash2, uint32_t *index2) {
    uint32_t start[BYTES][VALUES] = {{0}};
    list one = {hash, index}, other = {hash2, index2};
    for (int64_t i = 0; i < n; i++) {
        index[i] = (uint32_t)i;
        for (int byte = 0; byte < BYTES; byte++) start[byte][hash[i] >> 8 * byte & 255]++;
    }
    for (int byte = 0; byte < BYTES; byte++) {
        uint32_t before = 0;
        for (int value = 0; value < VALUES; value++) {
            uint32_t count = start[byte][value];
            start[byte][value] = before;
            before += count;
        }
    }
    for (int byte = 0; byte < BYTES; byte += 2) {
        sort_by(&one, &other, n, byte, start[byte]);
        sort_by(&other, &one, n, byte + 1, start[byte + 1]);
    }
}

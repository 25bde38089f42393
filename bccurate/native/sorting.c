/* Sort 64-bit hashes together with their positions. */
#include "kernels.h"

enum { BYTES = 8, VALUES = 256, FEW = 48 };

typedef struct {
    uint64_t *hash;
    uint32_t *index;
} list;

static list from(list whole, int64_t first) {
    return (list){whole.hash + first, whole.index + first};
}

static void sort_by(list source, list target, int64_t n, int byte, uint32_t *start) {
    for (int64_t i = 0; i < n; i++) {
        uint32_t at = start[source.hash[i] >> 8 * byte & 255]++;
        target.hash[at] = source.hash[i];
        target.index[at] = source.index[i];
    }
}

/* Turn counts into the position where each value begins. */
static void to_starts(uint32_t *count) {
    uint32_t before = 0;
    for (int value = 0; value < VALUES; value++) {
        uint32_t own = count[value];
        count[value] = before;
        before += own;
    }
}

/* Sort `source` (n, few) into `target` by insertion. */
static void insert(list source, list target, int64_t n) {
    for (int64_t i = 0; i < n; i++) {
        int64_t at = i;
        for (; at > 0 && target.hash[at - 1] > source.hash[i]; at--) {
            target.hash[at] = target.hash[at - 1];
            target.index[at] = target.index[at - 1];
        }
        target.hash[at] = source.hash[i];
        target.index[at] = source.index[i];
    }
}

/* Sort `source` (n), equal in the highest byte, into `target`: lowest byte first, in the cache. */
static void sort_part(list source, list target, int64_t n) {
    uint32_t start[BYTES - 1][VALUES] = {{0}};
    for (int64_t i = 0; i < n; i++)
        for (int byte = 0; byte < BYTES - 1; byte++)
            start[byte][source.hash[i] >> 8 * byte & 255]++;
    for (int byte = 0; byte < BYTES - 1; byte++) {
        to_starts(start[byte]);
        sort_by(source, target, n, byte, start[byte]);
        list other = source;
        source = target;
        target = other;
    }
}

/* Sort `hash` (n, below 2^32) and fill `index` (n) with the position of each; equal ones stay
 * in order. `hash2` and `index2` (n) are work space. Radix sort: the highest byte partitions the
 * hashes, so that the other seven passes stay in the cache. */
EXPORT void bc_sort(uint64_t *hash, uint32_t *index, int64_t n, uint64_t *hash2, uint32_t *index2) {
    uint32_t start[VALUES] = {0};
    list whole = {hash, index}, parted = {hash2, index2};
    for (int64_t i = 0; i < n; i++) {
        index[i] = (uint32_t)i;
        start[hash[i] >> 8 * (BYTES - 1)]++;
    }
    to_starts(start);
    sort_by(whole, parted, n, BYTES - 1, start); /* each start is now that of the next value */
    for (int64_t value = 0, first = 0; value < VALUES; first = start[value++]) {
        int64_t own = start[value] - first;
        (own < FEW ? insert : sort_part)(from(parted, first), from(whole, first), own);
    }
}

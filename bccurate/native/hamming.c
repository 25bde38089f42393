/* Find the pairs of 64-bit hashes within a Hamming distance. The method is described in
 * bccurate/duplicates/hamming.py; this is its search, one first block at a time.
 *
 * A node of the search holds the hashes that agree in the blocks chosen so far. It is partitioned
 * by the next bits of its block, then by each block that may be chosen next, until comparing all
 * remaining hashes costs less than partitioning them further. */
#define _DEFAULT_SOURCE /* madvise */
#include <stdlib.h>
#ifdef __linux__
#include <sys/mman.h>
#endif

#include "compare.h"
#include "kernels.h"

enum {
    DIGIT = 10,     /* most bits to partition a node by at once */
    DIRECT = 60,    /* a node of at most so many hashes a choice below it is compared in full */
    PART = 50,      /* hashes that a part should hold at most */
    INDEX_BITS = 29, /* a pair in one number: two indices and a distance of 5 bits */
    DISTANCE_BITS = 5,
    LEVELS = 64, /* every partition uses at least one bit of the hash */
};

typedef struct {
    uint64_t *hash;
    uint32_t *index;
    int64_t room;
    uint32_t start[(1 << DIGIT) + 1];
} level;

typedef struct {
    int64_t threshold, left, blocks, k, end;
    const int64_t *bounds; /* block b is the bits bounds[b] to bounds[b + 1] */
    uint64_t earlier[64];  /* the blocks of each group before this one, as bits */
    int64_t groups;
    uint64_t own; /* the blocks of this group */
    uint64_t *found;
    int64_t room, count;
    level *levels[LEVELS];
} search;

typedef struct {
    const uint64_t *hash;
    const uint32_t *index;
    int64_t n;
    uint64_t chosen;   /* blocks, as bits */
    int64_t last, low, high; /* the block chosen last, and its bits not yet used */
    int64_t need;      /* blocks still to choose */
} node;

static uint64_t ones(int64_t n) { return n >= 64 ? ~(uint64_t)0 : ((uint64_t)1 << n) - 1; }

static int bits_set(uint64_t word) {
    int count = 0;
    for (; word; word &= word - 1) count++;
    return count;
}

/* Return whether this node holds the first choice of blocks in which a pair agrees. */
static int is_first(const search *s, const node *at, uint64_t difference) {
    uint64_t agrees = 0;
    for (int64_t b = 0; b < s->blocks; b++) {
        uint64_t mask = ones(s->bounds[b + 1] - s->bounds[b]) << s->bounds[b];
        agrees |= (uint64_t)!(difference & mask) << b;
    }
    for (int64_t g = 0; g < s->groups; g++)
        if (bits_set(agrees & s->earlier[g]) >= s->k) return 0;
    agrees &= s->own;
    return bits_set(agrees) >= s->k && (agrees & ones(at->last + 1)) == at->chosen;
}

typedef struct {
    search *s;
    const node *at;
    int64_t skipped; /* hashes of the node before its first lane */
} visit;

static void report(void *context, int64_t i, int64_t j) {
    search *s = ((visit *)context)->s;
    const node *at = ((visit *)context)->at;
    j += ((visit *)context)->skipped;
    uint64_t difference = at->hash[i] ^ at->hash[j];
    if (!is_first(s, at, difference)) return;
    if (s->count < s->room) {
        uint64_t pair = (uint64_t)at->index[i] << INDEX_BITS | at->index[j];
        s->found[s->count] = pair << DISTANCE_BITS | (uint64_t)bits_set(difference);
    }
    s->count++;
}

/* Return how many of the node's hashes are of the left side: indices ascend within a node. */
static int64_t left_part(const search *s, const node *at) {
    int64_t low = 0, high = at->n;
    while (low < high) {
        int64_t middle = (low + high) / 2;
        if (at->index[middle] < s->left) low = middle + 1;
        else high = middle;
    }
    return low;
}

static void compare(search *s, const node *at) {
    visit seen = {s, at, s->left >= 0 ? left_part(s, at) : 0};
    int64_t rows = s->left >= 0 ? seen.skipped : at->n;
    bc_each_near(at->hash, rows, at->hash + seen.skipped, at->n - seen.skipped, s->left < 0,
                 (int)s->threshold, report, &seen);
}

enum { HUGE_PAGE = 1 << 21 };

/* Allocate memory, in huge pages where the system has them: partitioning writes to a thousand
 * places alternately, more than a processor's address cache holds in small pages. */
static void *room_for(size_t size) {
#ifdef MADV_HUGEPAGE
    void *memory;
    if (size >= 2 * HUGE_PAGE && !posix_memalign(&memory, HUGE_PAGE, size)) {
        madvise(memory, size, MADV_HUGEPAGE);
        return memory;
    }
#endif
    return malloc(size);
}

/* Return a level whose buffers hold n hashes, or NULL where there is no memory. */
static level *level_for(search *s, int depth, int64_t n) {
    level *into = s->levels[depth];
    if (!into) into = s->levels[depth] = calloc(1, sizeof *into);
    if (!into || into->room >= n) return into;
    free(into->hash);
    free(into->index);
    into->hash = room_for((size_t)n * sizeof *into->hash);
    into->index = room_for((size_t)n * sizeof *into->index);
    into->room = into->hash && into->index ? n : 0;
    return into->room ? into : NULL;
}

/* Partition a node by `width` bits from `low`, keeping the order within each part. */
static void part(level *into, const node *at, int64_t low, int64_t width) {
    uint64_t mask = ones(width);
    uint32_t *start = into->start, before = 0;
    for (uint64_t d = 0; d <= mask; d++) start[d] = 0;
    for (int64_t i = 0; i < at->n; i++) start[at->hash[i] >> low & mask]++;
    for (uint64_t d = 0; d <= mask; d++) {
        uint32_t count = start[d];
        start[d] = before;
        before += count;
    }
    for (int64_t i = 0; i < at->n; i++) {
        uint32_t to = start[at->hash[i] >> low & mask]++;
        into->hash[to] = at->hash[i];
        into->index[to] = at->index[i];
    }
}

/* Return the number of choices of blocks below a node. */
static int64_t choices_below(const search *s, const node *at) {
    int64_t n = s->end - at->last - 1, choices = 1;
    for (int64_t k = 1; k <= at->need; k++) choices = choices * (n - at->need + k) / k;
    return choices;
}

/* Return the number of bits to partition by: just enough for parts that are compared in full. */
static int64_t digit(int64_t n, int64_t most) {
    int64_t width = 1;
    while (width < most && width < DIGIT && n >> width > PART) width++;
    return width;
}

static int descend(search *s, const node *at, int depth);

static int descend_parts(search *s, node part_of, int depth) {
    node child = part_of;
    int64_t width = digit(part_of.n, part_of.high - part_of.low);
    level *into = level_for(s, depth, part_of.n);
    if (!into) return -1;
    child.high -= width;
    part(into, &part_of, child.high, width);
    for (uint64_t d = 0, from = 0; d <= ones(width); d++) {
        child.hash = into->hash + from;
        child.index = into->index + from;
        child.n = (int64_t)(into->start[d] - from);
        from = into->start[d];
        if (descend(s, &child, depth + 1)) return -1;
    }
    return 0;
}

static int descend(search *s, const node *at, int depth) {
    if (at->n < 2) return 0;
    if (at->low == at->high && !at->need) return compare(s, at), 0;
    if (at->n <= DIRECT * choices_below(s, at)) return compare(s, at), 0;
    if (at->low < at->high) return descend_parts(s, *at, depth);
    for (int64_t b = at->last + 1; b <= s->end - at->need; b++) {
        node child = *at;
        child.chosen |= (uint64_t)1 << b;
        child.last = b;
        child.low = s->bounds[b];
        child.high = s->bounds[b + 1];
        child.need--;
        if (descend_parts(s, child, depth)) return -1;
    }
    return 0;
}

/* Search the choices of k blocks whose first is `first`.
 *
 * `hash` and `index` (n): distinct hashes and their indices, ascending, below 2^29.
 * `left`: pairs are sought between the indices below it and the others; -1: among all.
 * `bounds` (blocks + 1) cuts the bits into blocks, `ends` (groups) the blocks into groups.
 * Writes the first `room` pairs into `found`. Returns how many there are, -1 without memory. */
EXPORT int64_t bc_near_pairs(const uint64_t *hash, const uint32_t *index, int64_t n, int64_t left,
                             int64_t threshold, int64_t k, int64_t first, const int64_t *bounds,
                             const int64_t *ends, uint64_t *found, int64_t room) {
    search s = {.threshold = threshold, .left = left, .k = k, .bounds = bounds, .found = found,
                .room = room};
    int64_t begin = 0;
    for (; ends[s.groups] <= first; begin = ends[s.groups++])
        s.earlier[s.groups] = ones(ends[s.groups]) & ~ones(begin);
    s.end = ends[s.groups];
    s.own = ones(s.end) & ~ones(begin);
    s.blocks = s.end;
    node at = {.hash = hash, .index = index, .n = n, .chosen = (uint64_t)1 << first, .last = first,
               .low = bounds[first], .high = bounds[first + 1], .need = k - 1};
    int failed = descend(&s, &at, 0);
    for (int depth = 0; depth < LEVELS; depth++)
        if (s.levels[depth]) {
            free(s.levels[depth]->hash);
            free(s.levels[depth]->index);
            free(s.levels[depth]);
        }
    return failed ? -1 : s.count;
}

static void count_one(void *count, int64_t i, int64_t j) {
    (void)i, (void)j;
    ++*(int64_t *)count;
}

/* Count the pairs i < j of n hashes, i < rows, that differ in at most `threshold` bits, by
 * comparing all: for tests, and as the brute force of the benchmarks. */
EXPORT int64_t bc_near_brute(const uint64_t *hash, int64_t rows, int64_t n, int64_t threshold) {
    int64_t count = 0;
    bc_each_near(hash, rows, hash, n, 1, (int)threshold, count_one, &count);
    return count;
}

/* The four hashes of a grey image. Sources: bccurate/images/hashing.py. imagehash is the reference
 * for every bit. */
#include "hashes.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { SIDE = 8, MAX_WAVELET_SIDE = 256 };

static void fill_cosines(double cosines[FREQUENCIES][HALF]) {
    for (int k = 0; k < FREQUENCIES; k++)
        for (int n = 0; n < HALF; n++)
            cosines[k][n] = 2 * cos(3.14159265358979323846 * k * (2 * n + 1) / (2 * THUMB));
}

void bc_hasher_begin(Hasher *hasher) {
    memset(hasher, 0, sizeof *hasher);
    fill_cosines(hasher->cosines);
}

void bc_hasher_end(Hasher *hasher) {
    bc_resizer_end(&hasher->resizer);
    free(hasher->room);
    memset(hasher, 0, sizeof *hasher);
}

uint8_t *bc_room(Hasher *hasher, size_t size) {
    if (hasher->size < size + 64) {
        free(hasher->room);
        hasher->size = size + 64;
        hasher->room = malloc(hasher->size);
        if (!hasher->room) hasher->size = 0;
    }
    return hasher->room ? hasher->room + (64 - (uintptr_t)hasher->room % 64) % 64 : NULL;
}

/* Find the values of rank 31 and 32 of 64: the largest with at most 31 and 32 values below them. */
static void middle_two(const double values[64], double *below, double *above) {
    *below = *above = -HUGE_VAL;
    for (int i = 0; i < 64; i += 16) {
        int64_t less[16] = {0}; /* as wide as the values, for vectors */
        for (int k = 0; k < 64; k++)
            for (int l = 0; l < 16; l++) less[l] += values[k] < values[i + l];
        for (int l = 0; l < 16; l++) {
            const double value = values[i + l];
            if (less[l] <= 31 && value > *below) *below = value;
            if (less[l] <= 32 && value > *above) *above = value;
        }
    }
}

static uint64_t bits_above(const double values[64], double threshold) {
    uint64_t bits = 0;
    for (int i = 0; i < 64; i++) bits |= (uint64_t)(values[i] > threshold) << (63 - i);
    return bits;
}

typedef double Doubles __attribute__((vector_size(32), aligned(8)));
#define FOUR(p) (*(const Doubles *)(p))

/* Fold an image for the DCT-II. A cosine of even frequency is symmetric about the middle, one of
 * odd frequency antisymmetric, so it is enough to transform the sums [0] and differences [1] of
 * opposite rows, and in each those of opposite columns. They are integers. */
static void fold(const uint8_t *image, double folded[2][HALF][2][HALF]) {
    for (int y = 0; y < HALF; y++) {
        const uint8_t *near = image + y * THUMB, *far = image + (THUMB - 1 - y) * THUMB;
        for (int x = 0; x < HALF; x++) {
            const int sum = near[x] + far[x], difference = near[x] - far[x];
            const int other = THUMB - 1 - x;
            const int other_sum = near[other] + far[other];
            const int other_difference = near[other] - far[other];
            folded[0][y][0][x] = sum + other_sum;
            folded[0][y][1][x] = sum - other_sum;
            folded[1][y][0][x] = difference + other_difference;
            folded[1][y][1][x] = difference - other_difference;
        }
    }
}

/* Compute the 8x8 lowest coefficients of the DCT-II, scaled as by scipy.fft.dct. */
static void low_frequencies(double cosines[FREQUENCIES][HALF], const uint8_t *image,
                            double out[64]) {
    double folded[2][HALF][2][HALF];
    fold(image, folded);
    for (int k = 0; k < FREQUENCIES; k++) {
        Doubles half[2][HALF / 4] = {{{0}}};
        for (int y = 0; y < HALF; y++)
            for (int i = 0; i < HALF / 2; i++)
                half[i / 4][i % 4] += cosines[k][y] * FOUR(folded[k % 2][y][i / 4] + i % 4 * 4);
        for (int m = 0; m < FREQUENCIES; m++) {
            Doubles sum = {0};
            for (int i = 0; i < HALF / 4; i++) sum += half[m % 2][i] * FOUR(cosines[m] + 4 * i);
            out[k * FREQUENCIES + m] = sum[0] + sum[1] + sum[2] + sum[3];
        }
    }
}

/* Compute the phashes (8, n) of thumbnails first to last - 1 of n in all rotations and flips,
 * from one transform each: a flip negates odd frequencies, a swap of the axes transposes the
 * coefficients. */
EXPORT int64_t bc_turned_hashes(const uint8_t *thumbs, int64_t first, int64_t last, int64_t n,
                                uint64_t *hashes) {
    static const int8_t STRAIGHT[4] = {0, 4, 6, 2}, TRANSPOSED[4] = {5, 1, 3, 7};
    double cosines[FREQUENCIES][HALF], upright[64], values[64], swapped[64];
    fill_cosines(cosines);
    for (int64_t i = first; i < last; i++) {
        low_frequencies(cosines, thumbs + i * THUMB * THUMB, upright);
        for (int flips = 0; flips < 4; flips++) { /* 1: left to right, 2: top to bottom */
            for (int k = 0; k < 64; k++) {
                const int odd = (flips & k & 1) ^ (flips >> 1 & k >> 3 & 1);
                values[k] = swapped[k % 8 * 8 + k / 8] = odd ? -upright[k] : upright[k];
            }
            double below = 0, above = 0;
            middle_two(values, &below, &above);
            hashes[STRAIGHT[flips] * n + i] = bits_above(values, (below + above) / 2);
            hashes[TRANSPOSED[flips] * n + i] = bits_above(swapped, (below + above) / 2);
        }
    }
    return last - first;
}

/* An image and its planes, shared by the hashes below. */
typedef struct {
    Hasher *hasher;
    const uint8_t *columns; /* transposed */
    const float *wide;
    int width, height;
    uint8_t *scratch, *small;
    float *room;
} Plane;

static int shrink(Plane *p, int filter, int width, int height) {
    return bc_resize(&p->hasher->resizer, p->columns, p->wide, p->width, p->height, filter, width,
                     height, p->scratch, p->room, p->small);
}

/* Known unless the two values about the median are so near that rounding could change a bit. */
static int phash(Plane *p, ImageStats *stats) {
    double values[64], below = 0, above = 0;
    if (!shrink(p, LANCZOS, THUMB, THUMB)) return 0;
    low_frequencies(p->hasher->cosines, p->small, values);
    middle_two(values, &below, &above);
    stats->phash = bits_above(values, (below + above) / 2);
    if (above - below >= 1e-5) stats->known |= PHASH;
    return 1;
}

static int dhash(Plane *p, ImageStats *stats) {
    if (!shrink(p, LANCZOS, SIDE + 1, SIDE)) return 0;
    stats->dhash = 0;
    for (int y = 0; y < SIDE; y++)
        for (int x = 0; x < SIDE; x++) {
            const uint8_t *at = p->small + (size_t)y * bc_stride(SIDE + 1) + x;
            stats->dhash = stats->dhash << 1 | (at[1] > at[0]);
        }
    stats->known |= DHASH;
    return 1;
}

static int ahash(Plane *p, ImageStats *stats) {
    if (!shrink(p, LANCZOS, SIDE, SIDE)) return 0;
    double values[64], sum = 0; /* integers, so the mean is exact */
    for (int i = 0; i < 64; i++)
        sum += values[i] = p->small[(size_t)(i / SIDE) * bc_stride(SIDE) + (size_t)(i % SIDE)];
    stats->ahash = bits_above(values, sum / 64);
    stats->known |= AHASH;
    return 1;
}

static int wavelet_side(int width, int height) {
    int side = SIDE;
    while (2 * side <= width && 2 * side <= height) side *= 2;
    return side;
}

/* The low band of a Haar transform is sums of blocks; subtracting the mean first, as imagehash
 * does, changes no bit. Not known where the two values about the median are equal: imagehash's
 * rounding decides there. */
static int whash(Plane *p, ImageStats *stats) {
    int side = wavelet_side(p->width, p->height), block = side / SIDE;
    if (side > MAX_WAVELET_SIDE) return 1; /* left to imagehash: slow, and rarely needed */
    if (!shrink(p, LANCZOS, side, side)) return 0;
    double values[64] = {0}, below = 0, above = 0;
    for (int y = 0; y < side; y++) {
        const uint8_t *row = p->small + (size_t)y * bc_stride(side);
        for (int x = 0; x < SIDE; x++) {
            int sum = 0;
            for (int k = 0; k < block; k++) sum += row[x * block + k];
            values[y / block * SIDE + x] += sum;
        }
    }
    middle_two(values, &below, &above);
    stats->whash = bits_above(values, (below + above) / 2);
    if (below < above) stats->known |= WHASH;
    return 1;
}

static int thumbnail(Plane *p, ImageStats *stats) {
    if (!shrink(p, BOX, THUMB, THUMB)) return 0;
    memcpy(stats->thumb, p->small, sizeof stats->thumb); /* a row of 32 has no padding */
    return 1;
}

static int widest(int width, int height) {
    int side = wavelet_side(width, height);
    return side > MAX_WAVELET_SIDE || side < THUMB ? THUMB : side;
}

/* The offsets of the planes in the buffer, each a multiple of 32. */
typedef struct {
    size_t columns, scratch, small, wide, room, end;
} Plan;

static Plan plan(int width, int height) {
    int side = widest(width, height);
    size_t whole = bc_plane(height, width), part = bc_plane(height, side) + bc_plane(side, height);
    Plan p = {.columns = bc_plane(width, height)};
    p.scratch = p.columns + whole;
    p.small = p.scratch + part;
    p.wide = p.small + bc_plane(side, side);
    p.room = p.wide + (whole <= 2 * MAX_WIDE ? whole * sizeof(float) : 0);
    p.end = p.room + part * sizeof(float);
    return p;
}

/* Pillow 13 resamples an image that shrinks far more in height than in width along y first; other
 * versions do not. The two orders round differently, so such an image is left to Pillow. */
static int is_tall(int width, int height, int out_width, int out_height) {
    return height > out_height && height - out_height > 2 * (width - out_width);
}

int bc_measurable(int width, int height) {
    int side = wavelet_side(width, height);
    return !is_tall(width, height, SIDE + 1, SIDE) &&
           !is_tall(width, height, SIDE, SIDE) && !is_tall(width, height, THUMB, THUMB) &&
           !is_tall(width, height, side, side);
}

size_t bc_measure_room(int width, int height) { return plan(width, height).end; }

int bc_measure(Hasher *hasher, uint8_t *room, int width, int height, int64_t wanted,
               ImageStats *stats) {
    Plan at = plan(width, height);
    uint8_t *columns = room + at.columns;
    bc_transpose(room, width, height, columns);
    Plane p = {.hasher = hasher, .columns = columns, .width = width, .height = height};
    p.scratch = room + at.scratch;
    p.small = room + at.small;
    p.room = (float *)(void *)(room + at.room);
    p.wide = bc_wide(columns, height, width, (float *)(void *)(room + at.wide));
    stats->known = 0;
    return (!(wanted & STATISTICS) || thumbnail(&p, stats)) &&
           (!(wanted & PHASH) || phash(&p, stats)) && (!(wanted & DHASH) || dhash(&p, stats)) &&
           (!(wanted & AHASH) || ahash(&p, stats)) && (!(wanted & WHASH) || whash(&p, stats));
}

/* Hashes and statistics of one grey image. */
#ifndef BCCURATE_HASHES_H
#define BCCURATE_HASHES_H

#include "resize.h"

/* Bits of `wanted`, and of `known` for the hashes. */
enum { PHASH = 1, DHASH = 2, AHASH = 4, WHASH = 8, STATISTICS = 16 };
enum { MIN_SIDE = 8, MAX_SIDE = 16384 }; /* pixels; sums of a row are sized for less */
enum { THUMB = 32, HALF = THUMB / 2, FREQUENCIES = 8 };

/* The first part of a RECORD of bccurate/images/image_stats.py. */
typedef struct {
    int64_t known; /* bits of the hashes that rounding cannot change */
    uint64_t phash, dhash, ahash, whash;
    int64_t grey_sum, grey_squares, edge_sum, edge_squares;
    uint8_t thumb[THUMB * THUMB];
} ImageStats;

typedef struct {
    Resizer resizer;
    double cosines[FREQUENCIES][HALF];
    uint8_t *room; /* buffer for planes; grows, freed by bc_hasher_end */
    size_t size;
} Hasher;

void bc_hasher_begin(Hasher *hasher);
void bc_hasher_end(Hasher *hasher);

/* Return `size` bytes, aligned to 64, valid until the next call; NULL without memory. */
uint8_t *bc_room(Hasher *hasher, size_t size);

/* Return whether bc_measure takes an image of this size; else Pillow measures it. */
int bc_measurable(int width, int height);

/* Return the bytes of `room` that bc_measure needs. */
size_t bc_measure_room(int width, int height);

/* Compute the hashes and statistics in `wanted` of the grey plane at the start of `room`. Returns 0
 * without memory. */
int bc_measure(Hasher *hasher, uint8_t *room, int width, int height, int64_t wanted,
               ImageStats *stats);

#endif

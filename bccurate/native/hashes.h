/* Hashes and statistics of one grey image. */
#ifndef BCCURATE_HASHES_H
#define BCCURATE_HASHES_H

#include "resize.h"

/* Bits of `wanted`, and of `known` for the hashes. */
enum { PHASH = 1, DHASH = 2, AHASH = 4, WHASH = 8, STATISTICS = 16 };
enum { MIN_SIDE = 8, MAX_SIDE = 16384 }; /* pixels; sums of a row are sized for less */
enum { THUMB = 32, HALF = THUMB / 2, FREQUENCIES = 8 };

/* The begin of a record of bccurate/images/image_stats.py. */
typedef struct {
    int64_t known; /* bits of the hashes that rounding cannot change */
    uint64_t phash, dhash, ahash, whash;
    int64_t grey_sum, grey_squares, edge_sum, edge_squares;
    uint8_t thumb[THUMB * THUMB];
} ImageStats;

typedef struct {
    Resizer resizer;
    double cosines[FREQUENCIES][HALF];
    uint8_t *room; /* for planes; it grows and is freed at the end */
    size_t size;
} Hasher;

void bc_hasher_begin(Hasher *hasher);
void bc_hasher_end(Hasher *hasher);

/* `size` bytes at a multiple of 64 that stay until the next call, or NULL. */
uint8_t *bc_room(Hasher *hasher, size_t size);

/* Whether bc_measure can take a picture of this size; else Pillow must. */
int bc_measurable(int width, int height);

/* Bytes of room that bc_measure needs. */
size_t bc_measure_room(int width, int height);

/* Fill in the hashes and statistics that `wanted` names, of the grey plane at the begin of `room`.
 * 0 where memory ends. */
int bc_measure(Hasher *hasher, uint8_t *room, int width, int height, int64_t wanted,
               ImageStats *stats);

/* Sum the grey values and their 4-neighbour Laplacian, which leaves out the border. Sixteen at a time;
 * 1,024 pairs of squares fit into a sum, so a row of MAX_SIDE does. */
void bc_statistics(const uint8_t *grey, int width, int height, ImageStats *stats);

#endif

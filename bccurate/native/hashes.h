/* What one pass over a grey picture tells. */
#ifndef BCCURATE_HASHES_H
#define BCCURATE_HASHES_H

#include "resize.h"

/* Bits of `wanted`, and of `known` for the hashes. PIXELS keeps them, and the file's bytes. */
enum { PHASH = 1, DHASH = 2, AHASH = 4, WHASH = 8, STATISTICS = 16, PIXELS = 32 };
enum { THUMB = 32, HALF = THUMB / 2, FREQUENCIES = 8 };

/* One row a picture, as bccurate/curation/kernels.py reads it. */
typedef struct {
    int64_t status; /* 1 decoded, 0 left to Pillow */
    int64_t width, height, format, size_bytes;
    int64_t file_at, pixels_at, pixels_size; /* where the bytes stand in the arenas */
    int64_t known;                           /* which hashes are sure */
    uint64_t phash, dhash, ahash, whash;
    int64_t grey_sum, grey_squares, edge_sum, edge_squares;
    uint8_t thumb[THUMB * THUMB];
} Facts;

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
               Facts *facts);

#endif

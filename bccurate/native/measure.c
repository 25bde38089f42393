/* Convert pixels to grey, sum their statistics and compute the hashes: one call an image. */
#include "bytes.h"
#include "hashes.h"

#include <string.h>

enum { MAX_KEPT = 4 << 20 }; /* bytes that a thread keeps for its next image */

/* Convert (H, W) grey or (H, W, 3) RGB pixels to a plane with rows of bc_stride(width). */
static void to_grey(const uint8_t *pixels, int width, int height, int channels, uint8_t *grey) {
    size_t stride = bc_stride(width);
    for (int y = 0; y < height; y++, grey += stride, pixels += (size_t)width * (size_t)channels) {
        int x = 0;
        memset(grey + width, 0, stride - (size_t)width);
        if (channels == 1) {
            memcpy(grey, pixels, (size_t)width);
            continue;
        }
        for (; x + 16 <= width; x += 16) {
            uint8_t c[3][16];
            bc_deinterleave(pixels + 3 * x, c[0], c[1], c[2]);
            bc_store16(bc_luma(bc_load16(c[0]), bc_load16(c[1]), bc_load16(c[2])), grey + x);
        }
        for (; x < width; x++)
            grey[x] = (uint8_t)((pixels[3 * x] * 19595u + pixels[3 * x + 1] * 38470u +
                                 pixels[3 * x + 2] * 7471u + 0x8000u) >> 16);
    }
}

INLINE int64_t total(Lanes v) {
    int64_t sum = 0;
    for (int i = 0; i < 8; i++) sum += v[i];
    return sum;
}

INLINE Words edges(const uint8_t *at, size_t stride) {
    return bc_load16(at - stride) + bc_load16(at + stride) + bc_load16(at - 1) +
           bc_load16(at + 1) - 4 * bc_load16(at);
}

/* Sum the grey values and their 4-neighbour Laplacian without the border, sixteen at a time; a
 * 32-bit sum holds the squares of a row of MAX_SIDE. */
static void statistics(const uint8_t *grey, int width, int height, ImageStats *stats) {
    size_t stride = bc_stride(width);
    const Words ones = bc_pairs(1, 1);
    Words inside = {0}; /* mask of a row's last sixteen edges, without the border */
    for (int i = 0; i <= (width - 3) % 16; i++) inside[i] = -1;
    for (int y = 0; y < height; y++) {
        const uint8_t *row = grey + (size_t)y * stride;
        Lanes sum = {0}, squares = {0};
        for (int x = 0; x < width; x += 16) { /* rows are padded with zeros */
            Words v = bc_load16(row + x);
            sum += bc_dot2(v, ones);
            squares += bc_dot2(v, v);
        }
        stats->grey_sum += total(sum);
        stats->grey_squares += total(squares);
        if (y == 0 || y == height - 1) continue;
        Lanes edge = {0}, edge_squares = {0};
        for (int x = 1; x < width - 1; x += 16) {
            Words v = edges(row + x, stride);
            if (x + 16 > width - 1) v &= inside;
            edge += bc_dot2(v, ones);
            edge_squares += bc_dot2(v, v);
        }
        stats->edge_sum += total(edge);
        stats->edge_squares += total(edge_squares);
    }
}

/* Measure one image, (H, W) grey or (H, W, 3) RGB. Returns 0 without memory or where Pillow must
 * resize (bc_measurable). */
EXPORT int64_t bc_measure_pixels(const uint8_t *pixels, int64_t width, int64_t height,
                                 int64_t channels, int64_t wanted, ImageStats *stats) {
    static _Thread_local Hasher hasher; /* images of a set have one size: its tables are kept */
    memset(stats, 0, sizeof *stats);
    if (width > MAX_SIDE || height > MAX_SIDE || width < MIN_SIDE || height < MIN_SIDE ||
        !bc_measurable((int)width, (int)height))
        return 0;
    if (!hasher.size) bc_hasher_begin(&hasher);
    uint8_t *room = bc_room(&hasher, bc_measure_room((int)width, (int)height));
    if (room) to_grey(pixels, (int)width, (int)height, (int)channels, room);
    if (room && wanted & STATISTICS) statistics(room, (int)width, (int)height, stats);
    int good = room && bc_measure(&hasher, room, (int)width, (int)height, wanted, stats);
    if (hasher.size > MAX_KEPT) bc_hasher_end(&hasher);
    return good;
}

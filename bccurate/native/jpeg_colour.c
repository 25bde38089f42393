/* JPEG's planes to pixels, bit for bit as libjpeg-turbo does it by default. See jpeg.h. */
#include <string.h>

#include "bytes.h"
#include "jpeg.h"
#include "resize.h"

/* libjpeg's "fancy" upsampling: a sample weighs three times its neighbour, across and, where chroma
 * lacks rows, down: `sums` is then 3 near + far, else the samples themselves. Edges repeat. */
INLINE void widen(uint16_t *sums, int n, const int left, const int right, const int shift,
                  uint8_t *out) {
    sums[0] = sums[1]; /* sample i stands at i + 1 */
    sums[n + 1] = sums[n];
    for (int i = 0; i < n; i += 16) { /* 16 more than n may be read and written */
        Words before, here, after;
        memcpy(&before, sums + i, 32);
        memcpy(&here, sums + i + 1, 32);
        memcpy(&after, sums + i + 2, 32);
        Words one = (here * 3 + before + (int16_t)left) >> (int16_t)shift;
        Words two = (here * 3 + after + (int16_t)right) >> (int16_t)shift;
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
        one = one << 8 | two;
#else
        one = two << 8 | one; /* two bytes side by side */
#endif
        memcpy(out + 2 * i, &one, 32);
    }
}

/* (a * b + 32768) >> 16. */
INLINE Words scaled(Words a, int16_t b) { return (bc_mul_high(2 * a, bc_pairs(b, b)) + 1) >> 1; }

/* Sixteen pixels: their grey, and their colours where `rgb` wants them. Side by side first, because
 * that is quick in vectors. What is past the row may be read: planes end with 16 bytes more. */
INLINE void convert_16(const uint8_t *y, const uint8_t *cb, const uint8_t *cr, uint8_t *grey,
                       uint8_t *rgb) {
    Words light = bc_load16(y), b = bc_load16(cb) - 128, r = bc_load16(cr) - 128;
    /* In 16-bit fixed point, less whole numbers so that factors fit: red has 91881 r, green -22554 b
     * and -46802 r, blue 116130 b. */
    const Words factors = bc_pairs(-22554, 65536 - 46802);
    Lanes low = bc_dot2(bc_turns_low(b, r), factors), high = bc_dot2(bc_turns_high(b, r), factors);
    Words red = bc_clamp(light + r + scaled(r, 91881 - 65536));
    Words green = bc_clamp(light - r + bc_narrow((low + 32768) >> 16, (high + 32768) >> 16));
    Words blue = bc_clamp(light + 2 * b + scaled(b, 116130 - 131072));
    bc_store16(bc_luma(red, green, blue), grey);
    if (!rgb) return;
    uint8_t colour[3][16];
    bc_store16(red, colour[0]);
    bc_store16(green, colour[1]);
    bc_store16(blue, colour[2]);
    bc_interleave(colour[0], colour[1], colour[2], rgb);
}

INLINE void convert_row(const uint8_t *const planes[3], int n, uint8_t *grey, uint8_t *rgb) {
    for (int x = 0; x < n; x += 16) {
        uint8_t last[48]; /* grey rows are padded, pixels are not */
        int whole = x + 16 <= n;
        convert_16(planes[0] + x, planes[1] + x, planes[2] + x, grey + x,
                   rgb ? whole ? rgb + 3 * x : last : NULL);
        if (rgb && !whole) memcpy(rgb + 3 * x, last, 3 * (size_t)(n - x));
    }
}

/* Chroma rows that go with a row of light, at full width. */
static void chroma_rows(const Jpeg *j, int row, uint16_t *sums, uint8_t *room,
                        const uint8_t *planes[3]) {
    const Component *y = &j->parts[0];
    for (int i = 1; i < j->n; i++, room += 2 * j->parts[1].stride) {
        const Component *c = &j->parts[i];
        int own = row / y->v, other = row % 2 ? own + 1 : own - 1;
        if (y->v == 1 || other < 0 || other >= c->height) other = own;
        const uint8_t *near = c->plane + (size_t)own * (size_t)c->stride;
        const uint8_t *far = c->plane + (size_t)other * (size_t)c->stride;
        planes[i] = y->h == 1 ? near : room;
        if (y->h == 1) continue;
        if (y->v == 2) {
            for (int x = 0; x < c->width; x++) sums[x + 1] = (uint16_t)(near[x] * 3 + far[x]);
            widen(sums, c->width, 8, 7, 4, room);
        } else {
            for (int x = 0; x < c->width; x++) sums[x + 1] = near[x];
            widen(sums, c->width, 1, 2, 2, room);
        }
    }
}

void bc_jpeg_convert(const Jpeg *j, uint8_t *room, uint8_t *grey, uint8_t *pixels) {
    uint16_t sums[MAX_SIDE / 2 + 32] = {0};
    const uint8_t *planes[3];
    for (int row = 0; row < j->height; row++, grey += bc_stride(j->width)) {
        planes[0] = j->parts[0].plane + (size_t)row * (size_t)j->parts[0].stride;
        chroma_rows(j, row, sums, room, planes);
        if (j->n == 3) {
            convert_row(planes, j->width, grey, pixels);
        } else {
            memcpy(grey, planes[0], (size_t)j->width);
            if (pixels) bc_repeat(planes[0], (size_t)j->width, pixels);
        }
        memset(grey + j->width, 0, bc_stride(j->width) - (size_t)j->width);
        if (pixels) pixels += 3 * (size_t)j->width;
    }
}

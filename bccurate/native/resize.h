/* Resampling of grey pictures, bit for bit as Pillow's `Image.resize` does it. */
#ifndef BCCURATE_RESIZE_H
#define BCCURATE_RESIZE_H

#include "kernels.h"

enum { BOX, LANCZOS };

/* The weights of one axis; the last few are kept, because all images of a set tend to have one size. */
typedef struct {
    int in, out, filter; /* in = 0 where the place is free */
    int taps;            /* at most, of one output */
    int32_t *first, *count, *weights;
} Axis;

enum { AXES = 24 };
typedef struct {
    Axis axes[AXES];
    int next;
} Resizer;

void bc_resizer_end(Resizer *resizer);

/* Bytes of a plane with rows of `width` samples: each begins at a multiple of 32 and the loops may
 * read to the end of a row's last 32. */
static inline size_t bc_stride(int width) { return ((size_t)width + 31) / 32 * 32; }
static inline size_t bc_plane(int width, int height) {
    return bc_stride(width) * (((size_t)height + 31) / 32 * 32);
}

/* out (w x h) from in (h x w), both padded planes. */
void bc_transpose(const uint8_t *in, int width, int height, uint8_t *out);

/* The plane as floats in `room`, for quick sums; NULL where it is too large or the processor has no
 * such instructions. */
enum { MAX_WIDE = 1 << 22 };
const float *bc_wide(const uint8_t *in, int width, int height, float *room);

/* Resize a transposed plane (rows are the picture's columns; `wide` is the same by bc_wide) to
 * out_width x out_height, not transposed, first along x and then along y, each rounded to 8 bits.
 * `scratch` holds two planes of out_width x height, `room` floats of one. 0 where memory ends. */
int bc_resize(Resizer *resizer, const uint8_t *columns, const float *wide, int width, int height,
              int filter, int out_width, int out_height, uint8_t *scratch, float *room,
              uint8_t *out);

#endif

/* Resample grey images, bit for bit as Pillow's `Image.resize`. */
#ifndef BCCURATE_RESIZE_H
#define BCCURATE_RESIZE_H

#include "kernels.h"

enum { BOX, LANCZOS };

/* The weights of one axis. The last few are kept: the images of a set mostly have one size. */
typedef struct {
    int in, out, filter; /* in = 0: not in use */
    int taps;            /* the most weights of one output */
    int32_t *first, *count, *weights;
} Axis;

enum { AXES = 24 };
typedef struct {
    Axis axes[AXES];
    int next;
} Resizer;

void bc_resizer_end(Resizer *resizer);

/* Return the bytes of a row of `width` samples, and of a plane of such rows: padded to a
 * multiple of 32, because the loops take 32 samples at a time. */
static inline size_t bc_stride(int width) { return ((size_t)width + 31) / 32 * 32; }
static inline size_t bc_plane(int width, int height) {
    return bc_stride(width) * (((size_t)height + 31) / 32 * 32);
}

/* Transpose a padded plane of height x width into one of width x height. */
void bc_transpose(const uint8_t *in, int width, int height, uint8_t *out);

/* Copy a plane as floats to `room`, for faster sums; NULL where it is too large or the processor
 * has no AVX2. */
enum { MAX_WIDE = 1 << 22 };
const float *bc_wide(const uint8_t *in, int width, int height, float *room);

/* Resize a transposed plane (rows are the image's columns; `wide` is the same by bc_wide) to
 * out_width x out_height, not transposed, first along x and then along y, each rounded to 8
 * bits. `scratch` holds two planes of out_width x height, `room` floats of one. Returns 0
 * without memory. */
int bc_resize(Resizer *resizer, const uint8_t *columns, const float *wide, int width, int height,
              int filter, int out_width, int out_height, uint8_t *scratch, float *room,
              uint8_t *out);

#endif

/* Source of the arithmetic: Pillow's Resample.c, whose 8-bit road rounds weights to 22 bits. */
#include "resize.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { PRECISION = 32 - 8 - 2 };
static const double PI = 3.141592653589793238462643383279502884;

static double sinc(double x) {
    if (x == 0.0) return 1.0;
    x = x * PI;
    return sin(x) / x;
}

static double weight_at(int filter, double x) {
    if (filter == BOX) return x > -0.5 && x <= 0.5 ? 1.0 : 0.0;
    return -3.0 <= x && x < 3.0 ? sinc(x) * sinc(x / 3) : 0.0;
}

static void free_axis(Axis *axis) {
    free(axis->first);
    free(axis->count);
    free(axis->weights);
    memset(axis, 0, sizeof *axis);
}

void bc_resizer_end(Resizer *resizer) {
    for (int i = 0; i < AXES; i++) free_axis(&resizer->axes[i]);
}

static int make_axis(Axis *axis, int in, int out, int filter) {
    double scale = (double)in / out, wide = scale < 1.0 ? 1.0 : scale;
    double support = (filter == BOX ? 0.5 : 3.0) * wide;
    int taps = (int)ceil(support) * 2 + 1;
    *axis = (Axis){0, out, filter, taps, calloc((size_t)out, 4), calloc((size_t)out, 4),
                   calloc((size_t)out * (size_t)taps, 4)};
    double *exact = malloc((size_t)taps * sizeof(double));
    if (!axis->first || !axis->count || !axis->weights || !exact) {
        free(exact);
        free_axis(axis);
        return 0;
    }
    for (int i = 0; i < out; i++) {
        double center = (i + 0.5) * scale, sum = 0.0, inverse = 1.0 / wide;
        int first = (int)(center - support + 0.5), end = (int)(center + support + 0.5);
        if (first < 0) first = 0;
        if (end > in) end = in;
        for (int k = 0; k < end - first; k++) {
            exact[k] = weight_at(filter, (k + first - center + 0.5) * inverse);
            sum += exact[k];
        }
        for (int k = 0; k < end - first; k++) {
            double weight = sum != 0.0 ? exact[k] / sum : exact[k];
            weight *= 1 << PRECISION;
            axis->weights[i * taps + k] = (int32_t)(weight < 0 ? weight - 0.5 : weight + 0.5);
        }
        axis->first[i] = first;
        axis->count[i] = end - first;
    }
    free(exact);
    axis->in = in;
    return 1;
}

static const Axis *axis_of(Resizer *resizer, int in, int out, int filter) {
    for (int i = 0; i < AXES; i++) {
        Axis *axis = &resizer->axes[i];
        if (axis->in == in && axis->out == out && axis->filter == filter) return axis;
    }
    Axis *axis = &resizer->axes[resizer->next];
    resizer->next = (resizer->next + 1) % AXES;
    free_axis(axis);
    return make_axis(axis, in, out, filter) ? axis : NULL;
}

/* Weighted sums of whole rows: 32 samples side by side. */
FASTEST static void resample_rows(const uint8_t *in, size_t stride, const Axis *axis,
                                  uint8_t *out) {
    for (int i = 0; i < axis->out; i++) {
        const int32_t *weights = axis->weights + (size_t)i * (size_t)axis->taps;
        for (size_t x = 0; x < stride; x += 32) {
            const uint8_t *from = in + (size_t)axis->first[i] * stride + x;
            int32_t sum[32];
            for (int k = 0; k < 32; k++) sum[k] = 1 << (PRECISION - 1);
            for (int t = 0; t < axis->count[i]; t++, from += stride) {
                int32_t weight = weights[t];
                for (int k = 0; k < 32; k++) sum[k] += from[k] * weight;
            }
            for (int k = 0; k < 32; k++) {
                int32_t value = sum[k] >> PRECISION;
                out[x + (size_t)k] = (uint8_t)(value < 0 ? 0 : value > 255 ? 255 : value);
            }
        }
        out += stride;
    }
}

typedef uint8_t Bytes __attribute__((vector_size(16)));
#define INTERLEAVE_LOW(a, b) \
    __builtin_shuffle(a, b, (Bytes){0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23})
#define INTERLEAVE_HIGH(a, b) \
    __builtin_shuffle(a, b, (Bytes){8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31})

/* Four rounds of "row i with row i + 8" transpose 16x16 bytes. */
static void transpose_16(const uint8_t *in, size_t in_stride, uint8_t *out, size_t out_stride) {
    Bytes a[16], b[16];
    for (int i = 0; i < 16; i++) memcpy(&a[i], in + (size_t)i * in_stride, 16);
    for (int round = 0; round < 4; round++) {
        for (int i = 0; i < 8; i++) {
            b[2 * i] = INTERLEAVE_LOW(a[i], a[i + 8]);
            b[2 * i + 1] = INTERLEAVE_HIGH(a[i], a[i + 8]);
        }
        memcpy(a, b, sizeof a);
    }
    for (int i = 0; i < 16; i++) memcpy(out + (size_t)i * out_stride, &a[i], 16);
}

void bc_transpose(const uint8_t *in, int width, int height, uint8_t *out) {
    size_t in_stride = bc_stride(width), out_stride = bc_stride(height);
    for (size_t y = 0; y < (size_t)height; y += 16)
        for (size_t x = 0; x < (size_t)width; x += 16)
            transpose_16(in + y * in_stride + x, in_stride, out + x * out_stride + y, out_stride);
}

int bc_resize(Resizer *resizer, const uint8_t *columns, int width, int height, int filter,
              int out_width, int out_height, uint8_t *scratch, uint8_t *out) {
    uint8_t *turned = scratch + bc_plane(height, out_width);
    if (width != out_width) { /* Pillow leaves out a pass that would change nothing */
        const Axis *across = axis_of(resizer, width, out_width, filter);
        if (!across) return 0;
        resample_rows(columns, bc_stride(height), across, scratch);
        columns = scratch;
    }
    bc_transpose(columns, height, out_width, turned);
    if (height == out_height) {
        memcpy(out, turned, bc_stride(out_width) * (size_t)out_height);
        return 1;
    }
    const Axis *down = axis_of(resizer, height, out_height, filter);
    if (!down) return 0;
    resample_rows(turned, bc_stride(out_width), down, out);
    return 1;
}

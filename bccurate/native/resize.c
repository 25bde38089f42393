/* Source: Pillow's Resample.c, which rounds weights to 22 bits for 8-bit images. */
#include "resize.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "bytes.h"

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

/* Compute 32 neighbouring weighted sums in integers, as Pillow does. */
INLINE void resample_exactly(const uint8_t *from, size_t stride, const int32_t *weights, int count,
                             uint8_t *out) {
    int32_t sum[32];
    for (int k = 0; k < 32; k++) sum[k] = 1 << (PRECISION - 1);
    for (int t = 0; t < count; t++, from += stride)
        for (int k = 0; k < 32; k++) sum[k] += from[k] * weights[t];
    for (int k = 0; k < 32; k++) {
        int32_t value = sum[k] >> PRECISION;
        out[k] = (uint8_t)(value < 0 ? 0 : value > 255 ? 255 : value);
    }
}

static void resample_rows(const uint8_t *in, size_t stride, const Axis *axis,
                                  uint8_t *out) {
    for (int i = 0; i < axis->out; i++, out += stride)
        for (size_t x = 0; x < stride; x += 32)
            resample_exactly(in + (size_t)axis->first[i] * stride + x, stride,
                             axis->weights + (size_t)i * (size_t)axis->taps, axis->count[i],
                             out + x);
}

#if defined(__AVX2__) && defined(__FMA__)
enum { HAS_FLOATS = 1 };

/* Compute the same in floats, four times as fast. Every weight is exact as a float, so the error
 * of a sum is below `taps` roundings of a value below 1,024; where that could change the integer
 * part, the 32 samples are summed again in integers. */
static void resample_in_floats(const uint8_t *in, const float *wide, size_t stride,
                               const Axis *axis, uint8_t *out) {
    const __m256 half = _mm256_set1_ps(0.5f), top = _mm256_set1_ps(255.0f);
    const __m256 margin = _mm256_set1_ps((float)axis->taps * 3.1e-5f);
    const __m256 upper = _mm256_sub_ps(_mm256_set1_ps(1.0f), margin);
    const __m256i order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
    for (int i = 0; i < axis->out; i++, out += stride) {
        const int32_t *weights = axis->weights + (size_t)i * (size_t)axis->taps;
        size_t first = (size_t)axis->first[i] * stride;
        for (size_t x = 0; x < stride; x += 32) {
            const float *from = wide + first + x;
            __m256 sum[4] = {half, half, half, half}, unsure = _mm256_setzero_ps();
            for (int t = 0; t < axis->count[i]; t++, from += stride) {
                __m256 weight = _mm256_set1_ps((float)weights[t] * (1.0f / (1 << PRECISION)));
                for (int k = 0; k < 4; k++)
                    sum[k] = _mm256_fmadd_ps(_mm256_loadu_ps(from + 8 * k), weight, sum[k]);
            }
            __m256i whole[4];
            for (int k = 0; k < 4; k++) {
                __m256 floor = _mm256_floor_ps(sum[k]), rest = _mm256_sub_ps(sum[k], floor);
                unsure = _mm256_or_ps(unsure, _mm256_cmp_ps(rest, margin, _CMP_LT_OQ));
                unsure = _mm256_or_ps(unsure, _mm256_cmp_ps(rest, upper, _CMP_GT_OQ));
                floor = _mm256_min_ps(_mm256_max_ps(floor, _mm256_setzero_ps()), top);
                whole[k] = _mm256_cvttps_epi32(floor);
            }
            if (_mm256_movemask_ps(unsure)) {
                resample_exactly(in + first + x, stride, weights, axis->count[i], out + x);
                continue;
            }
            __m256i low = _mm256_packs_epi32(whole[0], whole[1]);
            __m256i high = _mm256_packs_epi32(whole[2], whole[3]);
            __m256i bytes = _mm256_permutevar8x32_epi32(_mm256_packus_epi16(low, high), order);
            _mm256_storeu_si256((__m256i *)(out + x), bytes);
        }
    }
}
#else
enum { HAS_FLOATS = 0 };
static void resample_in_floats(const uint8_t *in, const float *wide, size_t stride,
                               const Axis *axis, uint8_t *out) {
    (void)wide;
    resample_rows(in, stride, axis, out);
}
#endif

static void to_floats(const uint8_t *in, size_t n, float *out) {
    for (size_t i = 0; i < n; i++) out[i] = in[i];
}

const float *bc_wide(const uint8_t *in, int width, int height, float *room) {
    size_t n = bc_stride(width) * (size_t)height;
    if (n > MAX_WIDE || !HAS_FLOATS) return NULL;
    to_floats(in, n, room);
    return room;
}

static void resample(const uint8_t *in, const float *wide, size_t stride, const Axis *axis,
                     uint8_t *out) {
    if (wide)
        resample_in_floats(in, wide, stride, axis, out);
    else
        resample_rows(in, stride, axis, out);
}

void bc_transpose(const uint8_t *in, int width, int height, uint8_t *out) {
    size_t in_stride = bc_stride(width), out_stride = bc_stride(height);
    for (size_t y = 0; y < (size_t)height; y += 16)
        for (size_t x = 0; x < (size_t)width; x += 16)
            bc_transpose_16(in + y * in_stride + x, in_stride, out + x * out_stride + y,
                            out_stride);
}

int bc_resize(Resizer *resizer, const uint8_t *columns, const float *wide, int width, int height,
              int filter, int out_width, int out_height, uint8_t *scratch, float *room,
              uint8_t *out) {
    uint8_t *upright = scratch + bc_plane(height, out_width);
    if (width != out_width) { /* as Pillow, skip a pass that would change nothing */
        const Axis *across = axis_of(resizer, width, out_width, filter);
        if (!across) return 0;
        resample(columns, wide, bc_stride(height), across, scratch);
        columns = scratch;
    }
    bc_transpose(columns, height, out_width, upright);
    if (height == out_height) {
        memcpy(out, upright, bc_stride(out_width) * (size_t)out_height);
        return 1;
    }
    const Axis *down = axis_of(resizer, height, out_height, filter);
    if (!down) return 0;
    resample(upright, bc_wide(upright, out_width, height, room), bc_stride(out_width), down, out);
    return 1;
}

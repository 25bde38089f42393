/* Spectra and tangent spaces of 32x32 images, which the prefilter compares. See
 * bccurate/duplicates/prefilter.py, whose numpy form is the reference for this one. */
#include "spectra.h"

#include <math.h>
#include <string.h>

#include "vectors.h"

INLINE void scale(float *a, int n, float by) {
    for (int k = 0; k < n; k++) a[k] *= by;
}

/* Scale to length 1, or to all zeros where the length is `least` or less. */
INLINE void normalise(float *a, float least) {
    float length = sqrtf(dot(a, a, TERMS));
    scale(a, TERMS, length > least ? 1 / length : 0);
}

/* Write the 4x4 block means of an image and of its derivatives by shift, scale and rotation. */
INLINE void shrunk_tangents(const uint8_t *p, float out[TANGENTS][TERMS]) {
    const float centre = (SIDE - 1) / 2.0f;
    for (int top = 0; top < SIDE; top += 4) {
        float sum[TANGENTS][SIDE] = {{0}};
        for (int row = top; row < top + 4; row++) {
            const uint8_t *at = p + row * SIDE;
            const int above = row ? -SIDE : 0, below = row < SIDE - 1 ? SIDE : 0;
            const float slope = above && below ? 0.5f : 1, y = row - centre;
            float dx[SIDE];
            ROW_SLOPES(dx, at, SIDE);
            for (int c = 0; c < SIDE; c++) {
                const float dy = (at[c + below] - at[c + above]) * slope, x = c - centre;
                sum[0][c] += at[c];
                sum[1][c] += dx[c];
                sum[2][c] += dy;
                sum[3][c] += x * dx[c] + y * dy;
                sum[4][c] += y * dx[c] - x * dy;
            }
        }
        for (int k = 0; k < TANGENTS; k++)
            for (int c = 0; c < 8; c++) {
                const float *s = sum[k] + 4 * c;
                out[k][top * 2 + c] = (s[0] + s[1] + s[2] + s[3]) / 16;
            }
    }
}

/* Round to the nearest fixed-point integer; the offset makes all values positive. */
INLINE int16_t to_fixed(float v) { return (int16_t)((int32_t)(v * ONE + ONE + 0.5f) - ONE); }

/* Write the orthonormal tangent bases (5, 64) of the images first to last - 1, and the same as
 * fixed-point integers: the first rows, which are the spectra, and the other four. */
EXPORT int64_t bc_describe(const uint8_t *thumbs, int64_t first, int64_t last,
                                 const float *cosines, float *bases, int16_t *spectra,
                                 int16_t *tangents) {
    for (int64_t i = first; i < last; i++) {
        float images[TANGENTS][TERMS];
        float *basis = bases + i * TANGENTS * TERMS;
        shrunk_tangents(thumbs + i * SIDE * SIDE, images);
        for (int t = 0; t < TANGENTS; t++) {
            float *row = basis + t * TERMS;
            v8 sum[TERMS / 8] = {{0}};
            for (int p = 0; p < TERMS; p++)
                for (int k = 0; k < TERMS / 8; k++)
                    sum[k] = fused(images[t][p] - (v8){0}, AT(cosines + p * TERMS + 8 * k), sum[k]);
            memcpy(row, sum, sizeof sum);
            normalise(row, 1e-3f);
            for (int s = 0; s < t; s++) {
                const float share = dot(row, basis + s * TERMS, TERMS);
                for (int k = 0; k < TERMS; k++) row[k] -= share * basis[s * TERMS + k];
            }
            normalise(row, 1e-3f);
        }
        for (int k = 0; k < TERMS; k++) spectra[i * TERMS + k] = to_fixed(basis[k]);
        for (int k = 0; k < (TANGENTS - 1) * TERMS; k++)
            tangents[i * (TANGENTS - 1) * TERMS + k] = to_fixed(basis[TERMS + k]);
    }
    return last - first;
}

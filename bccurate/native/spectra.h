/* The spectrum of an 8x8 image: 63 cosine coefficients (and a zero), sorted by how a rotation or
 * flip changes them. A1 stays, B1 and A2 change sign where x and y swap, B2 and A2 where one axis
 * flips, X where x flips, Y where y flips, and a swap exchanges X and Y: the irreducible
 * representations of the symmetry group of the square. */
#ifndef BCCURATE_SPECTRA_H
#define BCCURATE_SPECTRA_H

#include "kernels.h"

enum { A1 = 0, B1 = 10, B2 = 16, A2 = 26, X = 32, Y = 48, TERMS = 64, EACH = 16 };
enum { SIDE = 32, TANGENTS = 5, ROTATIONS = 8 };

/* The prefilter sums integers first: the fixed-point value of 1. */
#define ONE 16384

/* Rotation k swaps the axes where k is odd, then flips y and x by these signs. */
static const int32_t FLIP_Y[ROTATIONS] = {1, -1, -1, 1, 1, 1, -1, -1};
static const int32_t FLIP_X[ROTATIONS] = {1, 1, -1, -1, -1, 1, 1, -1};
static const int8_t INVERSE[ROTATIONS] = {0, 3, 2, 1, 4, 5, 6, 7};

/* Fill in the signs by which a rotation multiplies a spectrum, before an odd one swaps X and Y. */
INLINE void fill_signs(int16_t signs[ROTATIONS][TERMS]) {
    for (int rotation = 0; rotation < ROTATIONS; rotation++) {
        const int fx = FLIP_X[rotation], fy = FLIP_Y[rotation], swap = rotation & 1 ? -1 : 1;
        for (int k = 0; k < TERMS; k++)
            signs[rotation][k] = (int16_t)(k < B1   ? 1
                                       : k < B2 ? swap
                                       : k < A2 ? fx * fy
                                       : k < X  ? swap * fx * fy
                                       : k < Y  ? fx
                                                : fy);
    }
}

/* Write the spectrum of the rotated image to `out`. */
INLINE void rotate_spectrum(const float *in, const int16_t *signs, int rotation, float *out) {
    const float *x = in + (rotation & 1 ? Y : X), *y = in + (rotation & 1 ? X : Y);
    for (int k = 0; k < X; k++) out[k] = signs[k] * in[k];
    for (int k = 0; k < EACH; k++) out[X + k] = signs[X + k] * x[k];
    for (int k = 0; k < EACH; k++) out[Y + k] = signs[Y + k] * y[k];
}

#endif

/* Eight floats at a time with the vector extensions of GCC and Clang, on every processor. */
#ifndef BCCURATE_VECTORS_H
#define BCCURATE_VECTORS_H

#include <string.h>

#include "kernels.h"

/* Aligned as its elements are, so that a vector may begin anywhere in an array. */
typedef float v8 __attribute__((vector_size(32), aligned(4)));
#define AT(p) (*(const v8 *)(p))

/* Return a * b + c, fused where the processor can: not for sums that must round alike. */
#if defined(__AVX2__) && defined(__FMA__)
#include <immintrin.h>
INLINE v8 fused(v8 a, v8 b, v8 c) {
    return (v8)_mm256_fmadd_ps((__m256)a, (__m256)b, (__m256)c);
}
#else
INLINE v8 fused(v8 a, v8 b, v8 c) { return a * b + c; }
#endif

INLINE float sum8(v8 v) {
    typedef float v4 __attribute__((vector_size(16)));
    v4 half[2];
    memcpy(half, &v, sizeof half);
    const v4 four = half[0] + half[1];
    const v4 two = four + (v4){four[1], four[0], four[3], four[2]};
    return two[0] + two[2];
}

/* Return the scalar product of n floats, n a multiple of 16. */
INLINE float dot(const float *a, const float *b, int n) {
    v8 even = {0}, odd = {0};
    for (int k = 0; k < n; k += 16) {
        even += AT(a + k) * AT(b + k);
        odd += AT(a + k + 8) * AT(b + k + 8);
    }
    return sum8(even + odd);
}

/* Write the derivative along a row of n samples, as numpy.gradient does. */
#define ROW_SLOPES(dx, at, n)                                                            \
    do {                                                                                 \
        for (int c = 1; c < (n) - 1; c++) (dx)[c] = ((at)[c + 1] - (at)[c - 1]) * 0.5f;  \
        (dx)[0] = (at)[1] - (at)[0];                                                     \
        (dx)[(n) - 1] = (at)[(n) - 1] - (at)[(n) - 2];                                   \
    } while (0)

#endif

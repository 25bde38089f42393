/* The checksum of a zlib stream (RFC 1950). */
#ifndef BCCURATE_ADLER_H
#define BCCURATE_ADLER_H

#include "kernels.h"

#if defined(__AVX2__)
#include <immintrin.h>
#endif

typedef uint32_t v8u __attribute__((vector_size(32)));

INLINE v8u eight_bytes(const uint8_t *p) {
#if defined(__AVX2__)
    return (v8u)_mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i *)p));
#else
    return (v8u){p[0], p[1], p[2], p[3], p[4], p[5], p[6], p[7]};
#endif
}

/* Eight sums side by side, twice, so that one need not wait for the other. `later` adds up `sums` after
 * each block: a byte of block j of J counts J - j times in it. */
static uint32_t adler32(const uint8_t *data, size_t n) {
    enum { LANES = 8, BLOCK = 2 * LANES };
    uint32_t a = 1, b = 0;
    while (n) { /* 5,536 bytes at most before a remainder keeps the sums within 32 bits */
        size_t chunk = n < 5536 ? n : 5536, i = 0;
        v8u sums[2] = {0}, later[2] = {0};
        for (; i + BLOCK <= chunk; i += BLOCK) {
            later[0] += sums[0] += eight_bytes(data + i);
            later[1] += sums[1] += eight_bytes(data + i + LANES);
        }
        b += (uint32_t)i * a;
        for (uint32_t k = 0; k < BLOCK; k++) {
            uint32_t sum = sums[k / LANES][k % LANES];
            a += sum;
            b += BLOCK * later[k / LANES][k % LANES] - k * sum;
        }
        for (; i < chunk; i++) {
            a += data[i];
            b += a;
        }
        a %= 65521;
        b %= 65521;
        data += chunk;
        n -= chunk;
    }
    return b << 16 | a;
}

#endif

/* Operations on sixteen bytes at once that compilers do not generate by themselves. */
#ifndef BCCURATE_BYTES_H
#define BCCURATE_BYTES_H

#include <string.h>

#include "kernels.h"

typedef uint8_t Bytes __attribute__((vector_size(16)));
typedef int16_t Words __attribute__((vector_size(32)));
typedef int32_t Lanes __attribute__((vector_size(32)));

#if defined(__AVX2__)
#include <immintrin.h>

/* Load sixteen bytes as 16-bit integers. */
INLINE Words bc_load16(const uint8_t *bytes) {
    return (Words)_mm256_cvtepu8_epi16(_mm_loadu_si128((const __m128i *)(const void *)bytes));
}

/* Store sixteen 16-bit integers as bytes, clipped to 0 and 255. */
INLINE void bc_store16(Words v, uint8_t *bytes) {
    __m256i all = (__m256i)v;
    __m128i high = _mm256_extracti128_si256(all, 1);
    _mm_storeu_si128((__m128i *)(void *)bytes, _mm_packus_epi16(_mm256_castsi256_si128(all), high));
}

/* a[2i] * b[2i] + a[2i + 1] * b[2i + 1]. */
INLINE Lanes bc_dot2(Words a, Words b) {
    return (Lanes)_mm256_madd_epi16((__m256i)a, (__m256i)b);
}

/* Undo bc_zip_low and bc_zip_high, clipping to 16 bits. */
INLINE Words bc_narrow(Lanes low, Lanes high) {
    return (Words)_mm256_packs_epi32((__m256i)low, (__m256i)high);
}

/* Return the sum of each register. */
INLINE void bc_sums(const Lanes v[4], int32_t sums[4]) {
    __m256i one = _mm256_hadd_epi32((__m256i)v[0], (__m256i)v[1]);
    __m256i two = _mm256_hadd_epi32((__m256i)v[2], (__m256i)v[3]);
    __m256i all = _mm256_hadd_epi32(one, two);
    __m128i sum = _mm_add_epi32(_mm256_castsi256_si128(all), _mm256_extracti128_si256(all, 1));
    _mm_storeu_si128((__m128i *)(void *)sums, sum);
}

/* Return one bit for each of eight numbers that is at least `least`. */
INLINE uint32_t bc_reaching(Lanes v, int32_t least) {
    __m256i less = _mm256_cmpgt_epi32(_mm256_set1_epi32(least), (__m256i)v);
    return 255 & ~(uint32_t)_mm256_movemask_ps(_mm256_castsi256_ps(less));
}

INLINE Lanes bc_larger(Lanes a, Lanes b) { return (Lanes)_mm256_max_epi32((__m256i)a, (__m256i)b); }

#else

INLINE Words bc_load16(const uint8_t *bytes) {
    Words v;
    for (int i = 0; i < 16; i++) v[i] = bytes[i];
    return v;
}

INLINE void bc_store16(Words v, uint8_t *bytes) {
    for (int i = 0; i < 16; i++) bytes[i] = (uint8_t)(v[i] < 0 ? 0 : v[i] > 255 ? 255 : v[i]);
}

#if defined(__SSE2__)
#include <emmintrin.h>

INLINE Lanes bc_dot2(Words a, Words b) {
    __m128i one[2], two[2];
    memcpy(one, &a, sizeof a);
    memcpy(two, &b, sizeof b);
    for (int i = 0; i < 2; i++) one[i] = _mm_madd_epi16(one[i], two[i]);
    memcpy(&a, one, sizeof a);
    return (Lanes)a;
}
#else
INLINE Lanes bc_dot2(Words a, Words b) {
    Lanes v;
    for (int i = 0; i < 8; i++) v[i] = a[2 * i] * b[2 * i] + a[2 * i + 1] * b[2 * i + 1];
    return v;
}
#endif

INLINE int16_t bc_short(int32_t v) { return (int16_t)(v < -32768 ? -32768 : v > 32767 ? 32767 : v); }

INLINE Words bc_narrow(Lanes low, Lanes high) {
    Words v;
    for (int i = 0; i < 16; i++) v[i] = bc_short((i & 4 ? high : low)[i / 8 * 4 + i % 4]);
    return v;
}

INLINE void bc_sums(const Lanes v[4], int32_t sums[4]) {
    for (int k = 0; k < 4; k++) {
        sums[k] = 0;
        for (int i = 0; i < 8; i++) sums[k] += v[k][i];
    }
}

INLINE uint32_t bc_reaching(Lanes v, int32_t least) {
    uint32_t bits = 0;
    for (int i = 0; i < 8; i++) bits |= (uint32_t)(v[i] >= least) << i;
    return bits;
}

INLINE Lanes bc_larger(Lanes a, Lanes b) {
    const Lanes larger = a > b;
    return (a & larger) | (b & ~larger);
}

#endif

/* Interleave the numbers of two registers: the first half of each half register, and the second. */
INLINE Words bc_zip_low(Words a, Words b) {
    return __builtin_shuffle(
        a, b, (Words){0, 16, 1, 17, 2, 18, 3, 19, 8, 24, 9, 25, 10, 26, 11, 27});
}

INLINE Words bc_zip_high(Words a, Words b) {
    return __builtin_shuffle(
        a, b, (Words){4, 20, 5, 21, 6, 22, 7, 23, 12, 28, 13, 29, 14, 30, 15, 31});
}

INLINE Words bc_pairs(int16_t a, int16_t b) {
    return (Words){a, b, a, b, a, b, a, b, a, b, a, b, a, b, a, b};
}

/* Pillow's convert("L"): ITU-R 601-2 luma in 16-bit fixed point. 38470 is halved to fit. */
INLINE Words bc_luma(Words red, Words green, Words blue) {
    const Words one = bc_pairs(19595, 38470 / 2), two = bc_pairs(38470 / 2, 7471);
    Lanes low = bc_dot2(bc_zip_low(red, green), one) + bc_dot2(bc_zip_low(green, blue), two);
    Lanes high = bc_dot2(bc_zip_high(red, green), one) + bc_dot2(bc_zip_high(green, blue), two);
    return bc_narrow((low + 0x8000) >> 16, (high + 0x8000) >> 16);
}

/* Split 48 bytes of RGB pixels into 16 red, green and blue bytes. */
INLINE void bc_deinterleave(const uint8_t *pixels, uint8_t *red, uint8_t *green, uint8_t *blue) {
    Bytes a, b, c, half, out;
    memcpy(&a, pixels, 16);
    memcpy(&b, pixels + 16, 16);
    memcpy(&c, pixels + 32, 16);
    half = __builtin_shuffle(a, b, (Bytes){0, 3, 6, 9, 12, 15, 18, 21, 24, 27, 30, 0, 0, 0, 0, 0});
    out = __builtin_shuffle(half, c, (Bytes){0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 17, 20, 23, 26, 29});
    memcpy(red, &out, 16);
    half = __builtin_shuffle(a, b, (Bytes){1, 4, 7, 10, 13, 16, 19, 22, 25, 28, 31, 0, 0, 0, 0, 0});
    out = __builtin_shuffle(half, c, (Bytes){0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 18, 21, 24, 27, 30});
    memcpy(green, &out, 16);
    half = __builtin_shuffle(a, b, (Bytes){2, 5, 8, 11, 14, 17, 20, 23, 26, 29, 0, 0, 0, 0, 0, 0});
    out = __builtin_shuffle(half, c, (Bytes){0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 16, 19, 22, 25, 28, 31});
    memcpy(blue, &out, 16);
}

#define INTERLEAVE_LOW(a, b) \
    __builtin_shuffle(a, b, (Bytes){0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23})
#define INTERLEAVE_HIGH(a, b) \
    __builtin_shuffle(a, b, (Bytes){8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31})

/* Transpose 16x16 bytes in four rounds that interleave row i with row i + 8. */
INLINE void bc_transpose_16(const uint8_t *in, size_t in_stride, uint8_t *out, size_t out_stride) {
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

#endif

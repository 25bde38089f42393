/* Sixteen bytes at a time: what compilers do not find by themselves. */
#ifndef BCCURATE_BYTES_H
#define BCCURATE_BYTES_H

#include <string.h>

#include "kernels.h"

typedef uint8_t Bytes __attribute__((vector_size(16)));
typedef int16_t Words __attribute__((vector_size(32)));
typedef int32_t Lanes __attribute__((vector_size(32)));

#if defined(__AVX2__)
#include <immintrin.h>

/* Eight bytes as whole numbers. */
INLINE Lanes bc_load8(const uint8_t *bytes) {
    return (Lanes)_mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i *)(const void *)bytes));
}

/* Sixteen bytes as 16-bit numbers. */
INLINE Words bc_load16(const uint8_t *bytes) {
    return (Words)_mm256_cvtepu8_epi16(_mm_loadu_si128((const __m128i *)(const void *)bytes));
}

/* Eight 16-bit numbers of each. */
INLINE Words bc_join(const int16_t *one, const int16_t *two) {
    __m256i v = _mm256_castsi128_si256(_mm_loadu_si128((const __m128i *)(const void *)one));
    return (Words)_mm256_inserti128_si256(v, _mm_loadu_si128((const __m128i *)(const void *)two), 1);
}

/* Sixteen 16-bit numbers as bytes, cut off at 0 and 255. */
INLINE void bc_store16(Words v, uint8_t *bytes) {
    __m256i all = (__m256i)v;
    __m128i high = _mm256_extracti128_si256(all, 1);
    _mm_storeu_si128((__m128i *)(void *)bytes, _mm_packus_epi16(_mm256_castsi256_si128(all), high));
}

/* a[2i] * b[2i] + a[2i + 1] * b[2i + 1]. */
INLINE Lanes bc_dot2(Words a, Words b) {
    return (Lanes)_mm256_madd_epi16((__m256i)a, (__m256i)b);
}

/* (a * b) >> 16. */
INLINE Words bc_mul_high(Words a, Words b) { return (Words)_mm256_mulhi_epi16((__m256i)a, (__m256i)b); }

/* (a * b + 16384) >> 15: 0 where and only where -16384 <= a * b < 16384. */
INLINE Words bc_mul_rounded(Words a, Words b) {
    return (Words)_mm256_mulhrs_epi16((__m256i)a, (__m256i)b);
}

/* The numbers of bc_turns_low and bc_turns_high, side by side again and cut off at 16 bits. */
INLINE Words bc_narrow(Lanes low, Lanes high) {
    return (Words)_mm256_packs_epi32((__m256i)low, (__m256i)high);
}

/* The sum of the numbers of each. */
INLINE void bc_sums(const Lanes v[4], int32_t sums[4]) {
    __m256i one = _mm256_hadd_epi32((__m256i)v[0], (__m256i)v[1]);
    __m256i two = _mm256_hadd_epi32((__m256i)v[2], (__m256i)v[3]);
    __m256i all = _mm256_hadd_epi32(one, two);
    __m128i sum = _mm_add_epi32(_mm256_castsi256_si128(all), _mm256_extracti128_si256(all, 1));
    _mm_storeu_si128((__m128i *)(void *)sums, sum);
}

/* Which of eight numbers reach `least`, as bits. */
INLINE uint32_t bc_reaching(Lanes v, int32_t least) {
    __m256i less = _mm256_cmpgt_epi32(_mm256_set1_epi32(least), (__m256i)v);
    return 255 & ~(uint32_t)_mm256_movemask_ps(_mm256_castsi256_ps(less));
}

INLINE Lanes bc_larger(Lanes a, Lanes b) { return (Lanes)_mm256_max_epi32((__m256i)a, (__m256i)b); }

INLINE Words bc_clamp(Words v) {
    const __m256i most = _mm256_set1_epi16(255);
    return (Words)_mm256_max_epi16(_mm256_min_epi16((__m256i)v, most), _mm256_setzero_si256());
}

#else

INLINE Lanes bc_load8(const uint8_t *bytes) {
    Lanes v;
    for (int i = 0; i < 8; i++) v[i] = bytes[i];
    return v;
}

INLINE Words bc_load16(const uint8_t *bytes) {
    Words v;
    for (int i = 0; i < 16; i++) v[i] = bytes[i];
    return v;
}

INLINE Words bc_join(const int16_t *one, const int16_t *two) {
    Words v;
    for (int i = 0; i < 8; i++) {
        v[i] = one[i];
        v[i + 8] = two[i];
    }
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

INLINE Words bc_mul_high(Words a, Words b) {
    for (int i = 0; i < 16; i++) a[i] = (int16_t)(a[i] * b[i] >> 16);
    return a;
}

INLINE Words bc_mul_rounded(Words a, Words b) {
    for (int i = 0; i < 16; i++) a[i] = (int16_t)((a[i] * b[i] + 16384) >> 15);
    return a;
}

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

INLINE Words bc_clamp(Words v) {
    for (int i = 0; i < 16; i++) v[i] = v[i] < 0 ? 0 : v[i] > 255 ? 255 : v[i];
    return v;
}

#endif

/* Two registers' numbers by turns: of the first half of each half register, and of the second. */
INLINE Words bc_turns_low(Words a, Words b) {
    return __builtin_shuffle(
        a, b, (Words){0, 16, 1, 17, 2, 18, 3, 19, 8, 24, 9, 25, 10, 26, 11, 27});
}

INLINE Words bc_turns_high(Words a, Words b) {
    return __builtin_shuffle(
        a, b, (Words){4, 20, 5, 21, 6, 22, 7, 23, 12, 28, 13, 29, 14, 30, 15, 31});
}

INLINE Words bc_pairs(int16_t a, int16_t b) {
    return (Words){a, b, a, b, a, b, a, b, a, b, a, b, a, b, a, b};
}

/* Pillow's convert("L"): ITU-R 601-2 luma in 16-bit fixed point. 38470 is halved to fit. */
INLINE Words bc_luma(Words red, Words green, Words blue) {
    const Words one = bc_pairs(19595, 38470 / 2), two = bc_pairs(38470 / 2, 7471);
    Lanes low = bc_dot2(bc_turns_low(red, green), one) + bc_dot2(bc_turns_low(green, blue), two);
    Lanes high = bc_dot2(bc_turns_high(red, green), one) + bc_dot2(bc_turns_high(green, blue), two);
    return bc_narrow((low + 0x8000) >> 16, (high + 0x8000) >> 16);
}

/* Grey bytes as RGB pixels. */
INLINE void bc_repeat(const uint8_t *grey, size_t n, uint8_t *pixels) {
    for (size_t i = 0; i < n; i++) pixels[3 * i] = pixels[3 * i + 1] = pixels[3 * i + 2] = grey[i];
}

/* 16 red, green and blue bytes as 48 bytes of pixels. */
INLINE void bc_interleave(const uint8_t *red, const uint8_t *green, const uint8_t *blue,
                          uint8_t *pixels) {
    Bytes r, g, b, rg[3], out;
    memcpy(&r, red, 16);
    memcpy(&g, green, 16);
    memcpy(&b, blue, 16);
    rg[0] = __builtin_shuffle(r, g, (Bytes){0, 16, 0, 1, 17, 0, 2, 18, 0, 3, 19, 0, 4, 20, 0, 5});
    rg[1] = __builtin_shuffle(r, g, (Bytes){21, 0, 6, 22, 0, 7, 23, 0, 8, 24, 0, 9, 25, 0, 10, 26});
    rg[2] = __builtin_shuffle(r, g, (Bytes){0, 11, 27, 0, 12, 28, 0, 13, 29, 0, 14, 30, 0, 15, 31, 0});
    out = __builtin_shuffle(rg[0], b, (Bytes){0, 1, 16, 3, 4, 17, 6, 7, 18, 9, 10, 19, 12, 13, 20, 15});
    memcpy(pixels, &out, 16);
    out = __builtin_shuffle(rg[1], b, (Bytes){0, 21, 2, 3, 22, 5, 6, 23, 8, 9, 24, 11, 12, 25, 14, 15});
    memcpy(pixels + 16, &out, 16);
    out = __builtin_shuffle(rg[2], b, (Bytes){26, 1, 2, 27, 4, 5, 28, 7, 8, 29, 10, 11, 30, 13, 14, 31});
    memcpy(pixels + 32, &out, 16);
}

/* The other way round. */
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

/* Four rounds of "row i with row i + 8" transpose 16x16 bytes. */
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

/* Sixteen bytes at a time: what compilers do not find by themselves. */
#ifndef BCCURATE_BYTES_H
#define BCCURATE_BYTES_H

#include <string.h>

#include "kernels.h"

typedef uint8_t Bytes __attribute__((vector_size(16)));
typedef int32_t Lanes __attribute__((vector_size(32)));

INLINE Lanes bc_clamp(Lanes v) {
    Lanes over = v > 255;
    return ((v & ~over) | (over & 255)) & (v > 0);
}

/* Pillow's convert("L"): ITU-R 601-2 luma in 16-bit fixed point. */
INLINE Lanes bc_luma(Lanes red, Lanes green, Lanes blue) {
    return (red * 19595 + green * 38470 + blue * 7471 + 0x8000) >> 16;
}

#if defined(__AVX2__)
#include <immintrin.h>

/* Eight bytes as whole numbers. */
INLINE Lanes bc_load8(const uint8_t *bytes) {
    return (Lanes)_mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i *)(const void *)bytes));
}

/* Eight 16-bit numbers as whole numbers. */
INLINE Lanes bc_load_words(const int16_t *words) {
    return (Lanes)_mm256_cvtepi16_epi32(_mm_loadu_si128((const __m128i *)(const void *)words));
}

/* Eight whole numbers as bytes, cut off at 0 and 255. */
INLINE void bc_store8(Lanes v, uint8_t *bytes) {
    __m256i all = (__m256i)v;
    __m128i words = _mm_packs_epi32(_mm256_castsi256_si128(all), _mm256_extracti128_si256(all, 1));
    _mm_storel_epi64((__m128i *)(void *)bytes, _mm_packus_epi16(words, words));
}

#else

INLINE Lanes bc_load8(const uint8_t *bytes) {
    Lanes v;
    for (int i = 0; i < 8; i++) v[i] = bytes[i];
    return v;
}

INLINE Lanes bc_load_words(const int16_t *words) {
    Lanes v;
    for (int i = 0; i < 8; i++) v[i] = words[i];
    return v;
}

INLINE void bc_store8(Lanes v, uint8_t *bytes) {
    for (int i = 0; i < 8; i++) bytes[i] = (uint8_t)(v[i] < 0 ? 0 : v[i] > 255 ? 255 : v[i]);
}

#endif

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

/* Compute all distances between two lists of 64-bit hashes, by the best instructions there are.
 *
 * AVX2 has no count of set bits, but it looks up 32 bytes in a table of 16 at once. So the lanes
 * are laid out as 16 planes, one for each four bits, and a row's four bits choose the table: the
 * number of bits that differ. One look-up and one addition a plane then compare a row with 32 lanes
 * (the layout of Andre, Kermarrec, Le Scouarnec 2015, "Cache locality is not enough: PQ fast
 * scan"). AVX-512 has the count, and everything else takes the plain loop. */
#include "compare.h"

#include "kernels.h"

#if defined(__x86_64__) && defined(__GNUC__)
#define SIMD 1
#include <immintrin.h>
#endif

static void plain(const uint64_t *rows, int64_t n_rows, const uint64_t *lanes,
                          int64_t n_lanes, int triangle, int threshold, on_near found,
                          void *context) {
    for (int64_t i = 0; i < n_rows; i++)
        for (int64_t j = triangle ? i + 1 : 0; j < n_lanes; j++)
            if (__builtin_popcountll(lanes[j] ^ rows[i]) <= threshold) found(context, i, j);
}

#ifdef SIMD

enum { PLANES = 16, BLOCK = 64, CHUNK = 512 }; /* lanes compared together, and laid out at once */
enum { FEW = 24 }; /* below this number of lanes laying them out costs more than it saves */

#define AVX2 __attribute__((target("avx2,bmi,popcnt")))

/* For each four bits v, twice over: in how many bits each of 0 to 15 differs from v. */
#define DIFFERS(v, x) __builtin_popcount((v) ^ (x))
#define DIFFERS_4(v, x) \
    DIFFERS(v, x), DIFFERS(v, (x) + 1), DIFFERS(v, (x) + 2), DIFFERS(v, (x) + 3)
#define DIFFERS_16(v) DIFFERS_4(v, 0), DIFFERS_4(v, 4), DIFFERS_4(v, 8), DIFFERS_4(v, 12)
#define TABLE(v) {DIFFERS_16(v), DIFFERS_16(v)}
static const _Alignas(32) uint8_t tables[16][32] = {
    TABLE(0), TABLE(1), TABLE(2),  TABLE(3),  TABLE(4),  TABLE(5),  TABLE(6),  TABLE(7),
    TABLE(8), TABLE(9), TABLE(10), TABLE(11), TABLE(12), TABLE(13), TABLE(14), TABLE(15)};

/* Sixteen hashes, 128 bytes, as 16 planes: four perfect shuffles turn lane-byte into byte-lane. */
static AVX2 void lay_out_16(const uint64_t *lanes, uint8_t planes[PLANES][BLOCK], int at) {
    const __m128i low = _mm_set1_epi8(15);
    __m128i from[8], to[8];
    for (int r = 0; r < 8; r++) from[r] = _mm_loadu_si128((const __m128i *)(lanes + 2 * r));
#pragma GCC unroll 4
    for (int stage = 0; stage < 4; stage++) {
#pragma GCC unroll 4
        for (int r = 0; r < 4; r++) {
            to[2 * r] = _mm_unpacklo_epi8(from[r], from[r + 4]);
            to[2 * r + 1] = _mm_unpackhi_epi8(from[r], from[r + 4]);
        }
#pragma GCC unroll 8
        for (int r = 0; r < 8; r++) from[r] = to[r];
    }
#pragma GCC unroll 8
    for (int r = 0; r < 8; r++) {
        __m128i high = _mm_and_si128(_mm_srli_epi16(from[r], 4), low);
        _mm_store_si128((__m128i *)&planes[2 * r][at], _mm_and_si128(from[r], low));
        _mm_store_si128((__m128i *)&planes[2 * r + 1][at], high);
    }
}

static AVX2 void lay_out(const uint64_t *lanes, int64_t n, uint8_t planes[][PLANES][BLOCK]) {
    int64_t at = 0;
    for (; at + 16 <= n; at += 16) lay_out_16(lanes + at, planes[at / BLOCK], at % BLOCK);
    uint64_t rest[16] = {0};
    for (int64_t lane = at; lane < n; lane++) rest[lane - at] = lanes[lane];
    if (at < n) lay_out_16(rest, planes[at / BLOCK], at % BLOCK);
}

/* Return as bits the lanes of a block that are near a row. */
static AVX2 inline uint64_t near_in(uint64_t row, uint8_t planes[PLANES][BLOCK], __m256i above) {
    __m256i a = _mm256_setzero_si256(), b = a;
#pragma GCC unroll 1 /* unrolled, GCC sums in another order and spills */
    for (int p = 0; p < PLANES; p += 2, row >>= 8) {
        __m256i even = _mm256_load_si256((const __m256i *)tables[row & 15]);
        __m256i odd = _mm256_load_si256((const __m256i *)tables[row >> 4 & 15]);
        const __m256i *plane = (const __m256i *)(planes[p]);
        a = _mm256_add_epi8(a, _mm256_shuffle_epi8(even, plane[0]));
        b = _mm256_add_epi8(b, _mm256_shuffle_epi8(even, plane[1]));
        plane += BLOCK / 32;
        a = _mm256_add_epi8(a, _mm256_shuffle_epi8(odd, plane[0]));
        b = _mm256_add_epi8(b, _mm256_shuffle_epi8(odd, plane[1]));
    }
    a = _mm256_cmpgt_epi8(above, a), b = _mm256_cmpgt_epi8(above, b);
    return (uint32_t)_mm256_movemask_epi8(a) | (uint64_t)_mm256_movemask_epi8(b) << 32;
}

static AVX2 void by_planes(const uint64_t *rows, int64_t n_rows, const uint64_t *lanes,
                           int64_t n_lanes, int triangle, int threshold, on_near found,
                           void *context) {
    _Alignas(32) uint8_t planes[CHUNK / BLOCK][PLANES][BLOCK];
    __m256i above = _mm256_set1_epi8((char)(threshold + 1));
    for (int64_t chunk = 0; chunk < n_lanes; chunk += CHUNK) {
        int64_t size = n_lanes - chunk < CHUNK ? n_lanes - chunk : CHUNK;
        int64_t end = triangle && chunk + size < n_rows ? chunk + size : n_rows;
        lay_out(lanes + chunk, size, planes);
        for (int64_t i = 0; i < end; i++) {
            int64_t after = triangle && i >= chunk ? i - chunk + 1 : 0; /* first lane */
            for (int64_t at = after / BLOCK * BLOCK; at < size; at += BLOCK) {
                uint64_t near = near_in(rows[i], planes[at / BLOCK], above);
                if (after > at) near &= ~(uint64_t)0 << (after - at);
                if (size - at < BLOCK) near &= ((uint64_t)1 << (size - at)) - 1;
                for (; near; near &= near - 1)
                    found(context, i, chunk + at + __builtin_ctzll(near));
            }
        }
    }
}

static __attribute__((target("avx512f,avx512vpopcntdq,bmi"))) void by_count(
    const uint64_t *rows, int64_t n_rows, const uint64_t *lanes, int64_t n_lanes, int triangle,
    int threshold, on_near found, void *context) {
    __m512i most = _mm512_set1_epi64(threshold);
    for (int64_t i = 0; i < n_rows; i++) {
        __m512i row = _mm512_set1_epi64((long long)rows[i]);
        for (int64_t j = triangle ? i + 1 : 0; j < n_lanes; j += 32) {
            uint32_t near = 0;
#pragma GCC unroll 4
            for (int part = 0; part < 4; part++) {
                int64_t left = n_lanes - j - 8 * part;
                __mmask8 there = left >= 8 ? 255 : left > 0 ? (__mmask8)((1 << left) - 1) : 0;
                __m512i lane = _mm512_maskz_loadu_epi64(there, lanes + j + 8 * part);
                __m512i count = _mm512_popcnt_epi64(_mm512_xor_si512(lane, row));
                near |= (uint32_t)_mm512_mask_cmple_epi64_mask(there, count, most) << 8 * part;
            }
            for (; near; near &= near - 1) found(context, i, j + __builtin_ctz(near));
        }
    }
}

#endif

void bc_each_near(const uint64_t *rows, int64_t n_rows, const uint64_t *lanes, int64_t n_lanes,
                  int triangle, int threshold, on_near found, void *context) {
#ifdef SIMD
    if (__builtin_cpu_supports("avx512vpopcntdq")) {
        by_count(rows, n_rows, lanes, n_lanes, triangle, threshold, found, context);
        return;
    }
    if (n_lanes >= FEW && __builtin_cpu_supports("avx2")) {
        by_planes(rows, n_rows, lanes, n_lanes, triangle, threshold, found, context);
        return;
    }
#endif
    plain(rows, n_rows, lanes, n_lanes, triangle, threshold, found, context);
}

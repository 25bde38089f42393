/* The filters of PNG's rows undone (ISO/IEC 15948, clause 9). See unfilter.h. */
#include "unfilter.h"

#include <string.h>

enum { NONE, SUB, UP, AVERAGE, PAETH };

INLINE uint8_t paeth(int left, int up, int corner) {
    int p = up - corner, q = left - corner;
    int a = p < 0 ? -p : p, b = q < 0 ? -q : q, c = p + q < 0 ? -(p + q) : p + q;
    int nearest = b < a ? up : left, least = b < a ? b : a;
    return (uint8_t)(c < least ? corner : nearest);
}

/* The pixel to the left is kept in registers: it is needed before it could be read back. */
INLINE void average(uint8_t *restrict row, const uint8_t *restrict up, const int bpp, int n) {
    uint8_t left[3] = {0};
    for (int i = 0; i < n; i += bpp)
        for (int c = 0; c < bpp; c++)
            row[i + c] = left[c] = (uint8_t)(row[i + c] + ((left[c] + up[i + c]) >> 1));
}

INLINE void predict(uint8_t *restrict row, const uint8_t *restrict up, const int bpp, int n) {
    int left[3] = {0}, corner[3] = {0};
    for (int i = 0; i < n; i += bpp)
        for (int c = 0; c < bpp; c++) {
            int above = up[i + c];
            row[i + c] = (uint8_t)(row[i + c] + paeth(left[c], above, corner[c]));
            left[c] = row[i + c];
            corner[c] = above;
        }
}

INLINE void unfilter(int filter, uint8_t *restrict row, const uint8_t *restrict up, const int bpp,
                     int n) {
    if (filter == SUB)
        for (int i = bpp; i < n; i++) row[i] = (uint8_t)(row[i] + row[i - bpp]);
    if (filter == UP)
        for (int i = 0; i < n; i++) row[i] = (uint8_t)(row[i] + up[i]);
    if (filter == AVERAGE) average(row, up, bpp, n);
    if (filter == PAETH) predict(row, up, bpp, n);
}

static void unfilter_rgb(int filter, uint8_t *row, const uint8_t *up, int n) {
    unfilter(filter, row, up, 3, n);
}

static void unfilter_grey(int filter, uint8_t *row, const uint8_t *up, int n) {
    unfilter(filter, row, up, 1, n);
}

#if defined(__AVX2__)
#include <immintrin.h>

/* A pixel waits for the one to its left, so that a row alone is bound by latency. Four rows go side
 * by side in one register, each LAG pixels behind the one above it: what a row needs from above has
 * then left the registers' pipeline already. A pixel is four numbers of 16 bits; the fourth is
 * the next pixel's and is written over by it. */
enum { LAG = 2, BEHIND = 3 * LAG };

typedef struct {
    __m256i uses_left, uses_above, is_average, is_paeth; /* by row: what its filter reads */
    __m256i left, before, corner;                        /* before: `left` as it was a step ago */
} Wave;

INLINE int load32(const uint8_t *from) {
    int32_t bits;
    memcpy(&bits, from, 4);
    return bits;
}

INLINE __m128i load_pair(const uint8_t *low, const uint8_t *high) {
    return _mm_insert_epi32(_mm_cvtsi32_si128(load32(low)), load32(high), 1);
}

INLINE void store32(uint8_t *to, int bits) { memcpy(to, &bits, 4); }

/* The next pixel of every row: from[k] -> to[k]; `up` is the one above the first row's. */
INLINE void step(Wave *w, const uint8_t *const from[ROWS], const uint8_t *up,
                 uint8_t *const to[ROWS]) {
    __m256i pixels = _mm256_cvtepu8_epi16(
        _mm_unpacklo_epi64(load_pair(from[0], from[1]), load_pair(from[2], from[3])));
    __m256i first = _mm256_zextsi128_si256(_mm_cvtepu8_epi16(_mm_cvtsi32_si128(load32(up))));
    __m256i above = _mm256_permute4x64_epi64(w->before, 0x90); /* each row's to the next */
    above = _mm256_blend_epi32(above, first, 3);
    __m256i mean = _mm256_srli_epi16(_mm256_add_epi16(w->left, above), 1);
    pixels = _mm256_add_epi8(pixels, _mm256_and_si256(mean, w->is_average));

    /* SUB, UP and NONE are PAETH's filter with zeros for what they do not read. */
    __m256i left = _mm256_and_si256(w->left, w->uses_left), corner = w->corner;
    __m256i up_here = _mm256_and_si256(above, w->uses_above);
    __m256i least = _mm256_min_epi16(left, up_here), most = _mm256_max_epi16(left, up_here);
    __m256i bound = _mm256_sub_epi16(_mm256_mullo_epi16(corner, _mm256_set1_epi16(3)), up_here);
    bound = _mm256_sub_epi16(bound, left);
    __m256i not_least = _mm256_cmpgt_epi16(most, bound), not_most = _mm256_cmpgt_epi16(bound, least);
    __m256i outer = _mm256_or_si256(_mm256_andnot_si256(not_least, least),
                                    _mm256_andnot_si256(not_most, most));
    __m256i inner = _mm256_and_si256(corner, _mm256_and_si256(not_least, not_most));
    __m256i nearest = _mm256_or_si256(outer, inner);

    w->before = w->left;
    w->left = _mm256_add_epi8(pixels, nearest); /* bytes: each wraps for itself */
    w->corner = _mm256_and_si256(above, w->is_paeth);
    __m256i bytes = _mm256_packus_epi16(w->left, w->left);
    __m128i low = _mm256_castsi256_si128(bytes), high = _mm256_extracti128_si256(bytes, 1);
    store32(to[0], _mm_cvtsi128_si32(low));
    store32(to[1], _mm_extract_epi32(low, 1));
    store32(to[2], _mm_cvtsi128_si32(high));
    store32(to[3], _mm_extract_epi32(high, 1));
}

/* The step of all rows at byte i of the first. Where a row is not under way (`some`) it reads zeros,
 * which leave it as it began. */
INLINE void step_at(Wave *w, uint8_t *raw, const uint8_t *up, int n, int i, int some) {
    static const uint8_t ZEROS[4];
    uint8_t sink[4], *to[ROWS];
    const uint8_t *from[ROWS];
    for (int k = 0; k < ROWS; k++) {
        int at = i - k * BEHIND, on = !some || (at >= 0 && at < n);
        uint8_t *row = raw + k * (1 + n) + at;
        from[k] = on ? row + 1 : ZEROS;
        to[k] = on ? row : sink;
    }
    step(w, from, !some || i < n ? up + i : ZEROS, to);
}

static __m256i rows_of(const uint8_t *raw, int n, int filters) {
    int64_t masks[ROWS];
    for (int k = 0; k < ROWS; k++) masks[k] = -(int64_t)(filters >> raw[k * (1 + n)] & 1);
    return _mm256_loadu_si256((const __m256i *)masks);
}

/* ROWS rows of RGB, where the processor can. Each moves one byte down, over its filter: a store of
 * four bytes then never meets a pixel that is still to be read. */
static int unfilter_wave(uint8_t *raw, const uint8_t *up, int n) {
    enum { LAST = (ROWS - 1) * BEHIND };
    Wave w = {.uses_left = rows_of(raw, n, 1 << SUB | 1 << PAETH),
              .uses_above = rows_of(raw, n, 1 << UP | 1 << PAETH),
              .is_average = rows_of(raw, n, 1 << AVERAGE),
              .is_paeth = rows_of(raw, n, 1 << PAETH)};
    for (int i = 0; i < LAST; i += 3) step_at(&w, raw, up, n, i, 1);
    for (int i = LAST; i < n; i += 3) step_at(&w, raw, up, n, i, 0);
    for (int i = n; i < n + LAST; i += 3) step_at(&w, raw, up, n, i, 1);
    return 1;
}
#else
static int unfilter_wave(uint8_t *raw, const uint8_t *up, int n) {
    (void)raw, (void)up, (void)n;
    return 0;
}
#endif

int bc_unfilter(uint8_t *raw, int rows, const uint8_t *up, int channels, int n,
                const uint8_t *at[ROWS]) {
    int slow = 0; /* rows in which a pixel waits for its neighbour, and not for a sum alone */
    for (int k = 0; k < rows; k++) {
        if (raw[k * (1 + n)] > PAETH) return 0;
        slow += raw[k * (1 + n)] >= AVERAGE;
    }
    int wave = slow && channels == 3 && rows == ROWS && unfilter_wave(raw, up, n);
    for (int k = 0; k < rows; k++, raw += 1 + n) {
        at[k] = wave ? raw : raw + 1;
        if (!wave) (channels == 3 ? unfilter_rgb : unfilter_grey)(raw[0], raw + 1, up, n);
        up = at[k];
    }
    return 1;
}

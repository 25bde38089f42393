/* PNG (ISO/IEC 15948), the plain kind: 8-bit grey or RGB, not interlaced. See image.h. */
#include <string.h>

#include "image.h"
#include "inflate.h"
#include "resize.h"

static const uint8_t SIGNATURE[8] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1A, '\n'};
enum { HEADER = 8 + 8 + 13 + 4, MAX_SIDE = 16384 };

static uint32_t big32(const uint8_t *p) {
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/* CRC-32 of small chunks, four bits at a time. */
static uint32_t crc32(const uint8_t *data, size_t n) {
    static const uint32_t TABLE[16] = {
        0x00000000, 0x1DB71064, 0x3B6E20C8, 0x26D930AC, 0x76DC4190, 0x6B6B51F4,
        0x4DB26158, 0x5005713C, 0xEDB88320, 0xF00F9344, 0xD6D6A3E8, 0xCB61B38C,
        0x9B64C2B0, 0x86D3D2D4, 0xA00AE278, 0xBDBDF21C};
    uint32_t crc = 0xFFFFFFFF;
    for (size_t i = 0; i < n; i++) {
        crc ^= data[i];
        crc = crc >> 4 ^ TABLE[crc & 15];
        crc = crc >> 4 ^ TABLE[crc & 15];
    }
    return ~crc;
}

static int is(const uint8_t *chunk, const char *type) { return !memcmp(chunk + 4, type, 4); }

/* Chunks that do not touch a pixel, of the length that Pillow wants them to have. */
static int harmless(const uint8_t *chunk, uint32_t length) {
    return (is(chunk, "gAMA") && length == 4) || (is(chunk, "cHRM") && length == 32) ||
           (is(chunk, "sRGB") && length == 1) || (is(chunk, "pHYs") && length == 9) ||
           (is(chunk, "tIME") && length == 7) || (is(chunk, "tEXt") && length < 4096);
}

size_t bc_png_scratch(const uint8_t *data, size_t n, Shape *shape) {
    if (n < HEADER + 12 || memcmp(data, SIGNATURE, 8) || big32(data + 8) != 13 ||
        !is(data + 8, "IHDR") || big32(data + 29) != crc32(data + 12, 17))
        return 0;
    uint32_t width = big32(data + 16), height = big32(data + 20);
    if (width < MIN_SIDE || height < MIN_SIDE || width > MAX_SIDE || height > MAX_SIDE) return 0;
    if (data[24] != 8 || (data[25] != 0 && data[25] != 2) || data[26] || data[27] || data[28])
        return 0;
    *shape = (Shape){(int)width, (int)height};
    return n + (size_t)height * (1 + 4 * (size_t)width) + 8; /* the filters are undone in place */
}

/* The compressed stream: where it stands in the file, or joined in `joined`; 0 bytes where a chunk
 * is odd. */
static size_t compressed(const uint8_t *data, size_t n, uint8_t *joined, const uint8_t **stream) {
    size_t at = HEADER, total = 0, parts = 0;
    int after = 0; /* other chunks came after the data */
    while (n - at >= 12) {
        const uint8_t *chunk = data + at;
        uint32_t length = big32(chunk);
        if (length > n - at - 12) return 0;
        if (is(chunk, "IDAT")) {
            if (after) return 0;
            if (parts == 1) memcpy(joined, *stream, total);
            if (parts++ == 0)
                *stream = chunk + 8;
            else
                memcpy(joined + total, chunk + 8, length);
            total += length;
        } else {
            if (big32(chunk + 8 + length) != crc32(chunk + 4, 4 + (size_t)length)) return 0;
            if (is(chunk, "IEND")) {
                if (parts > 1) *stream = joined;
                return total;
            }
            if (!harmless(chunk, length)) return 0;
            after = parts > 0;
        }
        at += 12 + (size_t)length;
    }
    return 0;
}

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

#if defined(__SSSE3__)
#include <immintrin.h>

INLINE __m128i load_pixel(const uint8_t *from) { /* three bytes, as 16-bit numbers */
    int32_t bits = from[0] | from[1] << 8 | from[2] << 16;
    return _mm_unpacklo_epi8(_mm_cvtsi32_si128(bits), _mm_setzero_si128());
}

INLINE __m128i choose(__m128i where, __m128i one, __m128i two) {
    return _mm_or_si128(_mm_and_si128(where, one), _mm_andnot_si128(where, two));
}

/* As `predict`, the three colours side by side, with no branch (the form of libpng's filters). */
static void predict_rgb(uint8_t *row, const uint8_t *up, int n) {
    __m128i left = _mm_setzero_si128(), corner = left;
    for (int i = 0; i < n; i += 3) {
        __m128i above = load_pixel(up + i), p = _mm_sub_epi16(above, corner);
        __m128i q = _mm_sub_epi16(left, corner), r = _mm_abs_epi16(_mm_add_epi16(p, q));
        p = _mm_abs_epi16(p);
        q = _mm_abs_epi16(q);
        __m128i least = _mm_min_epi16(r, _mm_min_epi16(p, q));
        __m128i is_left = _mm_cmpeq_epi16(least, p), is_above = _mm_cmpeq_epi16(least, q);
        __m128i other = choose(is_above, above, corner), nearest = choose(is_left, left, other);
        left = _mm_add_epi8(load_pixel(row + i), nearest); /* bytes: each wraps for itself */
        corner = above;
        int32_t bits = _mm_cvtsi128_si32(_mm_packus_epi16(left, left));
        memcpy(row + i, &bits, 2);
        row[i + 2] = (uint8_t)(bits >> 16);
    }
}
#else
static void predict_rgb(uint8_t *row, const uint8_t *up, int n) { predict(row, up, 3, n); }
#endif

/* Undo one row's filter in place. `up` is the row above, zeros for the first. */
INLINE int unfilter(int filter, uint8_t *restrict row, const uint8_t *restrict up, const int bpp,
                    int n) {
    switch (filter) {
    case 0:
        return 1;
    case 1:
        for (int i = bpp; i < n; i++) row[i] = (uint8_t)(row[i] + row[i - bpp]);
        return 1;
    case 2:
        for (int i = 0; i < n; i++) row[i] = (uint8_t)(row[i] + up[i]);
        return 1;
    case 3:
        average(row, up, bpp, n);
        return 1;
    case 4:
        if (bpp == 3)
            predict_rgb(row, up, n);
        else
            predict(row, up, bpp, n);
        return 1;
    default:
        return 0;
    }
}

static int unfilter_rgb(int filter, uint8_t *row, const uint8_t *up, int n) {
    return unfilter(filter, row, up, 3, n);
}

static int unfilter_grey(int filter, uint8_t *row, const uint8_t *up, int n) {
    return unfilter(filter, row, up, 1, n);
}

int bc_png_decode(const uint8_t *data, size_t n, uint8_t *scratch, uint8_t *grey,
                  uint8_t *pixels) {
    Shape shape;
    if (!bc_png_scratch(data, n, &shape)) return 0;
    const uint8_t *stream = NULL;
    size_t length = compressed(data, n, scratch, &stream), width = (size_t)shape.width;
    int channels = data[25] ? 3 : 1, bytes = shape.width * channels;
    size_t size = (size_t)shape.height * (size_t)(1 + bytes);
    uint8_t *raw = scratch + n;
    if (!length || !bc_inflate(stream, length, raw, size)) return 0;
    static const uint8_t ZEROS[3 * MAX_SIDE];
    const uint8_t *up = ZEROS;
    for (int y = 0; y < shape.height; y++, raw += 1 + bytes, grey += bc_stride(shape.width)) {
        uint8_t *row = raw + 1;
        if (!(channels == 3 ? unfilter_rgb : unfilter_grey)(raw[0], row, up, bytes)) return 0;
        bc_to_grey(row, shape.width, 1, channels, grey);
        up = row;
        if (!pixels) continue;
        if (channels == 3)
            memcpy(pixels, row, (size_t)bytes);
        else
            for (size_t x = 0; x < width; x++)
                pixels[3 * x] = pixels[3 * x + 1] = pixels[3 * x + 2] = row[x];
        pixels += 3 * width;
    }
    return 1;
}

/* PNG (ISO/IEC 15948), the plain kind: 8-bit grey or RGB, not interlaced. See image.h. */
#include <string.h>

#include "bytes.h"
#include "image.h"
#include "inflate.h"
#include "resize.h"
#include "unfilter.h"

static const uint8_t SIGNATURE[8] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1A, '\n'};
enum { HEADER = 8 + 8 + 13 + 4 };

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

/* One row as RGB; where the next begins. */
static uint8_t *put_row(uint8_t *pixels, const uint8_t *row, size_t width, int channels) {
    if (channels == 3)
        memcpy(pixels, row, 3 * width);
    else
        bc_repeat(row, width, pixels);
    return pixels + 3 * width;
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
    static const uint8_t ZEROS[3 * MAX_SIDE + 1];
    const uint8_t *rows[ROWS], *up = ZEROS;
    for (int y = 0; y < shape.height; y += ROWS) {
        int together = shape.height - y < ROWS ? shape.height - y : ROWS;
        uint8_t *from = raw + (size_t)y * (size_t)(1 + bytes);
        if (!bc_unfilter(from, together, up, channels, bytes, rows)) return 0;
        up = rows[together - 1];
        for (int k = 0; k < together; k++) {
            bc_to_grey(rows[k], shape.width, 1, channels, grey);
            grey += bc_stride(shape.width);
            if (pixels) pixels = put_row(pixels, rows[k], width, channels);
        }
    }
    return 1;
}

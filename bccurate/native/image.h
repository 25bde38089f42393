/* Decoders of the plain files that nearly all are. Each either gives exactly the pixels that Pillow
 * gives, or says 0 and leaves the file, sound or not, to Pillow. They never guess, and they never
 * read outside of the file or write outside of `pixels`. */
#ifndef BCCURATE_IMAGE_H
#define BCCURATE_IMAGE_H

#include "kernels.h"

enum {
    MIN_SIDE = 8,    /* smaller pictures carry a note, which Pillow's road writes */
    MAX_SIDE = 16384 /* sums are made for less */
};

typedef struct {
    int width, height;
} Shape;

/* Bytes that a decoder needs beside the pixels. */
size_t bc_png_scratch(const uint8_t *data, size_t n, Shape *shape);
size_t bc_jpeg_scratch(const uint8_t *data, size_t n, Shape *shape);

/* To RGB pixels, where they are wanted, and to a grey plane with rows of bc_stride(width).
 *
 * PNG: 8-bit grey or RGB, not interlaced, nothing transparent.
 * JPEG: baseline Huffman, 8 bits, grey or YCbCr 4:4:4, 4:2:2, 4:2:0, one scan. */
int bc_png_decode(const uint8_t *data, size_t n, uint8_t *scratch, uint8_t *grey, uint8_t *pixels);

typedef struct JpegTables JpegTables;
JpegTables *bc_jpeg_tables(void); /* kept from file to file; free() it, NULL where memory ends */
int bc_jpeg_decode(const uint8_t *data, size_t n, JpegTables *tables, uint8_t *scratch,
                   uint8_t *grey, uint8_t *pixels);

/* The grey plane of pixels, H x W or H x W x 3. */
void bc_to_grey(const uint8_t *pixels, int width, int height, int channels, uint8_t *grey);

#endif

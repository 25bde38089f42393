/* A JPEG under way, between its entropy decoding and its colours. */
#ifndef BCCURATE_JPEG_H
#define BCCURATE_JPEG_H

#include "image.h"

typedef struct {
    int id, h, v, quant, dc, ac, last;
    int width, height; /* samples that are of the picture */
    int stride;        /* of the plane, whole blocks */
    uint8_t *plane;
} Component;

typedef struct {
    JpegTables *tables;
    int16_t quant[4][64]; /* in natural order */
    int has_quant[4], has_dc[2], has_ac[2];
    Component parts[3];
    int n, width, height, jfif, adobe, frame;
    int blocks_wide, blocks_high; /* MCUs */
    const uint8_t *scan, *end;
} Jpeg;

/* Planes to RGB pixels, where they are wanted, and to grey. `room` takes four rows of light. */
void bc_jpeg_convert(const Jpeg *j, uint8_t *room, uint8_t *grey, uint8_t *pixels);

#endif

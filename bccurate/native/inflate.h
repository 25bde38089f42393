/* DEFLATE with a zlib wrapper. */
#ifndef BCCURATE_INFLATE_H
#define BCCURATE_INFLATE_H

#include "kernels.h"

/* Decompress n bytes to exactly `size` bytes. 1 where the whole stream was sound and its checksum
 * right, else 0 (and `out` holds anything). Never reads or writes outside of what it is given. */
int bc_inflate(const uint8_t *data, size_t n, uint8_t *out, size_t size);

#endif

/* The checksum of a zlib stream (RFC 1950). */
#ifndef BCCURATE_ADLER_H
#define BCCURATE_ADLER_H

#include "bytes.h"

/* Eight sums side by side, twice, so that one need not wait for the other. `later` adds up `sums` after
 * each block: a byte of block j of J counts J - j times in it. */
static uint32_t adler32(const uint8_t *data, size_t n) {
    enum { LANES = 8, BLOCK = 2 * LANES };
    uint32_t a = 1, b = 0;
    while (n) { /* 5,536 bytes at most before a remainder keeps the sums within 32 bits */
        size_t chunk = n < 5536 ? n : 5536, i = 0;
        Lanes sums[2] = {0}, later[2] = {0};
        for (; i + BLOCK <= chunk; i += BLOCK) {
            later[0] += sums[0] += bc_load8(data + i);
            later[1] += sums[1] += bc_load8(data + i + LANES);
        }
        b += (uint32_t)i * a;
        for (uint32_t k = 0; k < BLOCK; k++) {
            uint32_t sum = (uint32_t)sums[k / LANES][k % LANES];
            a += sum;
            b += BLOCK * (uint32_t)later[k / LANES][k % LANES] - k * sum;
        }
        for (; i < chunk; i++) {
            a += data[i];
            b += a;
        }
        a %= 65521;
        b %= 65521;
        data += chunk;
        n -= chunk;
    }
    return b << 16 | a;
}

#endif

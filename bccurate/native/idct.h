/* JPEG's inverse DCT, bit for bit that of libjpeg-turbo's "islow" (Loeffler, Ligtenberg, Moschytz 1989,
 * as in jidctint.c), in 16 bits with 32-bit sums, for two blocks at once: one in each half of a
 * register. */
#ifndef BCCURATE_IDCT_H
#define BCCURATE_IDCT_H

#include <string.h>

#include "bytes.h"

#define F_0_298 2446
#define F_0_390 3196
#define F_0_541 4433
#define F_0_765 6270
#define F_0_899 7373
#define F_1_175 9633
#define F_1_501 12299
#define F_1_847 15137
#define F_1_961 16069
#define F_2_053 16819
#define F_2_562 20995
#define F_3_072 25172

/* Blocks that wait for their inverse DCT: coefficients in natural order, how they are quantized, and
 * where their samples go. */
typedef struct {
    int16_t blocks[2][64];
    const int16_t *quant[2];
    uint8_t *out[2];
    int stride[2], n;
} Pair;

/* Half of the numbers of a pass. Inputs by turns: 0 and 4, 2 and 6, 7 and 1, 5 and 3, and the sums
 * 3 + 7 and 1 + 5. */
INLINE void idct_half(Words v04, Words v26, Words v71, Words v53, Words sums, const int shift,
                      Lanes out[8]) {
    Lanes half = {0};
    half += 1 << (shift - 1);
    Lanes t0 = bc_dot2(v04, bc_pairs(1 << 13, 1 << 13)) + half;
    Lanes t1 = bc_dot2(v04, bc_pairs(1 << 13, -(1 << 13))) + half;
    Lanes t2 = bc_dot2(v26, bc_pairs(F_0_541, F_0_541 - F_1_847));
    Lanes t3 = bc_dot2(v26, bc_pairs(F_0_541 + F_0_765, F_0_541));
    Lanes e0 = t0 + t3, e3 = t0 - t3, e1 = t1 + t2, e2 = t1 - t2;
    Lanes z3 = bc_dot2(sums, bc_pairs(F_1_175 - F_1_961, F_1_175));
    Lanes z4 = bc_dot2(sums, bc_pairs(F_1_175, F_1_175 - F_0_390));
    Lanes o0 = bc_dot2(v71, bc_pairs(F_0_298 - F_0_899, -F_0_899)) + z3;
    Lanes o1 = bc_dot2(v53, bc_pairs(F_2_053 - F_2_562, -F_2_562)) + z4;
    Lanes o2 = bc_dot2(v53, bc_pairs(-F_2_562, F_3_072 - F_2_562)) + z3;
    Lanes o3 = bc_dot2(v71, bc_pairs(-F_0_899, F_1_501 - F_0_899)) + z4;
    out[0] = (e0 + o3) >> shift;
    out[7] = (e0 - o3) >> shift;
    out[1] = (e1 + o2) >> shift;
    out[6] = (e1 - o2) >> shift;
    out[2] = (e2 + o1) >> shift;
    out[5] = (e2 - o1) >> shift;
    out[3] = (e3 + o0) >> shift;
    out[4] = (e3 - o0) >> shift;
}

/* One pass over eight vectors of each block, in place, scaled down by `shift` bits with rounding. */
INLINE void idct_pass(Words v[8], const int shift) {
    Lanes low[8], high[8];
    Words a = v[3] + v[7], b = v[1] + v[5];
    idct_half(bc_turns_low(v[0], v[4]), bc_turns_low(v[2], v[6]), bc_turns_low(v[7], v[1]), bc_turns_low(v[5], v[3]),
              bc_turns_low(a, b), shift, low);
    idct_half(bc_turns_high(v[0], v[4]), bc_turns_high(v[2], v[6]), bc_turns_high(v[7], v[1]),
              bc_turns_high(v[5], v[3]), bc_turns_high(a, b), shift, high);
    for (int i = 0; i < 8; i++) v[i] = bc_narrow(low[i], high[i]);
}

/* Three rounds of "row i with row i + 4" transpose 8x8. */
INLINE void transpose(Words v[8]) {
    for (int round = 0; round < 3; round++) {
        Words w[8];
        for (int i = 0; i < 4; i++) {
            w[2 * i] = bc_turns_low(v[i], v[i + 4]);
            w[2 * i + 1] = bc_turns_high(v[i], v[i + 4]);
        }
        for (int i = 0; i < 8; i++) v[i] = w[i];
    }
}

/* Samples less 128, column by column, to rows of bytes. */
INLINE void store_samples(Words v[8], uint8_t *const out[2], const int stride[2]) {
    transpose(v);
    for (int i = 0; i < 8; i++) {
        uint8_t row[16];
        bc_store16(v[i] + 128, row);
        for (int k = 0; k < 2; k++)
            memcpy(out[k] + (size_t)i * (size_t)stride[k], row + 8 * k, 8);
    }
}

/* Writes 8x8 samples of each block and clears it. Returns bits that are set where a value left the
 * range in which all implementations agree: 15 bits before either pass, 10 bits after both. */
INLINE int32_t idct(Pair *pair) {
    Words v[8], odd = {0}, ones = bc_pairs(1, 1);
    for (int i = 0; i < 64; i += 8) {
        Words block = bc_join(pair->blocks[0] + i, pair->blocks[1] + i);
        Words steps = bc_join(pair->quant[0] + i, pair->quant[1] + i);
        v[i / 8] = block * steps;
        odd |= bc_mul_rounded(block, steps);
    }
    idct_pass(v, 13 - 2);
    for (int i = 0; i < 8; i++) odd |= bc_mul_rounded(v[i], ones);
    transpose(v);
    idct_pass(v, 13 + 2 + 3);
    for (int i = 0; i < 8; i++) odd |= bc_mul_rounded(v[i], ones * 32);
    store_samples(v, pair->out, pair->stride);
    const Words zeros = {0};
    for (int i = 0; i < 128; i += 16) memcpy(pair->blocks[0] + i, &zeros, sizeof zeros);
    pair->n = 0;
    int32_t any = 0;
    for (int i = 0; i < 16; i++) any |= odd[i];
    return any;
}

#endif

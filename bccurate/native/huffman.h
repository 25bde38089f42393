/* Tables that decode canonical Huffman codes as DEFLATE has them (RFC 1951, 3.2.2). */
#ifndef BCCURATE_HUFFMAN_H
#define BCCURATE_HUFFMAN_H

#include <string.h>

#include "kernels.h"

enum { MAX_CODE = 15 }; /* bits */

/* Entry: bits 0-7 code length, 8-11 kind, 12-15 extra bits or width of the link, 16-31 value. */
enum { LITERAL = 0, BASE = 1, END = 2, LINK = 3, BAD = 4 };
#define ENTRY(kind, value, length) ((uint32_t)(value) << 16 | (uint32_t)(kind) << 8 | (length))
#define KIND(entry) ((entry) >> 8 & 15)
#define EXTRA(entry) ((entry) >> 12 & 15)

static uint32_t reversed(uint32_t code, int length) {
    code = (code & 0x5555) << 1 | (code >> 1 & 0x5555);
    code = (code & 0x3333) << 2 | (code >> 2 & 0x3333);
    code = (code & 0x0F0F) << 4 | (code >> 4 & 0x0F0F);
    code = (code & 0x00FF) << 8 | (code >> 8 & 0x00FF);
    return code >> (16 - length);
}

/* How many codes each length has; 0 where they are no complete prefix code (a single code of one bit
 * is allowed, as RFC 1951 does for distances, and none at all). */
static int count_codes(const uint8_t *lengths, int n, int counts[MAX_CODE + 1]) {
    int left = 1;
    memset(counts, 0, (MAX_CODE + 1) * sizeof *counts);
    for (int i = 0; i < n; i++) counts[lengths[i]]++;
    int used = n - counts[0];
    for (int length = 1; length <= MAX_CODE; length++) {
        left = (left << 1) - counts[length];
        if (left < 0) return 0;
    }
    return left == 0 || used == 0 || (used == 1 && counts[1] == 1);
}

/* The symbols that have a code, in the order of their codes. */
static void sort_symbols(const uint8_t *lengths, int n, const int counts[MAX_CODE + 1],
                         uint16_t *sorted) {
    int at[MAX_CODE + 2] = {0};
    for (int length = 1; length <= MAX_CODE; length++) at[length + 1] = at[length] + counts[length];
    for (int symbol = 0; symbol < n; symbol++)
        if (lengths[symbol]) sorted[at[lengths[symbol]]++] = (uint16_t)symbol;
}

/* Bits that tell apart the codes which begin with the same first-level bits: of a complete code, as
 * many as the codes left of this length and longer ones need to fill it. */
static int link_width(const int left[MAX_CODE + 1], int bits, int length) {
    int width = length - bits, filled = left[length];
    while (filled < 1 << width && length < MAX_CODE) {
        width++;
        filled = (filled << 1) + left[++length];
    }
    return width;
}

/* Build a decoding table of `size` entries, the first level 1 << bits wide; 0 for bad lengths. The
 * first level grows with the codes: what it holds for L bits stands twice in it for L + 1. */
static int build(uint32_t *table, int size, int bits, const uint8_t *lengths, int n,
                 uint32_t (*entry_of)(int, int)) {
    int left[MAX_CODE + 1], used = 1 << bits, linked = -1, link = 0, width = 0;
    uint16_t sorted[320], *symbol = sorted;
    if (n > 320 || !count_codes(lengths, n, left)) return 0;
    sort_symbols(lengths, n, left, sorted);
    uint32_t code = 0;
    table[0] = ENTRY(BAD, 0, 1);
    for (int length = 1; length <= bits; length++, code <<= 1) {
        memcpy(table + (1 << (length - 1)), table, sizeof *table << (length - 1));
        for (; left[length]; left[length]--)
            table[reversed(code++, length)] = entry_of(*symbol++, length);
    }
    for (int length = bits + 1; length <= MAX_CODE; length++, code <<= 1)
        for (; left[length]; left[length]--) {
            uint32_t turned = reversed(code++, length);
            int root = (int)(turned & ((1u << bits) - 1));
            if (root != linked) {
                width = link_width(left, bits, length);
                if (used + (1 << width) > size) return 0;
                table[root] = ENTRY(LINK | width << 4, used, bits);
                linked = root;
                link = used;
                used += 1 << width;
            }
            uint32_t entry = entry_of(*symbol++, length - bits);
            for (int i = (int)(turned >> bits); i < 1 << width; i += 1 << (length - bits))
                table[link + i] = entry;
        }
    return 1;
}

#endif

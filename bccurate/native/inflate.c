/* DEFLATE (RFC 1951) in a zlib wrapper (RFC 1950), output size known. See inflate.h.
 *
 * Canonical Huffman codes by table look-up, as in Deutsch's and later decoders: the next TABLE_BITS
 * bits index an entry (huffman.h); longer codes continue in a second-level table. A 64-bit reservoir is
 * refilled without a branch while eight bytes of input are left. */
#include "inflate.h"

#include <string.h>

#include "adler.h"
#include "huffman.h"

#define LITLEN_BITS 11
#define DIST_BITS 8
#define LITLEN_SIZE 2400 /* zlib's "enough" for 288 symbols and 11 bits is 2,342 */
#define DIST_SIZE 600    /* for 32 symbols and 8 bits: 402 */

static const uint16_t LENGTH_BASE[29] = {3,  4,  5,  6,  7,  8,  9,  10, 11,  13,
                                         15, 17, 19, 23, 27, 31, 35, 43, 51,  59,
                                         67, 83, 99, 115, 131, 163, 195, 227, 258};
static const uint8_t LENGTH_EXTRA[29] = {0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2,
                                         2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0};
static const uint16_t DIST_BASE[30] = {1,    2,    3,    4,    5,    7,     9,     13,
                                       17,   25,   33,   49,   65,   97,    129,   193,
                                       257,  385,  513,  769,  1025, 1537,  2049,  3073,
                                       4097, 6145, 8193, 12289, 16385, 24577};
static const uint8_t DIST_EXTRA[30] = {0, 0, 0, 0, 1, 1, 2,  2,  3,  3,  4,  4,  5,  5,  6,
                                       6, 7, 7, 8, 8, 9, 9, 10, 10, 11, 11, 12, 12, 13, 13};
static const uint8_t PRECODE_ORDER[19] = {16, 17, 18, 0, 8,  7, 9,  6, 10, 5,
                                          11, 4,  12, 3, 13, 2, 14, 1, 15};

typedef struct {
    const uint8_t *next, *end;
    uint64_t bits;
    int count; /* bits in the reservoir */
    int past;  /* zero bytes that were read past the end */
} Reader;

INLINE uint64_t load64(const uint8_t *p) {
    uint64_t word;
    memcpy(&word, p, 8);
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    word = __builtin_bswap64(word);
#endif
    return word;
}

/* At least 56 bits afterwards. */
INLINE void refill(Reader *r) {
    if (r->end - r->next >= 8) {
        r->bits |= load64(r->next) << r->count;
        r->next += (63 - r->count) >> 3;
        r->count |= 56; /* what was over 56 is read again next time */
    } else {
        while (r->count <= 56) {
            if (r->next < r->end)
                r->bits |= (uint64_t)*r->next++ << r->count;
            else
                r->past++;
            r->count += 8;
        }
    }
}

INLINE uint32_t take(Reader *r, int n) {
    uint32_t value = (uint32_t)(r->bits & (((uint64_t)1 << n) - 1));
    r->bits >>= n;
    r->count -= n;
    return value;
}

static uint32_t litlen_entry(int symbol, int length) {
    if (symbol < 256) return ENTRY(LITERAL, symbol, length);
    if (symbol == 256) return ENTRY(END, 0, length);
    if (symbol > 285) return ENTRY(BAD, 0, length);
    return ENTRY(BASE | LENGTH_EXTRA[symbol - 257] << 4, LENGTH_BASE[symbol - 257], length);
}

static uint32_t dist_entry(int symbol, int length) {
    if (symbol > 29) return ENTRY(BAD, 0, length);
    return ENTRY(BASE | DIST_EXTRA[symbol] << 4, DIST_BASE[symbol], length);
}

static uint32_t precode_entry(int symbol, int length) { return ENTRY(LITERAL, symbol, length); }

typedef struct {
    uint32_t litlen[LITLEN_SIZE], dist[DIST_SIZE];
} Codes;

/* Where two literals' codes stand together in one first-level index, its entry gives both: their
 * number is then in the place of the extra bits. */
static void pair_literals(uint32_t *table) {
    static const int SIZE = 1 << LITLEN_BITS;
    uint32_t single[1 << LITLEN_BITS];
    memcpy(single, table, sizeof single);
    for (int i = 0; i < SIZE; i++) {
        uint32_t one = single[i], two = single[i >> (one & 255)];
        if (KIND(one) != LITERAL) continue;
        table[i] = one | 1 << 12;
        if (KIND(two) == LITERAL && (one & 255) + (two & 255) <= LITLEN_BITS)
            table[i] = ENTRY(LITERAL | 2 << 4, one >> 16 | two >> 16 << 8,
                             (one & 255) + (two & 255));
    }
}

static int fixed_codes(Codes *codes) {
    uint8_t lengths[320];
    memset(lengths, 8, 144);
    memset(lengths + 144, 9, 112);
    memset(lengths + 256, 7, 24);
    memset(lengths + 280, 8, 8);
    if (!build(codes->litlen, LITLEN_SIZE, LITLEN_BITS, lengths, 288, litlen_entry)) return 0;
    pair_literals(codes->litlen);
    memset(lengths, 5, 32);
    return build(codes->dist, DIST_SIZE, DIST_BITS, lengths, 32, dist_entry);
}

static int dynamic_codes(Reader *r, Codes *codes) {
    uint32_t precode[128];
    uint8_t lengths[320] = {0}, order[19] = {0};
    refill(r);
    int litlens = (int)take(r, 5) + 257, dists = (int)take(r, 5) + 1, n = (int)take(r, 4) + 4;
    if (litlens > 286 || dists > 30) return 0;
    for (int i = 0; i < n; i++) {
        if (i % 8 == 0) refill(r);
        order[PRECODE_ORDER[i]] = (uint8_t)take(r, 3);
    }
    if (!build(precode, 128, 7, order, 19, precode_entry)) return 0;
    for (int i = 0; i < litlens + dists;) {
        refill(r);
        uint32_t entry = precode[r->bits & 127];
        if (KIND(entry) != LITERAL || r->past > 8) return 0;
        take(r, (int)(entry & 255));
        int symbol = (int)(entry >> 16), repeat = 1, value = symbol;
        if (symbol == 16) {
            if (i == 0) return 0;
            value = lengths[i - 1];
            repeat = 3 + (int)take(r, 2);
        } else if (symbol > 16) {
            value = 0;
            repeat = symbol == 17 ? 3 + (int)take(r, 3) : 11 + (int)take(r, 7);
        }
        if (i + repeat > litlens + dists) return 0;
        memset(lengths + i, value, (size_t)repeat);
        i += repeat;
    }
    if (!lengths[256]) return 0;
    if (!build(codes->litlen, LITLEN_SIZE, LITLEN_BITS, lengths, litlens, litlen_entry)) return 0;
    pair_literals(codes->litlen);
    return build(codes->dist, DIST_SIZE, DIST_BITS, lengths + litlens, dists, dist_entry);
}

INLINE uint32_t look_up(const uint32_t *table, int bits, Reader *r) {
    uint32_t entry = table[r->bits & ((1u << bits) - 1)];
    if (KIND(entry) == LINK) {
        take(r, bits);
        entry = table[(entry >> 16) + (r->bits & ((1u << EXTRA(entry)) - 1))];
    }
    take(r, (int)(entry & 255));
    return entry;
}

/* As many symbols as can be had without asking whether input or output end; KIND of the last. */
INLINE int inflate_fast(Reader *r, const Codes *codes, uint8_t *out, size_t size, size_t *at) {
    size_t n = *at;
    while (r->end - r->next >= 32 && size - n >= 300) {
        refill(r);
        uint32_t entry = codes->litlen[r->bits & ((1u << LITLEN_BITS) - 1)];
        for (int k = 0; k < 4 && KIND(entry) == LITERAL; k++) { /* 44 bits at most */
            out[n] = (uint8_t)(entry >> 16);
            out[n + 1] = (uint8_t)(entry >> 24);
            n += EXTRA(entry);
            take(r, (int)(entry & 255));
            entry = codes->litlen[r->bits & ((1u << LITLEN_BITS) - 1)];
        }
        if (KIND(entry) == LITERAL) continue;
        refill(r);
        entry = look_up(codes->litlen, LITLEN_BITS, r);
        if (KIND(entry) == LITERAL) { /* a long code, of one literal */
            out[n++] = (uint8_t)(entry >> 16);
            continue;
        }
        if (KIND(entry) != BASE) {
            *at = n;
            return (int)KIND(entry);
        }
        size_t length = (entry >> 16) + take(r, (int)EXTRA(entry));
        entry = look_up(codes->dist, DIST_BITS, r);
        size_t distance = (entry >> 16) + take(r, (int)EXTRA(entry));
        if (KIND(entry) != BASE || distance > n) return BAD;
        if (distance >= 8) {
            for (size_t i = 0; i < length; i += 8) memcpy(out + n + i, out + n + i - distance, 8);
        } else {
            for (size_t i = 0; i < length; i++) out[n + i] = out[n + i - distance];
        }
        n += length;
    }
    *at = n;
    return LITERAL;
}

/* The symbols of one block to out + *at; 0 on bad data or more than `size` bytes. */
static int inflate_block(Reader *reader, const Codes *codes, uint8_t *out, size_t size,
                                 size_t *at) {
    Reader local = *reader, *r = &local; /* so that it stays in registers */
    size_t n = *at;
    int kind = inflate_fast(r, codes, out, size, &n);
    while (kind == LITERAL) {
        refill(r);
        uint32_t entry = look_up(codes->litlen, LITLEN_BITS, r);
        kind = (int)KIND(entry);
        if (r->past > 8) return 0;
        if (kind == LITERAL) {
            size_t pieces = EXTRA(entry) == 2 ? 2 : 1;
            if (size - n < pieces) return 0;
            for (size_t i = 0; i < pieces; i++) out[n++] = (uint8_t)(entry >> (16 + 8 * i));
        } else if (kind == BASE) {
            size_t length = (entry >> 16) + take(r, (int)EXTRA(entry));
            entry = look_up(codes->dist, DIST_BITS, r);
            size_t distance = (entry >> 16) + take(r, (int)EXTRA(entry));
            if (KIND(entry) != BASE || distance > n || length > size - n) return 0;
            for (size_t i = 0; i < length; i++) out[n + i] = out[n + i - distance];
            n += length;
            kind = LITERAL;
        }
    }
    *at = n;
    *reader = local;
    return kind == END;
}

static int stored_block(Reader *r, uint8_t *out, size_t size, size_t *at) {
    take(r, r->count & 7);
    if (r->past) return 0;
    r->next -= r->count >> 3; /* give whole bytes back */
    r->bits = 0;
    r->count = 0;
    if (r->end - r->next < 4) return 0;
    size_t n = (size_t)(r->next[0] | r->next[1] << 8);
    if ((n ^ (size_t)(r->next[2] | r->next[3] << 8)) != 0xFFFF) return 0;
    r->next += 4;
    if ((size_t)(r->end - r->next) < n || n > size - *at) return 0;
    memcpy(out + *at, r->next, n);
    r->next += n;
    *at += n;
    return 1;
}

int bc_inflate(const uint8_t *data, size_t n, uint8_t *out, size_t size) {
    Codes codes;
    if (n < 6 || (data[0] & 15) != 8 || data[0] >> 4 > 7 || data[1] & 32 ||
        (data[0] << 8 | data[1]) % 31)
        return 0;
    Reader r = {data + 2, data + n, 0, 0, 0};
    size_t at = 0;
    for (int last = 0; !last;) {
        refill(&r);
        last = (int)take(&r, 1);
        int type = (int)take(&r, 2), good = 0;
        if (type == 0)
            good = stored_block(&r, out, size, &at);
        else if (type == 1)
            good = fixed_codes(&codes) && inflate_block(&r, &codes, out, size, &at);
        else if (type == 2)
            good = dynamic_codes(&r, &codes) && inflate_block(&r, &codes, out, size, &at);
        if (!good || r.past > 8) return 0;
    }
    take(&r, r.count & 7);
    int unread = r.count >> 3;
    if (r.past > unread) return 0; /* it read bits that were never there */
    const uint8_t *tail = r.next - (unread - r.past);
    if (at != size || r.end - tail < 4) return 0;
    uint32_t sum = (uint32_t)tail[0] << 24 | (uint32_t)tail[1] << 16 | (uint32_t)tail[2] << 8 | tail[3];
    return sum == adler32(out, size);
}

/* Baseline JPEG (ITU-T T.81), bit for bit as libjpeg-turbo decodes it by default: the accurate
 * integer inverse DCT (Loeffler, Ligtenberg, Moschytz 1989, as in jidctint.c), "fancy" triangle
 * upsampling of chroma, and fixed-point YCbCr to RGB. See image.h.
 *
 * Where 16-bit SIMD code and this one could differ (absurd coefficients), where the stream has any
 * flaw, or where the file is of a rarer kind, it gives up and Pillow decodes. */
#include <stdlib.h>
#include <string.h>

#include "idct.h"
#include "jpeg.h"

enum {
    LOOK = 11,        /* bits that one look-up sees */
    MOST = 18,        /* bits that it takes: code and value */
    LOOKS = 3,        /* between refills, of 56 bits */
    TO_END = 128,     /* more places than any coefficient takes */
    MAX_VALUE = 16383 /* of a coefficient: two of them still fit in 16 bits */
};

/* Where a coefficient goes. Those past the last, at the end of a block, are zero and go there. */
static const uint8_t ZIGZAG[64 + TO_END] = {
    0,  1,  8,  16, 9,  2,  3,  10, 17, 24, 32, 25, 18, 11, 4,  5,  12, 19, 26, 33, 40, 48,
    41, 34, 27, 20, 13, 6,  7,  14, 21, 28, 35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23,
    30, 37, 44, 51, 58, 59, 52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47, 55, 62, 63,
    [64 ... 63 + TO_END] = 63};

/* A Huffman code. `quick` has an entry for the first bits of a code and the value that follows it, or
 * 0 where code and sign are longer than LOOK or code and value longer than MOST. */
typedef struct {
    uint8_t segment[17 + 256]; /* counts and symbols as they stood in the file */
    int length;                /* of the segment, 0 where there is none */
    int32_t quick[1 << LOOK];
    int32_t limit[18];  /* first code past those of each length, left-aligned to 16 bits */
    int32_t offset[17]; /* symbol index less code */
} Huffman;

struct JpegTables {
    Huffman dc[2], ac[2];
};

JpegTables *bc_jpeg_tables(void) { return calloc(1, sizeof(JpegTables)); }

static int big16(const uint8_t *p) { return p[0] << 8 | p[1]; }

/* ---- tables ---- */

/* Bits 0-5: length of code and value, 8-15: places that it takes in a block, 16-19: size of the value,
 * 20-31: what to add to the value's bits. */
enum { BAD = 64 << 8 }; /* an entry that leads out of every block */

/* Of a code of `length` bits whose value begins with the bit `positive`. */
INLINE int32_t entry_of(int length, int symbol, int positive) {
    int size = symbol & 15, places = symbol ? (symbol >> 4) + 1 : TO_END;
    if (size > 11 || (!size && symbol && symbol != 0xF0)) return BAD;
    int low = size && !positive ? 1 - (1 << size) : 0;
    return (int32_t)((uint32_t)low << 20) | size << 16 | places << 8 | (length + size);
}

INLINE int places_of(int32_t entry) { return entry >> 8 & 255; }

/* The value that stands at the top of `bits`, behind its code. */
INLINE int value_of(int32_t entry, uint64_t bits) {
    return ((int)(bits >> (-entry & 63)) & (int)~(~0u << (entry >> 16 & 15))) + (entry >> 20);
}

/* The entries of all bits that begin with a code of `length` bits. */
static void fill(int32_t *quick, int length, int symbol) {
    int n = 1 << (LOOK - length);
    if (symbol & 15 && n == 1) return; /* the sign is not in sight */
    for (int i = 0; i < n; i++) {
        int32_t entry = entry_of(length, symbol, 2 * i >= n);
        quick[i] = (entry & 63) <= MOST ? entry : 0;
    }
}

/* Build a code from its DHT segment; 0 where that is no code. */
static int build(Huffman *code, const uint8_t *segment, int length, int is_ac) {
    if (code->length == length && !memcmp(code->segment, segment, (size_t)length)) return 1;
    code->length = 0;
    memset(code->quick, 0, sizeof code->quick);
    int next = 0, index = 0;
    const uint8_t *symbols = segment + 16;
    for (int bits = 1; bits <= 16; bits++) {
        code->offset[bits] = index - next;
        for (int i = 0; i < segment[bits - 1]; i++, next++, index++) {
            if (next >= 1 << bits || (!is_ac && symbols[index] > 11)) return 0;
            if (bits <= LOOK) fill(code->quick + (next << (LOOK - bits)), bits, symbols[index]);
        }
        code->limit[bits] = next << (16 - bits);
        next <<= 1;
    }
    code->limit[17] = INT32_MAX;
    memcpy(code->segment, segment, (size_t)length);
    code->length = length;
    return 1;
}

static int read_huffman(Jpeg *j, const uint8_t *p, int n) {
    while (n > 0) {
        if (n < 17) return 0;
        int class = p[0] >> 4, which = p[0] & 15, symbols = 0;
        for (int i = 1; i <= 16; i++) symbols += p[i];
        if (class > 1 || which > 1 || symbols > 256 || n < 17 + symbols) return 0;
        Huffman *code = class ? &j->tables->ac[which] : &j->tables->dc[which];
        if (!build(code, p + 1, 16 + symbols, class)) return 0;
        *(class ? &j->has_ac[which] : &j->has_dc[which]) = 1;
        p += 17 + symbols;
        n -= 17 + symbols;
    }
    return 1;
}

static int read_quant(Jpeg *j, const uint8_t *p, int n) {
    for (; n >= 65; p += 65, n -= 65) {
        if (p[0] > 3) return 0; /* 16-bit tables too */
        for (int i = 0; i < 64; i++) {
            if (!p[1 + i]) return 0;
            j->quant[p[0]][ZIGZAG[i]] = p[1 + i];
        }
        j->has_quant[p[0]] = 1;
    }
    return n == 0;
}

static int read_frame(Jpeg *j, const uint8_t *p, int n) {
    if (j->frame++ || n < 6 || p[0] != 8) return 0;
    j->height = big16(p + 1);
    j->width = big16(p + 3);
    j->n = p[5];
    if (j->width < MIN_SIDE || j->height < MIN_SIDE || j->width > MAX_SIDE ||
        j->height > MAX_SIDE || (j->n != 1 && j->n != 3) || n != 6 + 3 * j->n)
        return 0;
    for (int i = 0; i < j->n; i++) {
        const uint8_t *q = p + 6 + 3 * i;
        j->parts[i] = (Component){.id = q[0], .h = q[1] >> 4, .v = q[1] & 15, .quant = q[2]};
        if (q[2] > 3) return 0;
    }
    Component *y = &j->parts[0];
    if (j->n == 1) y->h = y->v = 1; /* one component is stored block by block whatever it says */
    for (int i = 1; i < j->n; i++)
        if (j->parts[i].h != 1 || j->parts[i].v != 1) return 0;
    if (!((y->h == 1 || y->h == 2) && (y->v == 1 || (y->v == 2 && y->h == 2)))) return 0;
    j->blocks_wide = (j->width + 8 * y->h - 1) / (8 * y->h);
    j->blocks_high = (j->height + 8 * y->v - 1) / (8 * y->v);
    for (int i = 0; i < j->n; i++) {
        Component *c = &j->parts[i];
        c->width = (j->width * c->h + y->h - 1) / y->h;
        c->height = (j->height * c->v + y->v - 1) / y->v;
        c->stride = j->blocks_wide * c->h * 8;
    }
    return 1;
}

static int read_scan(Jpeg *j, const uint8_t *p, int n) {
    if (!j->frame || n != 4 + 2 * j->n || p[0] != j->n) return 0;
    for (int i = 0; i < j->n; i++) {
        Component *c = &j->parts[i];
        c->dc = p[2 + 2 * i] >> 4;
        c->ac = p[2 + 2 * i] & 15;
        if (p[1 + 2 * i] != c->id || c->dc > 1 || c->ac > 1 || !j->has_dc[c->dc] ||
            !j->has_ac[c->ac] || !j->has_quant[c->quant])
            return 0;
    }
    p += 1 + 2 * j->n;
    return p[0] == 0 && p[1] == 63 && p[2] == 0;
}

/* YCbCr as libjpeg decides it: JFIF says so, or Adobe does, or the components are numbered so. */
static int is_ycc(const Jpeg *j) {
    if (j->n == 1 || j->jfif) return 1;
    if (j->adobe >= 0) return j->adobe == 1;
    return j->parts[0].id == 1 && j->parts[1].id == 2 && j->parts[2].id == 3;
}

/* Read all up to the scan; 0 where anything is out of the plain. */
static int parse(Jpeg *j, const uint8_t *data, size_t n, JpegTables *tables) {
    memset(j, 0, sizeof *j);
    j->tables = tables;
    j->adobe = -1;
    if (n < 4 || data[0] != 0xFF || data[1] != 0xD8) return 0;
    for (size_t at = 2; n - at >= 4;) {
        int marker = data[at + 1], length = big16(data + at + 2);
        if (data[at] != 0xFF || length < 2 || (size_t)length > n - at - 2) return 0;
        const uint8_t *p = data + at + 4;
        at += 2 + (size_t)length;
        length -= 2;
        int good = 1;
        if (marker == 0xE0) {
            j->jfif |= length >= 14 && !memcmp(p, "JFIF", 5);
        } else if (marker == 0xEE) {
            if (length >= 12 && !memcmp(p, "Adobe", 5)) j->adobe = p[11];
        } else if (marker == 0xE2 && length >= 4 && !memcmp(p, "MPF", 4)) {
            return 0; /* several pictures in one file */
        } else if (marker == 0xDB) {
            good = read_quant(j, p, length);
        } else if (marker == 0xC4) {
            good = !tables || read_huffman(j, p, length);
        } else if (marker == 0xC0 || marker == 0xC1) {
            good = read_frame(j, p, length);
            if (good && !tables) return 1;
        } else if (marker == 0xDA) {
            j->scan = data + at;
            j->end = data + n;
            return read_scan(j, p, length) && is_ycc(j);
        } else if (!((marker >= 0xE1 && marker <= 0xEF) || marker == 0xFE)) {
            return 0;
        }
        if (!good) return 0;
    }
    return 0;
}

/* ---- entropy coded data ---- */

enum { PAD = 512 }; /* zeros behind the data: one block can read that far before it is asked */

/* Copy the scan to `out` without the stuffed zeros. Its size, or -1 where no EOI ends it. */
static ptrdiff_t unstuff(const uint8_t *from, const uint8_t *end, uint8_t *out) {
    uint8_t *start = out;
    while (end - from >= 2) {
        const uint8_t *marker = memchr(from, 0xFF, (size_t)(end - from - 1));
        if (!marker || (marker[1] != 0 && marker[1] != 0xD9)) return -1;
        size_t n = (size_t)(marker - from) + (marker[1] == 0);
        memcpy(out, from, n);
        out += n;
        if (marker[1] == 0xD9) {
            memset(out, 0, PAD);
            return out - start;
        }
        from = marker + 2;
    }
    return -1;
}

typedef struct {
    const uint8_t *next;
    uint64_t bits; /* the next bit is the highest */
    int count;
} Reader;

INLINE uint64_t load_big64(const uint8_t *p) {
    uint64_t word;
    memcpy(&word, p, 8);
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    return word;
#else
    return __builtin_bswap64(word);
#endif
}

/* At least 56 bits afterwards, without a branch that nobody could predict: enough for the longest code
 * and the longest value that follows it, or for LOOKS quick ones. */
INLINE void refill(Reader *r) {
    r->bits |= load_big64(r->next) >> r->count;
    r->next += (63 - r->count) >> 3;
    r->count |= 56; /* what was over 56 is read again next time */
}

INLINE void skip(Reader *r, int n) {
    r->bits <<= n;
    r->count -= n;
}

/* The entry of a code that is not among the quick ones. */
static int32_t find(const Huffman *code, uint64_t bits) {
    int32_t top = (int32_t)(bits >> 48);
    int length = 1;
    while (top >= code->limit[length]) length++;
    if (length > 16) return BAD;
    int index = (top >> (16 - length)) + code->offset[length];
    if (index < 0 || 16 + index >= code->length) return BAD;
    return entry_of(length, code->segment[16 + index], bits >> (63 - length) & 1);
}

/* The next entry, and in `bits` what its value is read from. */
INLINE int32_t look(Reader *r, const Huffman *code, const int32_t *quick, uint64_t *bits) {
    int32_t entry = quick[r->bits >> (64 - LOOK)];
    *bits = r->bits;
    if (entry) {
        skip(r, entry & 63);
        return entry;
    }
    refill(r);
    *bits = r->bits;
    entry = find(code, r->bits);
    skip(r, entry & 63);
    refill(r);
    return entry;
}

/* The difference to the block before; 0 on bad data. */
INLINE int read_dc(Reader *r, const Huffman *code, Component *c) {
    uint64_t bits;
    int32_t entry = look(r, code, code->quick, &bits);
    c->last += value_of(entry, bits);
    return entry != BAD && c->last >= -MAX_VALUE && c->last <= MAX_VALUE;
}

/* Each look-up waits for the one before: GCC would add the table's place to every index anew. */
INLINE const int32_t *in_register(const int32_t *table) {
#if defined(__GNUC__)
    __asm__("" : "+r"(table));
#endif
    return table;
}

/* One block's coefficients in natural order, not yet dequantized. Returns the last zigzag index
 * that is told, or -1 on bad data. */
INLINE int read_block(Reader *r, const Jpeg *j, Component *c, int16_t *block) {
    const Huffman *ac = &j->tables->ac[c->ac];
    const int32_t *quick = in_register(ac->quick);
    refill(r);
    if (!read_dc(r, &j->tables->dc[c->dc], c)) return -1;
    block[0] = (int16_t)c->last;
    for (int last = 0;;) {
        refill(r);
        for (int i = 0; i < LOOKS; i++) {
            uint64_t bits;
            int32_t entry = look(r, ac, quick, &bits);
            int k = last + places_of(entry);
            block[ZIGZAG[k]] = (int16_t)value_of(entry, bits);
            if (k >= 63) return k == 63 ? k : k >= TO_END ? last : -1;
            last = k;
        }
    }
}

INLINE void flat(int dc, uint8_t *out, int stride) {
    int value = (dc * 4 + 16) >> 5;
    value = value < -128 ? 0 : value > 127 ? 255 : value + 128;
    for (int i = 0; i < 8; i++) memset(out + (size_t)i * (size_t)stride, value, 8);
}

/* Takes the block that was read last: 0 where it has a value that is out of range. */
INLINE int take_block(Pair *pair, int last, const int16_t *quant, uint8_t *out, int stride) {
    int16_t *block = pair->blocks[pair->n];
    if (last) {
        pair->quant[pair->n] = quant;
        pair->out[pair->n] = out;
        pair->stride[pair->n] = stride;
        return ++pair->n < 2 || !idct(pair);
    }
    int dc = block[0] * quant[0];
    flat(dc, out, stride);
    block[0] = 0;
    return dc >= -4096 && dc <= 4095;
}

/* The block that waits for another one; nothing where none does. */
static int take_rest(Pair *pair) {
    uint8_t sink[64];
    return !pair->n || take_block(pair, 1, pair->quant[0], sink, 8);
}

/* The scan, block by block, to the planes; 1 where all of it was sound and EOI came next. */
static int decode_scan(Jpeg *j, uint8_t *room) {
    ptrdiff_t size = unstuff(j->scan, j->end, room);
    Reader r = {room, 0, 0};
    if (size < 0) return 0;
    Pair pair __attribute__((aligned(32)));
    memset(&pair, 0, sizeof pair);
    for (int my = 0; my < j->blocks_high; my++)
        for (int mx = 0; mx < j->blocks_wide; mx++)
            for (int i = 0; i < j->n; i++) {
                Component *c = &j->parts[i];
                for (int b = 0; b < c->h * c->v; b++) {
                    int x = mx * c->h + b % c->h, y = my * c->v + b / c->h;
                    uint8_t *out = c->plane + (size_t)y * 8 * (size_t)c->stride + (size_t)x * 8;
                    int last = read_block(&r, j, c, pair.blocks[pair.n]);
                    if (last < 0 || r.next - room > size + 8) return 0;
                    if (!take_block(&pair, last, j->quant[c->quant], out, c->stride)) return 0;
                }
            }
    ptrdiff_t left = 8 * (size - (r.next - room)) + r.count;
    return left >= 0 && left < 8 && take_rest(&pair); /* no bit that was not there, no byte too many */
}

/* ---- the door ---- */

static size_t place(Jpeg *j, uint8_t *start) {
    size_t used = 0;
    for (int i = 0; i < j->n; i++) {
        Component *c = &j->parts[i];
        if (start) c->plane = start + used;
        used += (size_t)c->stride * (size_t)j->blocks_high * (size_t)c->v * 8 + 16;
    }
    return used;
}

size_t bc_jpeg_scratch(const uint8_t *data, size_t n, Shape *shape) {
    Jpeg j;
    if (!parse(&j, data, n, NULL)) return 0;
    *shape = (Shape){j.width, j.height};
    return place(&j, NULL) + 4 * (size_t)j.parts[0].stride + 64 + n + PAD;
}

int bc_jpeg_decode(const uint8_t *data, size_t n, JpegTables *tables, uint8_t *scratch,
                   uint8_t *grey, uint8_t *pixels) {
    Jpeg j;
    if (!parse(&j, data, n, tables)) return 0;
    size_t used = place(&j, scratch);
    uint8_t *rows = scratch + used; /* room for the conversion, and then for the scan */
    if (!decode_scan(&j, rows + 4 * (size_t)j.parts[0].stride + 64)) return 0;
    bc_jpeg_convert(&j, rows, grey, pixels);
    return 1;
}

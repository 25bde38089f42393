/* Mutated PNG, JPEG and DEFLATE data through the decoders, under the address and undefined-behaviour
 * sanitizers. Every buffer is of its own and of exactly the size that the decoder asked for, so that
 * one byte too far is seen.
 *
 *     kernels SECONDS SEED FILE...
 *
 * Prints how many inputs it tried. What crashes, or takes more than 5 s, is written to
 * `fuzz-crash` in the working folder before the process ends with an error. */
#define _POSIX_C_SOURCE 200809L
#include <sanitizer/common_interface_defs.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "hashes.h"
#include "image.h"
#include "inflate.h"

enum { MOST = 1 << 16, LONGEST_SECONDS = 5, PNG_HEADER = 33 };

typedef struct {
    uint8_t *data;
    size_t n;
} Bytes;

static Bytes seeds[256];
static int n_seeds;
static uint8_t input[MOST + 64];
static size_t input_size;
static uint64_t state;

static uint32_t any(uint32_t n) { /* 0 to n - 1 */
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return n ? (uint32_t)((state >> 16) % n) : 0;
}

static void keep_input(void) {
    FILE *file = fopen("fuzz-crash", "wb");
    if (!file) return;
    fwrite(input, 1, input_size, file);
    fclose(file);
}

static void too_slow(int signal) {
    (void)signal;
    keep_input();
    _exit(3);
}

/* ---- inputs ---- */

static void put32(uint8_t *p, uint32_t value) {
    for (int i = 0; i < 4; i++) p[i] = (uint8_t)(value >> (24 - 8 * i));
}

static uint32_t crc32(const uint8_t *data, size_t n) {
    uint32_t crc = 0xFFFFFFFF;
    for (size_t i = 0; i < n; i++) {
        crc ^= data[i];
        for (int k = 0; k < 8; k++) crc = crc >> 1 ^ (crc & 1 ? 0xEDB88320 : 0);
    }
    return ~crc;
}

static size_t put_chunk(uint8_t *out, const char *type, const uint8_t *data, size_t n) {
    put32(out, (uint32_t)n);
    memcpy(out + 4, type, 4);
    if (n) memmove(out + 8, data, n);
    put32(out + 8 + n, crc32(out + 4, 4 + n));
    return 12 + n;
}

/* A PNG that is sound down to its checksums, with any filters and any bytes: what changed bytes of
 * a file never reach, because the checksum of the stream stops them. */
static void sound_png(void) {
    static uint8_t stream[MOST];
    uint32_t width = 8 + any(60), height = 8 + any(60), colour = any(2) ? 2 : 0;
    size_t row = 1 + width * (colour ? 3 : 1), size = row * height, at = 2;
    uint32_t a = 1, b = 0;
    stream[0] = 0x78, stream[1] = 0x01;
    for (size_t done = 0, part; done < size; done += part) {
        part = size - done < 4000 ? size - done : 1 + any(4000);
        stream[at] = done + part == size;
        stream[at + 1] = (uint8_t)part, stream[at + 2] = (uint8_t)(part >> 8);
        stream[at + 3] = (uint8_t)~part, stream[at + 4] = (uint8_t)(~part >> 8);
        at += 5;
        for (size_t i = done; i < done + part; i++) {
            uint8_t value = (uint8_t)(i % row ? any(256) : any(40) ? any(5) : any(256));
            stream[at++] = value;
            a = (a + value) % 65521;
            b = (b + a) % 65521;
        }
    }
    put32(stream + at, b << 16 | a);
    uint8_t header[13] = {0};
    put32(header, width), put32(header + 4, height);
    header[8] = 8, header[9] = (uint8_t)colour;
    memcpy(input, "\x89PNG\r\n\x1a\n", 8);
    size_t n = 8 + put_chunk(input + 8, "IHDR", header, 13), first = any((uint32_t)at);
    if (any(2)) first = at + 4;
    n += put_chunk(input + n, "IDAT", stream, first);
    if (first < at + 4) n += put_chunk(input + n, "IDAT", stream + first, at + 4 - first);
    input_size = n + put_chunk(input + n, "IEND", NULL, 0);
}

static void splice(void) {
    const Bytes *other = &seeds[any((uint32_t)n_seeds)];
    size_t from = any((uint32_t)other->n), to = any((uint32_t)input_size);
    size_t n = any(64) ? any(40) : any(4000);
    if (n > other->n - from) n = other->n - from;
    if (n > MOST - to) n = MOST - to;
    memcpy(input + to, other->data + from, n);
    if (to + n > input_size) input_size = to + n;
}

static void change(void) {
    static const uint8_t EDGES[] = {0, 1, 2, 3, 15, 16, 17, 63, 64, 127, 128, 254, 255};
    /* Half of all changes to the headers, where the sizes stand. */
    size_t at = any((uint32_t)(any(2) && input_size > 700 ? 700 : input_size));
    switch (any(7)) {
    case 0: input[at] ^= (uint8_t)(1 << any(8)); break;
    case 1: input[at] = (uint8_t)any(256); break;
    case 2: input[at] = EDGES[any(sizeof EDGES)]; break;
    case 3: splice(); break;
    case 4: /* bytes out */
        if (input_size - at > 8) {
            size_t n = 1 + any(8);
            memmove(input + at, input + at + n, input_size - at - n);
            input_size -= n;
        }
        break;
    case 5: /* bytes twice */
        if (input_size < MOST - 8) {
            size_t n = 1 + any(8);
            memmove(input + at + n, input + at, input_size - at);
            input_size += n;
        }
        break;
    default:
        if (any(8) == 0) input_size = 1 + any((uint32_t)input_size);
    }
}

static void make_input(void) {
    if (any(8) == 0) {
        sound_png();
    } else {
        const Bytes *seed = &seeds[any((uint32_t)n_seeds)];
        memcpy(input, seed->data, seed->n);
        input_size = seed->n;
    }
    for (uint32_t left = any(8); left > 0; left--) change();
    if (input_size > PNG_HEADER && input[0] == 0x89 && any(4))
        put32(input + 29, crc32(input + 12, 17)); /* else no changed header is ever read on */
}

/* ---- decoders ---- */

static void *exactly(size_t n) {
    void *room = malloc(n ? n : 1);
    if (!room) abort();
    return room;
}

static int decode(Hasher *hasher, JpegTables *tables, const uint8_t *data, size_t n) {
    Shape shape;
    Facts facts;
    int png = n > 8 && data[0] == 0x89;
    size_t scratch = png ? bc_png_scratch(data, n, &shape) : bc_jpeg_scratch(data, n, &shape);
    if (!scratch || !bc_measurable(shape.width, shape.height)) return 0;
    size_t size = 3 * (size_t)shape.width * (size_t)shape.height;
    if (size > 4 << 20) return 0; /* for Pillow, as in files.c */
    size_t measured = bc_measure_room(shape.width, shape.height);
    uint8_t *grey = aligned_alloc(64, (measured + 63) / 64 * 64), *room = exactly(scratch);
    uint8_t *pixels = any(2) ? exactly(size) : NULL;
    if (!grey) abort();
    int good = png ? bc_png_decode(data, n, room, grey, pixels)
                   : bc_jpeg_decode(data, n, tables, room, grey, pixels);
    memset(&facts, 0, sizeof facts);
    if (good) bc_measure(hasher, grey, shape.width, shape.height, any(64), &facts);
    free(grey), free(room), free(pixels);
    return good;
}

/* The bytes as a zlib stream, from anywhere in them, into any room. */
static int inflate_some(const uint8_t *data, size_t n) {
    static const uint8_t ZLIB[] = {0x78, 0x9C};
    size_t at = any(2) || n < 60 ? 0 : 41 + any(4), size = any(2) ? any(300) : any(1 << 16);
    size_t length = n - at + 2;
    uint8_t *stream = exactly(length), *out = exactly(size);
    memcpy(stream, ZLIB, 2);
    memcpy(stream + 2, data + at, n - at);
    if (any(3) && length > 2) stream[2] = (uint8_t)((stream[2] & ~6) | any(3) << 1);
    int good = bc_inflate(stream, length, out, size);
    free(stream), free(out);
    return good;
}

static void read_seed(const char *path) {
    FILE *file = fopen(path, "rb");
    if (!file || n_seeds == 256) {
        fprintf(stderr, "cannot take %s\n", path);
        exit(2);
    }
    Bytes *seed = &seeds[n_seeds++];
    seed->data = exactly(MOST);
    seed->n = fread(seed->data, 1, MOST / 2, file);
    fclose(file);
    if (!seed->n) n_seeds--;
}

int main(int argc, char **argv) {
    if (argc < 4) return 2;
    state = strtoull(argv[2], NULL, 10) * 0x9E3779B97F4A7C15ull + 1;
    for (int i = 3; i < argc; i++) read_seed(argv[i]);
    if (!n_seeds) return 2;
    __sanitizer_set_death_callback(keep_input);
    signal(SIGALRM, too_slow);
    Hasher hasher;
    bc_hasher_begin(&hasher);
    JpegTables *tables = bc_jpeg_tables();
    time_t end = time(NULL) + atoi(argv[1]);
    long tried = 0, decoded = 0;
    while (time(NULL) < end) {
        for (int i = 0; i < 100; i++, tried++) {
            make_input();
            alarm(LONGEST_SECONDS);
            uint8_t *data = exactly(input_size);
            memcpy(data, input, input_size);
            decoded += decode(&hasher, tables, data, input_size);
            inflate_some(data, input_size);
            free(data);
        }
    }
    bc_hasher_end(&hasher);
    free(tables);
    for (int i = 0; i < n_seeds; i++) free(seeds[i].data);
    printf("%ld inputs, %ld of them decoded\n", tried, decoded);
    return 0;
}

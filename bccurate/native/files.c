/* Files to facts: read, decode, measure, many at a call and without Python's lock. */
#define _POSIX_C_SOURCE 200809L
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "hashes.h"
#include "image.h"

enum { FORMAT_PNG = 0, FORMAT_JPEG = 1 };

/* The whole file into `arena`; its size, or 0 where it is no plain file, cannot be read, is empty or
 * does not fit. Not blocking: a named pipe would wait for ever. */
static size_t read_file(const char *path, uint8_t *arena, size_t room) {
    int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    struct stat about;
    size_t n = 0;
    if (file < 0) return 0;
    if (!fstat(file, &about) && S_ISREG(about.st_mode) && (uint64_t)about.st_size <= room) {
        size_t size = (size_t)about.st_size;
        while (n < size) {
            ssize_t got = read(file, arena + n, size - n);
            if (got <= 0) break;
            n += (size_t)got;
        }
        if (n < size) n = 0;
    }
    close(file);
    return n;
}

typedef struct {
    Hasher hasher;
    JpegTables *tables;
} Decoder;

/* Decode and measure one file in memory; 0 leaves it to Pillow, -1 means that the pixels do not fit
 * any more. */
static int decode(Decoder *d, const uint8_t *data, size_t n, int64_t wanted, uint8_t *pixels,
                  size_t room, Facts *facts) {
    Shape shape;
    int png = n > 8 && data[0] == 0x89;
    size_t scratch = png ? bc_png_scratch(data, n, &shape) : bc_jpeg_scratch(data, n, &shape);
    if (!scratch || !bc_measurable(shape.width, shape.height)) return 0;
    size_t size = 3 * (size_t)shape.width * (size_t)shape.height;
    if (size > room) return -1;
    size_t measure = bc_measure_room(shape.width, shape.height);
    uint8_t *work = bc_room(&d->hasher, measure + scratch);
    if (!work) return 0;
    uint8_t *kept = wanted & PIXELS ? pixels : NULL;
    int good = png ? bc_png_decode(data, n, work + measure, work, kept)
                   : bc_jpeg_decode(data, n, d->tables, work + measure, work, kept);
    if (!good || !bc_measure(&d->hasher, work, shape.width, shape.height, wanted, facts)) return 0;
    facts->width = shape.width;
    facts->height = shape.height;
    facts->format = png ? FORMAT_PNG : FORMAT_JPEG;
    facts->pixels_size = kept ? (int64_t)size : 0;
    return 1;
}

/* Read up to n files. Their bytes and RGB pixels stay in the arenas where PIXELS are wanted. Stops
 * early when an arena is full, and returns how many rows were filled in. A row of status 0 is left
 * to Pillow. */
EXPORT int64_t bc_read_files(const char *const *paths, int64_t n, int64_t wanted, uint8_t *files,
                             int64_t files_size, uint8_t *pixels, int64_t pixels_size,
                             Facts *facts) {
    Decoder decoder = {.tables = bc_jpeg_tables()};
    bc_hasher_begin(&decoder.hasher);
    int64_t file_at = 0, pixels_at = 0, i = 0;
    for (; decoder.tables && i < n; i++) {
        Facts *row = &facts[i];
        memset(row, 0, sizeof *row);
        size_t size = read_file(paths[i], files + file_at, (size_t)(files_size - file_at));
        if (!size && file_at) break; /* it may fit into an empty arena */
        row->size_bytes = (int64_t)size;
        int done = size ? decode(&decoder, files + file_at, size, wanted, pixels + pixels_at,
                                 (size_t)(pixels_size - pixels_at), row)
                        : 0;
        if (done < 0 && pixels_at) break;
        row->status = done == 1;
        row->file_at = file_at;
        row->pixels_at = pixels_at;
        if (wanted & PIXELS) {
            file_at += (int64_t)size;
            pixels_at += row->pixels_size;
        }
    }
    bc_hasher_end(&decoder.hasher);
    free(decoder.tables);
    return i;
}

/* Measure one decoded picture, (H, W) grey or (H, W, 3) RGB. 0 where memory ends. */
EXPORT int64_t bc_measure_pixels(const uint8_t *pixels, int64_t width, int64_t height,
                                 int64_t channels, int64_t wanted, Facts *facts) {
    Hasher hasher;
    if (width > INT16_MAX || height > INT16_MAX || !bc_measurable((int)width, (int)height)) return 0;
    bc_hasher_begin(&hasher);
    memset(facts, 0, sizeof *facts);
    uint8_t *room = bc_room(&hasher, bc_measure_room((int)width, (int)height));
    if (room) bc_to_grey(pixels, (int)width, (int)height, (int)channels, room);
    int good = room && bc_measure(&hasher, room, (int)width, (int)height, wanted, facts);
    bc_hasher_end(&hasher);
    return good;
}

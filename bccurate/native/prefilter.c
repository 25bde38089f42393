/* Select the pairs of images that are worth registering, by correlation and by tangent distance.
 * See bccurate/duplicates/prefilter.py, whose numpy form is the reference for this one. */
#include <math.h>
#include <string.h>

#include "bytes.h"
#include "kernels.h"
#include "spectra.h"
#include "vectors.h"

enum { ROWS = 64, LANES = 32, BLOCK = TERMS * LANES };

/* Both stages sum integers first. The rounding error of 64 products of two spectra of length 1 is
 * less than SLACK, that of the squares of five such sums, which together are at most 1, less than
 * SLACK_OF_SQUARES. The remaining pairs are computed in floats. */
#define SLACK 5e-4f
#define SLACK_OF_SQUARES 2.5e-3f

/* Return the squared length of a spectrum's projection on a tangent space; `own` is its component
 * along the first direction. */
INLINE float inside_squared(const float *basis, const float *spectrum, float own) {
    v8 share[TANGENTS - 1] = {{0}};
    for (int k = 0; k < TERMS; k += 8)
        for (int t = 1; t < TANGENTS; t++)
            share[t - 1] = fused(AT(basis + t * TERMS + k), AT(spectrum + k), share[t - 1]);
    float sum = own * own;
    for (int t = 1; t < TANGENTS; t++) sum += sum8(share[t - 1]) * sum8(share[t - 1]);
    return sum;
}

/* The partial sums of a pair's correlations, for LANES second images side by side; [1] is for the
 * rotations that swap the axes. */
typedef struct {
    Lanes still[2][LANES / 8], both[2][LANES / 8], x[2][LANES / 8], y[2][LANES / 8];
} Parts;

/* Do not unroll further than by hand: the sums stay in registers. */
#define ONCE _Pragma("GCC unroll 1")

/* Load terms k and k + 1 of one image of a block, and of eight. */
INLINE Words two_terms(const int16_t *image, int k) {
    int32_t both;
    memcpy(&both, image + k * LANES, 4);
    return (Words)(both + (Lanes){0});
}

INLINE Words eight_lanes(const int16_t *block, int k, int l) {
    Words v;
    memcpy(&v, block + k * LANES + 16 * l, 32);
    return v;
}

INLINE void part(const int16_t *a, const int16_t *b, int from, int to, Lanes out[LANES / 8]) {
    Lanes sum[LANES / 8] = {{0}};
    ONCE for (int k = from; k < to; k += 2)
        for (int l = 0; l < LANES / 8; l++)
            sum[l] += bc_dot2(two_terms(a, k), eight_lanes(b, k, l));
    memcpy(out, sum, sizeof sum);
}

/* Correlate two images, not rotated, with LANES others: eight independent sums, enough to hide the
 * latency of an addition. */
INLINE void correlations_of_two(const int16_t *one, const int16_t *two, const int16_t *b,
                                Lanes out[2][LANES / 8]) {
    Lanes sum[2][LANES / 8] = {{{0}}};
    ONCE for (int k = 0; k < TERMS; k += 2)
        for (int l = 0; l < LANES / 8; l++) {
            const Words other = eight_lanes(b, k, l);
            sum[0][l] += bc_dot2(two_terms(one, k), other);
            sum[1][l] += bc_dot2(two_terms(two, k), other);
        }
    memcpy(out, sum, sizeof sum);
}

INLINE void part_xy(const int16_t *a, const int16_t *b, int from, Lanes with_x[LANES / 8],
                    Lanes with_y[LANES / 8]) {
    Lanes x[LANES / 8] = {{0}}, y[LANES / 8] = {{0}};
    ONCE for (int k = 0; k < EACH; k += 2)
        for (int l = 0; l < LANES / 8; l++) {
            const Words other = eight_lanes(b, from + k, l);
            x[l] += bc_dot2(two_terms(a, X + k), other);
            y[l] += bc_dot2(two_terms(a, Y + k), other);
        }
    memcpy(with_x, x, sizeof x);
    memcpy(with_y, y, sizeof y);
}

/* Write the sum of two parts to one[0], their difference to one[1]. */
INLINE void butterfly(Lanes one[2][LANES / 8]) {
    for (int l = 0; l < LANES / 8; l++) {
        const Lanes sum = one[0][l] + one[1][l];
        one[1][l] = one[0][l] - one[1][l];
        one[0][l] = sum;
    }
}

INLINE void parts_of(const int16_t *a, const int16_t *b, Parts *d) {
    part(a, b, A1, B1, d->still[0]);
    part(a, b, B1, B2, d->still[1]);
    part(a, b, B2, A2, d->both[0]);
    part(a, b, A2, X, d->both[1]);
    butterfly(d->still);
    butterfly(d->both);
    part_xy(a, b, X, d->x[0], d->y[1]);
    part_xy(a, b, Y, d->x[1], d->y[0]);
}

/* Write the correlation with one lane in each rotation, and return as bits the rotations in which
 * it reaches `enough`. */
INLINE uint32_t rotations_reaching(const Parts *d, int lane, int32_t enough, Lanes *near) {
    const int l = lane / 8, i = lane % 8;
    const Lanes even = {-1, 0, -1, 0, -1, 0, -1, 0};
    Lanes fx, fy;
    memcpy(&fx, FLIP_X, sizeof fx);
    memcpy(&fy, FLIP_Y, sizeof fy);
#define BY_SWAP(of) ((of[0][l][i] & even) | (of[1][l][i] & ~even))
    *near = BY_SWAP(d->still) + fx * fy * BY_SWAP(d->both) + fx * BY_SWAP(d->x) +
            fy * BY_SWAP(d->y);
#undef BY_SWAP
    return bc_reaching(*near, enough);
}

/* Return as bits the lanes whose best of the eight rotations reaches `enough`: over the signs of
 * two flips the largest s + fx fy b + fx x + fy y is s + max(b + |x + y|, |x - y| - b). */
INLINE uint32_t some_rotation_reaches(const Parts *d, int32_t enough) {
    uint32_t lanes = 0;
    for (int l = 0; l < LANES / 8; l++) {
        Lanes best[2];
        for (int swap = 0; swap < 2; swap++) {
            const Lanes both = d->both[swap][l], x = d->x[swap][l], y = d->y[swap][l];
            const Lanes alike = both + bc_larger(x + y, -x - y);
            const Lanes unlike = bc_larger(x - y, y - x) - both;
            best[swap] = d->still[swap][l] + bc_larger(alike, unlike);
        }
        lanes |= bc_reaching(bc_larger(best[0], best[1]), enough) << 8 * l;
    }
    return lanes;
}

typedef struct {
    const float *bases;
    const int16_t *spectra, *tangents, *blocks; /* fixed-point integers */
    int16_t signs[ROTATIONS][TERMS];
    float least, least_tangent_squared;
    int32_t enough; /* least, less SLACK, in fixed point */
    int64_t n, *i, *j, room, found;
    int8_t *rotation;
} Search;

/* Return the spectrum of image i in a rotation, in place or in `room`. */
INLINE const float *rotated(const Search *s, int64_t i, int rotation, float room[TERMS]) {
    const float *spectrum = s->bases + i * TANGENTS * TERMS;
    if (!rotation) return spectrum;
    rotate_spectrum(spectrum, s->signs[rotation], rotation, room);
    return room;
}

/* Return whether image j in a rotation may pass the tangent distance to image i, to whose spectrum
 * it correlates by `own`; in fixed point. */
INLINE int may_pass(const Search *s, int64_t i, int64_t j, int rotation, float own) {
    const int16_t *spectrum = s->spectra + j * TERMS, *signs = s->signs[rotation];
    const int16_t *tangents = s->tangents + i * (TANGENTS - 1) * TERMS;
    Lanes parts[TANGENTS - 1] = {{0}};
    for (int part = 0; part < TERMS / 16; part++) { /* X and Y, a part each, may be swapped */
        Words other, sign, tangent;
        memcpy(&other, spectrum + 16 * (rotation & part >> 1 ? 5 - part : part), 32);
        memcpy(&sign, signs + 16 * part, 32);
        other *= sign;
        for (int t = 0; t < TANGENTS - 1; t++) {
            memcpy(&tangent, tangents + t * TERMS + 16 * part, 32);
            parts[t] += bc_dot2(tangent, other);
        }
    }
    int32_t shares[TANGENTS - 1];
    bc_sums(parts, shares);
    float sum = own * own;
    for (int t = 0; t < TANGENTS - 1; t++) {
        const float share = (float)shares[t] / ((float)ONE * ONE);
        sum += share * share;
    }
    return sum >= s->least_tangent_squared - SLACK_OF_SQUARES;
}

/* Test the tangent distance in both directions, then both stages in floats, and store the pair. */
INLINE void check_candidate(Search *s, int64_t i, int64_t j, int rotation, int32_t fixed_near) {
    const int back = INVERSE[rotation];
    const float about = (float)fixed_near / ((float)ONE * ONE);
    if (!may_pass(s, i, j, rotation, about) || !may_pass(s, j, i, back, about)) return;
    const float *basis_i = s->bases + i * TANGENTS * TERMS;
    const float *basis_j = s->bases + j * TANGENTS * TERMS;
    const float enough = s->least_tangent_squared;
    float room[TERMS];
    const float *other = rotated(s, j, rotation, room);
    const float near = dot(basis_i, other, TERMS);
    if (near < s->least || inside_squared(basis_i, other, near) < enough) return;
    if (inside_squared(basis_j, rotated(s, i, back, room), near) < enough) return;
    if (s->found < s->room) {
        s->i[s->found] = i;
        s->j[s->found] = j;
        s->rotation[s->found] = (int8_t)rotation;
    }
    s->found++;
}

/* Return those of some lanes of a block that hold an image of a higher index than i. */
INLINE uint32_t after(uint32_t lanes, int64_t i, int64_t start, int64_t n) {
    if (i >= start) lanes &= (uint32_t)((uint64_t)UINT32_MAX << (i - start + 1));
    return n - start < LANES ? lanes & ((1u << (n - start)) - 1) : lanes;
}

/* Return the position of an image in its block. */
INLINE const int16_t *lane_of(const Search *s, int64_t i) {
    return s->blocks + i / LANES * BLOCK + i % LANES * 2;
}

/* A block of second images stays in the first-level cache while the loop visits the rows. */
static void search_rotated(Search *s, int64_t first, int64_t last) {
    for (int64_t start = first / LANES * LANES; start < s->n; start += LANES)
        for (int64_t i = first; i < last && i < start + LANES - 1; i++) {
            Parts d;
            parts_of(lane_of(s, i), lane_of(s, start), &d);
            uint32_t lanes = after(some_rotation_reaches(&d, s->enough), i, start, s->n);
            for (; lanes; lanes &= lanes - 1) {
                const int lane = __builtin_ctz(lanes);
                Lanes near;
                uint32_t rotations = rotations_reaching(&d, lane, s->enough, &near);
                for (; rotations; rotations &= rotations - 1) {
                    const int rotation = __builtin_ctz(rotations);
                    check_candidate(s, i, start + lane, rotation, near[rotation]);
                }
            }
        }
}

static void search_unrotated(Search *s, int64_t first, int64_t last) {
    for (int64_t start = first / LANES * LANES; start < s->n; start += LANES)
        for (int64_t i = first; i < last && i < start + LANES - 1; i += 2) {
            const int64_t two = i + 1 < last ? i + 1 : i;
            Lanes near[2][LANES / 8];
            correlations_of_two(lane_of(s, i), lane_of(s, two), lane_of(s, start), near);
            for (int64_t row = i; row <= two; row++) {
                uint32_t lanes = 0;
                for (int l = 0; l < LANES / 8; l++)
                    lanes |= bc_reaching(near[row - i][l], s->enough) << 8 * l;
                lanes = after(lanes, row, start, s->n);
                for (; lanes; lanes &= lanes - 1) {
                    const int lane = __builtin_ctz(lanes);
                    check_candidate(s, row, start + lane, 0, near[row - i][lane / 8][lane % 8]);
                }
            }
        }
}

/* Find the pairs i < j with i in first..last-1 that pass both stages, and their rotations. `blocks`
 * holds the spectra again, LANES images side by side, two terms of each. Returns the number of
 * pairs; at most `room` of them are written. */
EXPORT int64_t bc_prefilter(const float *bases, const int16_t *spectra, const int16_t *tangents,
                            const int16_t *blocks, int64_t n, int64_t first, int64_t last,
                            int64_t rotations, float least, float least_tangent, int64_t *i,
                            int64_t *j, int8_t *rotation, int64_t room) {
    Search s = {.bases = bases, .spectra = spectra, .tangents = tangents, .blocks = blocks,
                .least = least, .least_tangent_squared = least_tangent * least_tangent,
                .enough = (int32_t)((least - SLACK) * ONE * ONE),
                .n = n, .i = i, .j = j, .room = room, .rotation = rotation};
    fill_signs(s.signs);
    for (int64_t from = first; from < last; from += ROWS) {
        const int64_t to = from + ROWS < last ? from + ROWS : last;
        (rotations > 1 ? search_rotated : search_unrotated)(&s, from, to);
    }
    return s.found;
}

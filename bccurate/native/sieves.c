/* Which small pictures show the same thing. First and second sieve: see
 * bccurate/curation/sieves.py, whose numpy form this is held to. */
#include <math.h>
#include <string.h>

#include "kernels.h"
#include "vectors.h"

/* ---- Spectra ------------------------------------------------------------------------------
 * An 8x8 picture as 63 cosine coefficients (and a zero), sorted by how a turn changes them:
 * A1 stays, B1 and A2 change sign where x and y swap, B2 and A2 where one axis flips, X where x
 * flips, Y where y flips, and a swap takes X to Y: the irreducible parts of the square's group. */
enum { A1 = 0, B1 = 9, B2 = 16, A2 = 26, X = 32, Y = 48, TERMS = 64, EACH = 16 };
enum { SIDE = 32, TANGENTS = 5, TURNS = 8, ROWS = 64, LANES = 32 };

#define ROUNDING 1e-5f /* more than another order of additions makes */

/* Turn k swaps the axes where k is odd, then flips y and x by these signs. */
static const float FLIP_Y[TURNS] = {1, -1, -1, 1, 1, 1, -1, -1};
static const float FLIP_X[TURNS] = {1, 1, -1, -1, -1, 1, 1, -1};
static const int8_t INVERSE[TURNS] = {0, 3, 2, 1, 4, 5, 6, 7};

INLINE void scale(float *a, int n, float by) {
    for (int k = 0; k < n; k++) a[k] *= by;
}

/* Length 1, or all zeros where it was none. */
INLINE void normalise(float *a, float least) {
    float length = sqrtf(dot(a, a, TERMS));
    scale(a, TERMS, length > least ? 1 / length : 0);
}

/* 4x4 block means of a picture and of its derivatives by shift, scale and rotation. */
INLINE void shrunk_tangents(const uint8_t *p, float out[TANGENTS][TERMS]) {
    const float centre = (SIDE - 1) / 2.0f;
    for (int top = 0; top < SIDE; top += 4) {
        float sum[TANGENTS][SIDE] = {{0}};
        for (int row = top; row < top + 4; row++) {
            const uint8_t *at = p + row * SIDE;
            const int above = row ? -SIDE : 0, below = row < SIDE - 1 ? SIDE : 0;
            const float slope = above && below ? 0.5f : 1, y = row - centre;
            float dx[SIDE];
            ROW_SLOPES(dx, at, SIDE);
            for (int c = 0; c < SIDE; c++) {
                const float dy = (at[c + below] - at[c + above]) * slope, x = c - centre;
                sum[0][c] += at[c];
                sum[1][c] += dx[c];
                sum[2][c] += dy;
                sum[3][c] += x * dx[c] + y * dy;
                sum[4][c] += y * dx[c] - x * dy;
            }
        }
        for (int k = 0; k < TANGENTS; k++)
            for (int c = 0; c < 8; c++) {
                const float *s = sum[k] + 4 * c;
                out[k][top * 2 + c] = (s[0] + s[1] + s[2] + s[3]) / 16;
            }
    }
}

/* Spectrum (64) and orthonormal tangent basis (5, 64) of the pictures first to last - 1. */
EXPORT int64_t bc_describe(const uint8_t *thumbs, int64_t first, int64_t last,
                                   const float *cosines, float *spectra, float *bases) {
    for (int64_t i = first; i < last; i++) {
        float pictures[TANGENTS][TERMS];
        float *basis = bases + i * TANGENTS * TERMS;
        shrunk_tangents(thumbs + i * SIDE * SIDE, pictures);
        for (int t = 0; t < TANGENTS; t++) {
            float *row = basis + t * TERMS;
            float sum[TERMS] = {0};
            for (int p = 0; p < TERMS; p++)
                for (int k = 0; k < TERMS; k++) sum[k] += pictures[t][p] * cosines[p * TERMS + k];
            memcpy(row, sum, sizeof sum);
            normalise(row, 1e-3f);
            for (int s = 0; s < t; s++) {
                const float share = dot(row, basis + s * TERMS, TERMS);
                for (int k = 0; k < TERMS; k++) row[k] -= share * basis[s * TERMS + k];
            }
            normalise(row, 1e-3f);
        }
        memcpy(spectra + i * TERMS, basis, TERMS * sizeof(float));
    }
    return last - first;
}

/* What each turn multiplies a spectrum by, before X and Y change places where it is odd. */
INLINE void fill_signs(float signs[TURNS][TERMS]) {
    for (int turn = 0; turn < TURNS; turn++) {
        const float fx = FLIP_X[turn], fy = FLIP_Y[turn], swap = turn & 1 ? -1 : 1;
        for (int k = 0; k < TERMS; k++)
            signs[turn][k] = k < B1   ? 1
                             : k < B2 ? swap
                             : k < A2 ? fx * fy
                             : k < X  ? swap * fx * fy
                             : k < Y  ? fx
                                      : fy;
    }
}

/* The spectrum of the turned picture. */
INLINE void turn_spectrum(const float *in, const float *signs, int turn, float *out) {
    const float *x = in + (turn & 1 ? Y : X), *y = in + (turn & 1 ? X : Y);
    for (int k = 0; k < X; k++) out[k] = signs[k] * in[k];
    for (int k = 0; k < EACH; k++) out[X + k] = signs[X + k] * x[k];
    for (int k = 0; k < EACH; k++) out[Y + k] = signs[Y + k] * y[k];
}

/* The square of the share of a spectrum in a tangent space. */
INLINE float inside_squared(const float *basis, const float *spectrum) {
    float sum = 0;
    for (int t = 0; t < TANGENTS; t++) {
        const float share = dot(basis + t * TERMS, spectrum, TERMS);
        sum += share * share;
    }
    return sum;
}

/* What the correlations of a pair are made of, for LANES second pictures side by side; [1] is for
 * the turns that swap the axes. */
typedef struct {
    float still[2][LANES], both[2][LANES], x[2][LANES], y[2][LANES];
} Parts;

/* Unrolled by hand and no further: the sums stay in registers. */
#define ONCE _Pragma("GCC unroll 1")

INLINE void part(const float *a, const float *b, int from, int to, float *out) {
    v8 sum[LANES / 8] = {{0}};
    ONCE for (int k = from; k < to; k++)
        for (int l = 0; l < LANES / 8; l++)
            sum[l] = fused(a[k] - (v8){0}, loaded(b + k * LANES + 8 * l), sum[l]);
    memcpy(out, sum, sizeof sum);
}

/* The correlations of two pictures, not turned, with LANES others: eight sums under way, as many as
 * hide how long one addition takes. */
INLINE void correlations_of_two(const float *one, const float *two, const float *b,
                                float out[2][LANES]) {
    v8 sum[2][LANES / 8] = {{{0}}};
    ONCE for (int k = 0; k < TERMS; k++) {
        const v8 x = one[k] - (v8){0}, y = two[k] - (v8){0};
        for (int l = 0; l < LANES / 8; l++) {
            const v8 other = loaded(b + k * LANES + 8 * l);
            sum[0][l] = fused(x, other, sum[0][l]);
            sum[1][l] = fused(y, other, sum[1][l]);
        }
    }
    memcpy(out, sum, sizeof sum);
}

INLINE void part_xy(const float *a, const float *b, float *with_x, float *with_y) {
    v8 x[LANES / 8] = {{0}}, y[LANES / 8] = {{0}};
    ONCE for (int k = 0; k < EACH; k++)
        for (int l = 0; l < LANES / 8; l++) {
            const v8 one = loaded(b + k * LANES + 8 * l);
            x[l] = fused(a[X + k] - (v8){0}, one, x[l]);
            y[l] = fused(a[Y + k] - (v8){0}, one, y[l]);
        }
    memcpy(with_x, x, sizeof x);
    memcpy(with_y, y, sizeof y);
}

/* The sum of two parts to one[0], their difference to one[1]. */
INLINE void butterfly(float one[2][LANES]) {
    for (int l = 0; l < LANES; l++) {
        const float sum = one[0][l] + one[1][l];
        one[1][l] = one[0][l] - one[1][l];
        one[0][l] = sum;
    }
}

INLINE void parts_of(const float *a, const float *b, Parts *d) {
    part(a, b, A1, B1, d->still[0]);
    part(a, b, B1, B2, d->still[1]);
    part(a, b, B2, A2, d->both[0]);
    part(a, b, A2, X, d->both[1]);
    butterfly(d->still);
    butterfly(d->both);
    part_xy(a, b + X * LANES, d->x[0], d->y[1]);
    part_xy(a, b + Y * LANES, d->x[1], d->y[0]);
}

/* A number of each parity of swaps, as the eight turns take them. */
INLINE v8 by_swap(const float of[2][LANES], int lane) {
    const float even = of[0][lane], odd = of[1][lane];
    return (v8){even, odd, even, odd, even, odd, even, odd};
}

/* The turns, as bits, in which the correlation with one lane reaches `least`. */
INLINE uint32_t turns_reaching(const Parts *d, int lane, float least) {
    const v8 fx = AT(FLIP_X), fy = AT(FLIP_Y);
    const v8 near = by_swap(d->still, lane) + fx * fy * by_swap(d->both, lane) +
                    (fx * by_swap(d->x, lane) + fy * by_swap(d->y, lane));
    uint32_t turns = 0;
    for (int turn = 0; turn < TURNS; turn++) turns |= (uint32_t)(near[turn] >= least) << turn;
    return turns;
}

/* The lanes, as bits, whose best of the eight turns may reach `least`: over the signs of two flips
 * the largest s + fx fy b + fx x + fy y is s + max(b + |x + y|, |x - y| - b). */
INLINE uint32_t some_turn_may_reach(const Parts *d, float least) {
    const float enough = least - ROUNDING;
    uint32_t lanes = 0;
    for (int swap = 0; swap < 2; swap++)
        for (int l = 0; l < LANES; l++) {
            const float both = d->both[swap][l], x = d->x[swap][l], y = d->y[swap][l];
            const float alike = both + fabsf(x + y), unlike = fabsf(x - y) - both;
            const float best = d->still[swap][l] + (alike > unlike ? alike : unlike);
            lanes |= (uint32_t)(best >= enough) << l;
        }
    return lanes;
}

typedef struct {
    const float *spectra, *bases, *blocks;
    float signs[TURNS][TERMS];
    float least, least_tangent_squared;
    int64_t n, *i, *j, room, found;
    int8_t *turn;
} Search;

/* The second sieve, in both directions. */
INLINE void sift(Search *s, int64_t i, int64_t j, int turn) {
    const float enough = s->least_tangent_squared;
    const int back = INVERSE[turn];
    float other[TERMS];
    turn_spectrum(s->spectra + j * TERMS, s->signs[turn], turn, other);
    if (inside_squared(s->bases + i * TANGENTS * TERMS, other) < enough) return;
    turn_spectrum(s->spectra + i * TERMS, s->signs[back], back, other);
    if (inside_squared(s->bases + j * TANGENTS * TERMS, other) < enough) return;
    if (s->found < s->room) {
        s->i[s->found] = i;
        s->j[s->found] = j;
        s->turn[s->found] = (int8_t)turn;
    }
    s->found++;
}

/* The lanes, as bits, that reach `least`. */
INLINE uint32_t reaching(const float near[LANES], float least) {
    uint32_t lanes = 0;
    for (int l = 0; l < LANES; l++) lanes |= (uint32_t)(near[l] >= least) << l;
    return lanes;
}

/* Of some lanes of a block those that hold a picture of a higher index than i. */
INLINE uint32_t after(uint32_t lanes, int64_t i, int64_t start, int64_t n) {
    if (i >= start) lanes &= (uint32_t)((uint64_t)UINT32_MAX << (i - start + 1));
    return n - start < LANES ? lanes & ((1u << (n - start)) - 1) : lanes;
}

/* A block of second pictures stays in the innermost cache while the rows go by. */
static void search_turned(Search *s, int64_t first, int64_t last) {
    for (int64_t start = first / LANES * LANES; start < s->n; start += LANES)
        for (int64_t i = first; i < last && i < start + LANES - 1; i++) {
            Parts d;
            parts_of(s->spectra + i * TERMS, s->blocks + start * TERMS, &d);
            uint32_t lanes = after(some_turn_may_reach(&d, s->least), i, start, s->n);
            for (; lanes; lanes &= lanes - 1) {
                const int lane = __builtin_ctz(lanes);
                uint32_t turns = turns_reaching(&d, lane, s->least);
                for (; turns; turns &= turns - 1)
                    sift(s, i, start + lane, __builtin_ctz(turns));
            }
        }
}

static void search_still(Search *s, int64_t first, int64_t last) {
    for (int64_t start = first / LANES * LANES; start < s->n; start += LANES)
        for (int64_t i = first; i < last && i < start + LANES - 1; i += 2) {
            const int64_t two = i + 1 < last ? i + 1 : i;
            float near[2][LANES];
            correlations_of_two(s->spectra + i * TERMS, s->spectra + two * TERMS,
                                s->blocks + start * TERMS, near);
            for (int64_t row = i; row <= two; row++) {
                uint32_t lanes = after(reaching(near[row - i], s->least), row, start, s->n);
                for (; lanes; lanes &= lanes - 1) sift(s, row, start + __builtin_ctz(lanes), 0);
            }
        }
}

/* Pairs i < j with i in first..last-1 that pass the sieves, and in which turn. `blocks` holds the
 * spectra again, LANES pictures side by side. Returns how many there are; `room` of them at most
 * are written. */
EXPORT int64_t bc_sift(const float *spectra, const float *bases, const float *blocks,
                               int64_t n, int64_t first, int64_t last, int64_t turns, float least,
                               float least_tangent, int64_t *i, int64_t *j, int8_t *turn,
                               int64_t room) {
    Search s = {spectra, bases, blocks, {{0}}, least, least_tangent * least_tangent,
                n, i, j, room, 0, turn};
    fill_signs(s.signs);
    for (int64_t from = first; from < last; from += ROWS) {
        const int64_t to = from + ROWS < last ? from + ROWS : last;
        (turns > 1 ? search_turned : search_still)(&s, from, to);
    }
    return s.found;
}

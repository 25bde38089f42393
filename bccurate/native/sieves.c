/* Which small pictures show the same thing. First and second sieve: see
 * bccurate/duplicates/prefilter.py, whose numpy form this is held to. */
#include <math.h>
#include <string.h>

#include "bytes.h"
#include "kernels.h"
#include "vectors.h"

/* ---- Spectra ------------------------------------------------------------------------------
 * An 8x8 picture as 63 cosine coefficients (and a zero), sorted by how a turn changes them:
 * A1 stays, B1 and A2 change sign where x and y swap, B2 and A2 where one axis flips, X where x
 * flips, Y where y flips, and a swap takes X to Y: the irreducible parts of the square's group. */
enum { A1 = 0, B1 = 10, B2 = 16, A2 = 26, X = 32, Y = 48, TERMS = 64, EACH = 16 };
enum { SIDE = 32, TANGENTS = 5, TURNS = 8, ROWS = 64, LANES = 32, BLOCK = TERMS * LANES };

/* Both sieves sum whole numbers first, 1 being 16384. What that rounds away from 64 products of two
 * spectra of length 1 is less than SLACK, and from the squares of five such sums, which together
 * are at most 1, less than SLACK_OF_SQUARES. Pairs that are left are looked at exactly. */
#define ONE 16384
#define SLACK 5e-4f
#define SLACK_OF_SQUARES 2.5e-3f

/* Turn k swaps the axes where k is odd, then flips y and x by these signs. */
static const int32_t FLIP_Y[TURNS] = {1, -1, -1, 1, 1, 1, -1, -1};
static const int32_t FLIP_X[TURNS] = {1, 1, -1, -1, -1, 1, 1, -1};
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

/* To the nearest: what is added first makes all positive. */
INLINE int16_t whole(float v) { return (int16_t)((int32_t)(v * ONE + ONE + 0.5f) - ONE); }

/* Orthonormal tangent bases (5, 64) of the pictures first to last - 1, and the same in whole numbers: first
 * rows, which are the spectra, and the other four. */
EXPORT int64_t bc_describe_whole(const uint8_t *thumbs, int64_t first, int64_t last,
                                 const float *cosines, float *bases, int16_t *spectra,
                                 int16_t *tangents) {
    for (int64_t i = first; i < last; i++) {
        float pictures[TANGENTS][TERMS];
        float *basis = bases + i * TANGENTS * TERMS;
        shrunk_tangents(thumbs + i * SIDE * SIDE, pictures);
        for (int t = 0; t < TANGENTS; t++) {
            float *row = basis + t * TERMS;
            v8 sum[TERMS / 8] = {{0}};
            for (int p = 0; p < TERMS; p++)
                for (int k = 0; k < TERMS / 8; k++)
                    sum[k] = fused(pictures[t][p] - (v8){0}, AT(cosines + p * TERMS + 8 * k), sum[k]);
            memcpy(row, sum, sizeof sum);
            normalise(row, 1e-3f);
            for (int s = 0; s < t; s++) {
                const float share = dot(row, basis + s * TERMS, TERMS);
                for (int k = 0; k < TERMS; k++) row[k] -= share * basis[s * TERMS + k];
            }
            normalise(row, 1e-3f);
        }
        for (int k = 0; k < TERMS; k++) spectra[i * TERMS + k] = whole(basis[k]);
        for (int k = 0; k < (TANGENTS - 1) * TERMS; k++)
            tangents[i * (TANGENTS - 1) * TERMS + k] = whole(basis[TERMS + k]);
    }
    return last - first;
}

/* What each turn multiplies a spectrum by, before X and Y change places where it is odd. */
INLINE void fill_signs(int16_t signs[TURNS][TERMS]) {
    for (int turn = 0; turn < TURNS; turn++) {
        const int fx = FLIP_X[turn], fy = FLIP_Y[turn], swap = turn & 1 ? -1 : 1;
        for (int k = 0; k < TERMS; k++)
            signs[turn][k] = (int16_t)(k < B1   ? 1
                                       : k < B2 ? swap
                                       : k < A2 ? fx * fy
                                       : k < X  ? swap * fx * fy
                                       : k < Y  ? fx
                                                : fy);
    }
}

/* The spectrum of the turned picture. */
INLINE void turn_spectrum(const float *in, const int16_t *signs, int turn, float *out) {
    const float *x = in + (turn & 1 ? Y : X), *y = in + (turn & 1 ? X : Y);
    for (int k = 0; k < X; k++) out[k] = signs[k] * in[k];
    for (int k = 0; k < EACH; k++) out[X + k] = signs[X + k] * x[k];
    for (int k = 0; k < EACH; k++) out[Y + k] = signs[Y + k] * y[k];
}

/* The square of the share of a spectrum in a tangent space, whose first direction has `own` of it. */
INLINE float inside_squared(const float *basis, const float *spectrum, float own) {
    v8 share[TANGENTS - 1] = {{0}};
    for (int k = 0; k < TERMS; k += 8)
        for (int t = 1; t < TANGENTS; t++)
            share[t - 1] = fused(AT(basis + t * TERMS + k), AT(spectrum + k), share[t - 1]);
    float sum = own * own;
    for (int t = 1; t < TANGENTS; t++) sum += sum8(share[t - 1]) * sum8(share[t - 1]);
    return sum;
}

/* What the correlations of a pair are made of, for LANES second pictures side by side; [1] is for
 * the turns that swap the axes. */
typedef struct {
    Lanes still[2][LANES / 8], both[2][LANES / 8], x[2][LANES / 8], y[2][LANES / 8];
} Parts;

/* Unrolled by hand and no further: the sums stay in registers. */
#define ONCE _Pragma("GCC unroll 1")

/* Terms k and k + 1 of one picture of a block, and of eight. */
INLINE Words two_terms(const int16_t *picture, int k) {
    int32_t both;
    memcpy(&both, picture + k * LANES, 4);
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

/* The correlations of two pictures, not turned, with LANES others: eight sums under way, as many as
 * hide how long one addition takes. */
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

/* The sum of two parts to one[0], their difference to one[1]. */
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

/* The correlation with one lane in each turn, and the turns, as bits, in which it reaches `enough`. */
INLINE uint32_t turns_reaching(const Parts *d, int lane, int32_t enough, Lanes *near) {
    const int l = lane / 8, i = lane % 8;
    const Lanes even = {-1, 0, -1, 0, -1, 0, -1, 0};
    Lanes fx, fy;
    memcpy(&fx, FLIP_X, sizeof fx);
    memcpy(&fy, FLIP_Y, sizeof fy);
#define BY_SWAP(of) ((of[0][l][i] & even) | (of[1][l][i] & ~even))
    *near = BY_SWAP(d->still) + fx * fy * BY_SWAP(d->both) + fx * BY_SWAP(d->x) + fy * BY_SWAP(d->y);
#undef BY_SWAP
    return bc_reaching(*near, enough);
}

/* The lanes, as bits, whose best of the eight turns reaches `enough`: over the signs of two flips
 * the largest s + fx fy b + fx x + fy y is s + max(b + |x + y|, |x - y| - b). */
INLINE uint32_t some_turn_reaches(const Parts *d, int32_t enough) {
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
    const int16_t *spectra, *tangents, *blocks; /* whole numbers */
    int16_t signs[TURNS][TERMS];
    float least, least_tangent_squared;
    int32_t enough; /* least, less SLACK, in whole numbers */
    int64_t n, *i, *j, room, found;
    int8_t *turn;
} Search;

/* The spectrum of picture i in a turn, where it stands or in `room`. */
INLINE const float *turned(const Search *s, int64_t i, int turn, float room[TERMS]) {
    const float *spectrum = s->bases + i * TANGENTS * TERMS;
    if (!turn) return spectrum;
    turn_spectrum(spectrum, s->signs[turn], turn, room);
    return room;
}

/* Whether picture j in a turn may have its share in the tangent space of picture i, whose first direction
 * has `own` of it; all in whole numbers. */
INLINE int may_be_inside(const Search *s, int64_t i, int64_t j, int turn, float own) {
    const int16_t *spectrum = s->spectra + j * TERMS, *signs = s->signs[turn];
    const int16_t *tangents = s->tangents + i * (TANGENTS - 1) * TERMS;
    Lanes parts[TANGENTS - 1] = {{0}};
    for (int part = 0; part < TERMS / 16; part++) { /* X and Y are a part each, and may be swapped */
        Words other, sign, tangent;
        memcpy(&other, spectrum + 16 * (turn & part >> 1 ? 5 - part : part), 32);
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

/* The second sieve in both directions, and then both sieves exactly. */
INLINE void sift(Search *s, int64_t i, int64_t j, int turn, int32_t whole_near) {
    const int back = INVERSE[turn];
    const float about = (float)whole_near / ((float)ONE * ONE);
    if (!may_be_inside(s, i, j, turn, about) || !may_be_inside(s, j, i, back, about)) return;
    const float *basis_i = s->bases + i * TANGENTS * TERMS;
    const float *basis_j = s->bases + j * TANGENTS * TERMS;
    const float enough = s->least_tangent_squared;
    float room[TERMS];
    const float *other = turned(s, j, turn, room);
    const float near = dot(basis_i, other, TERMS);
    if (near < s->least || inside_squared(basis_i, other, near) < enough) return;
    if (inside_squared(basis_j, turned(s, i, back, room), near) < enough) return;
    if (s->found < s->room) {
        s->i[s->found] = i;
        s->j[s->found] = j;
        s->turn[s->found] = (int8_t)turn;
    }
    s->found++;
}

/* Of some lanes of a block those that hold a picture of a higher index than i. */
INLINE uint32_t after(uint32_t lanes, int64_t i, int64_t start, int64_t n) {
    if (i >= start) lanes &= (uint32_t)((uint64_t)UINT32_MAX << (i - start + 1));
    return n - start < LANES ? lanes & ((1u << (n - start)) - 1) : lanes;
}

/* Where a picture stands in its block. */
INLINE const int16_t *lane_of(const Search *s, int64_t i) {
    return s->blocks + i / LANES * BLOCK + i % LANES * 2;
}

/* A block of second pictures stays in the innermost cache while the rows go by. */
static void search_turned(Search *s, int64_t first, int64_t last) {
    for (int64_t start = first / LANES * LANES; start < s->n; start += LANES)
        for (int64_t i = first; i < last && i < start + LANES - 1; i++) {
            Parts d;
            parts_of(lane_of(s, i), lane_of(s, start), &d);
            uint32_t lanes = after(some_turn_reaches(&d, s->enough), i, start, s->n);
            for (; lanes; lanes &= lanes - 1) {
                const int lane = __builtin_ctz(lanes);
                Lanes near;
                uint32_t turns = turns_reaching(&d, lane, s->enough, &near);
                for (; turns; turns &= turns - 1) {
                    const int turn = __builtin_ctz(turns);
                    sift(s, i, start + lane, turn, near[turn]);
                }
            }
        }
}

static void search_still(Search *s, int64_t first, int64_t last) {
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
                    sift(s, row, start + lane, 0, near[row - i][lane / 8][lane % 8]);
                }
            }
        }
}

/* Pairs i < j with i in first..last-1 that pass the sieves, and in which turn. `blocks` holds the
 * spectra again, LANES pictures side by side, two terms of each. Returns how many
 * there are; `room` of them at most are written. */
EXPORT int64_t bc_search_whole(const float *bases, const int16_t *spectra,
                               const int16_t *tangents, const int16_t *blocks,
                               int64_t n, int64_t first, int64_t last, int64_t turns, float least,
                               float least_tangent, int64_t *i, int64_t *j, int8_t *turn,
                               int64_t room) {
    Search s = {.bases = bases, .spectra = spectra, .tangents = tangents, .blocks = blocks,
                .least = least, .least_tangent_squared = least_tangent * least_tangent,
                .enough = (int32_t)((least - SLACK) * ONE * ONE),
                .n = n, .i = i, .j = j, .room = room, .turn = turn};
    fill_signs(s.signs);
    for (int64_t from = first; from < last; from += ROWS) {
        const int64_t to = from + ROWS < last ? from + ROWS : last;
        (turns > 1 ? search_turned : search_still)(&s, from, to);
    }
    return s.found;
}

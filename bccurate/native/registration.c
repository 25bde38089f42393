/* Gauss-Newton registration of 32x32 images. See bccurate/duplicates/registration.py, whose numpy
 * form is the reference for this one. */
#include <math.h>
#include <string.h>

#include "kernels.h"
#include "vectors.h"

enum { SIDE = 32, PIXELS = SIDE * SIDE, MOVES = 4, UNKNOWNS = 6, STEPS = 4, ROTATIONS = 8 };
static const int8_t INVERSE[ROTATIONS] = {0, 3, 2, 1, 4, 5, 6, 7};
static const float MAX_SHIFT = 0.125f, MAX_SCALE = 0.15f, CLOSE = 0.97f;

/* The state of one pair; the last row of `slopes` is the target. */
typedef struct {
    float fixed[PIXELS], moving[PIXELS], warped[PIXELS], inside[PIXELS];
    float slopes[UNKNOWNS + 1][PIXELS];
    float move[MOVES]; /* shift x, shift y, log scale, angle */
} Work;

INLINE float total(const float *a) {
    v8 sum = {0};
    for (int k = 0; k < PIXELS; k += 8) sum += AT(a + k);
    return sum8(sum);
}

/* Load a rotated image with mean 0 and deviation 1; a flat one becomes all zeros.
 * `layout`: the offset of the rotated image's first pixel, and its steps down and right. */
INLINE void load(const uint8_t *thumb, const int64_t *layout, float *out) {
    for (int r = 0; r < SIDE; r++)
        for (int c = 0; c < SIDE; c++)
            out[r * SIDE + c] = thumb[layout[0] + r * layout[1] + c * layout[2]];
    const float mean = total(out) / PIXELS;
    for (int k = 0; k < PIXELS; k++) out[k] -= mean;
    const float deviation = sqrtf(dot(out, out, PIXELS) / PIXELS);
    const float by = deviation > 1e-3f ? 1 / deviation : 0;
    for (int k = 0; k < PIXELS; k++) out[k] *= by;
}

/* Return the normalised correlation of fixed and warped over the pixels inside. */
INLINE float correlation(const Work *w) {
    const float count = total(w->inside), pixels = count > 1 ? count : 1;
    const float a0 = dot(w->fixed, w->inside, PIXELS) / pixels;
    const float b0 = dot(w->warped, w->inside, PIXELS) / pixels;
    v8 aa = {0}, bb = {0}, ab = {0};
    for (int k = 0; k < PIXELS; k += 8) {
        const v8 in = AT(w->inside + k);
        const v8 a = (AT(w->fixed + k) - a0) * in, b = (AT(w->warped + k) - b0) * in;
        aa = fused(a, a, aa);
        bb = fused(b, b, bb);
        ab = fused(a, b, ab);
    }
    const float norm = sqrtf(sum8(aa) * sum8(bb));
    return norm > 1e-3f ? sum8(ab) / norm : 0;
}

/* Sample the moving image bilinearly where `move` puts each pixel, and mark the samples inside it.
 * The comparisons keep every index inside the image, also for NaN. */
INLINE void warp(Work *w) {
    const float centre = (SIDE - 1) / 2.0f, last = SIDE - 1;
    const float *m = w->move;
    for (int r = 0; r < SIDE; r++) {
        float right[SIDE], down[SIDE];
        int32_t start[SIDE];
        const float y = r - centre;
        for (int c = 0; c < SIDE; c++) {
            const float x = c - centre;
            const float column = x + m[0] + m[2] * x + m[3] * y + centre;
            const float row = y + m[1] + m[2] * y - m[3] * x + centre;
            float u = column > 0 ? column : 0, v = row > 0 ? row : 0;
            u = u < last ? u : last;
            v = v < last ? v : last;
            int32_t left = (int32_t)u, top = (int32_t)v;
            left = left < SIDE - 2 ? left : SIDE - 2;
            top = top < SIDE - 2 ? top : SIDE - 2;
            right[c] = u - (float)left;
            down[c] = v - (float)top;
            start[c] = top * SIDE + left;
            /* Clipping changes the position exactly where it is outside. */
            w->inside[r * SIDE + c] = (u == column) & (v == row) ? 1.0f : 0.0f;
        }
        for (int c = 0; c < SIDE; c++) {
            const float *at = w->moving + start[c];
            const float upper = at[0] * (1 - right[c]) + at[1] * right[c];
            const float lower = at[SIDE] * (1 - right[c]) + at[SIDE + 1] * right[c];
            w->warped[r * SIDE + c] = upper * (1 - down[c]) + lower * down[c];
        }
    }
}

/* Write the derivatives of the warped image by each move, gain and offset, and the target. */
INLINE void slopes(Work *w) {
    const float centre = (SIDE - 1) / 2.0f;
    for (int r = 0; r < SIDE; r++) {
        const float *at = w->warped + r * SIDE;
        const int above = r ? -SIDE : 0, below = r < SIDE - 1 ? SIDE : 0;
        const float slope = above && below ? 0.5f : 1, y = r - centre;
        float dx[SIDE];
        ROW_SLOPES(dx, at, SIDE);
        for (int c = 0; c < SIDE; c++) {
            const int k = r * SIDE + c;
            const float in = w->inside[k], x = c - centre;
            const float gx = dx[c] * in, gy = (at[c + below] - at[c + above]) * slope * in;
            w->slopes[0][k] = gx;
            w->slopes[1][k] = gy;
            w->slopes[2][k] = x * gx + y * gy;
            w->slopes[3][k] = y * gx - x * gy;
            w->slopes[4][k] = at[c] * in;
            w->slopes[5][k] = in;
            w->slopes[6][k] = w->fixed[k] * in;
        }
    }
}

/* Solve a symmetric system, positive definite because of its ridge, by elimination. */
INLINE void solve(double a[UNKNOWNS][UNKNOWNS + 1]) {
    for (int p = 0; p < UNKNOWNS; p++)
        for (int r = p + 1; r < UNKNOWNS; r++) {
            const double share = a[r][p] / a[p][p];
            for (int c = p; c <= UNKNOWNS; c++) a[r][c] -= share * a[p][c];
        }
    for (int p = UNKNOWNS - 1; p >= 0; p--) {
        for (int c = p + 1; c < UNKNOWNS; c++) a[p][UNKNOWNS] -= a[p][c] * a[c][UNKNOWNS];
        a[p][UNKNOWNS] /= a[p][p];
    }
}

/* Write row p of the normal equations from the diagonal on, and mirror it. */
INLINE void products(const Work *w, int p, double system[UNKNOWNS][UNKNOWNS + 1]) {
    v8 sum[UNKNOWNS + 1] = {{0}};
    for (int k = 0; k < PIXELS; k += 8) {
        const v8 own = AT(w->slopes[p] + k);
        for (int q = p; q <= UNKNOWNS; q++) sum[q] = fused(own, AT(w->slopes[q] + k), sum[q]);
    }
    for (int q = p; q <= UNKNOWNS; q++) system[p][q] = sum8(sum[q]) + (p == q ? 1e-3 : 0);
    for (int q = p + 1; q < UNKNOWNS; q++) system[q][p] = system[p][q];
}

INLINE float clipped(float value, float most) {
    return value > most ? most : value < -most ? -most : value;
}

/* Do one Gauss-Newton step of the four moves. Returns whether they are within bounds. */
INLINE int step(Work *w) {
    double system[UNKNOWNS][UNKNOWNS + 1];
    slopes(w);
    products(w, 0, system);
    products(w, 1, system);
    products(w, 2, system);
    products(w, 3, system);
    products(w, 4, system);
    products(w, 5, system);
    solve(system);
    const float gain = (float)system[4][UNKNOWNS];
    const float by = fabsf(gain) > 1e-3f ? gain : 1;
    int allowed = 1;
    for (int k = 0; k < MOVES; k++) {
        const float most = k < 2 ? MAX_SHIFT * SIDE : MAX_SCALE;
        w->move[k] += clipped((float)system[k][UNKNOWNS] / by, most);
        w->move[k] = clipped(w->move[k], 1.5f * most);
        allowed &= fabsf(w->move[k]) <= most;
    }
    return allowed;
}

/* Register the moving image on the fixed one; returns the best correlation reached. */
INLINE float align(Work *w, float least) {
    memcpy(w->warped, w->moving, sizeof w->warped);
    for (int k = 0; k < PIXELS; k++) w->inside[k] = 1;
    memset(w->move, 0, sizeof w->move);
    float best = correlation(w);
    for (int k = 0; k < STEPS; k++) {
        const int allowed = step(w);
        warp(w);
        const float reached = allowed ? correlation(w) : -1;
        best = reached > best ? reached : best;
        if (k && best < least) break;
    }
    return best;
}

/* Write the similarity of `count` pairs of (32, 32) images, the second one rotated. The image whose
 * bytes come first is the fixed one; where the two are close, the other one is tried as well and
 * the better result counts. So (i, j) and (j, i) have the same similarity. */
EXPORT int64_t bc_register(const uint8_t *thumbs, const int64_t *i, const int64_t *j,
                           const int8_t *rotation, int64_t count, const int64_t *layouts,
                           float least, float *similarity) {
    Work w;
    for (int64_t k = 0; k < count; k++) {
        const uint8_t *a = thumbs + i[k] * PIXELS, *b = thumbs + j[k] * PIXELS;
        const int back = memcmp(a, b, PIXELS) > 0;
        const int own = back ? INVERSE[rotation[k]] : rotation[k];
        load(back ? b : a, layouts, w.fixed);
        load(back ? a : b, layouts + 3 * own, w.moving);
        similarity[k] = align(&w, least);
        if (similarity[k] < CLOSE) continue;
        memcpy(w.warped, w.fixed, sizeof w.fixed);
        memcpy(w.fixed, w.moving, sizeof w.fixed);
        memcpy(w.moving, w.warped, sizeof w.fixed);
        const float other = align(&w, least);
        similarity[k] = other > similarity[k] ? other : similarity[k];
    }
    return count;
}

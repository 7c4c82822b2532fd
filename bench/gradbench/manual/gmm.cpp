// Points lie in the lanes, four vectors at a time, and a component's matrix Q meets all of them before the next one does.
// With u = x - mu_k, y = Q_k u, beta_k = alpha_k + sum q_k - |y|²/2 and w = softmax_k(beta), the points add to the gradient
//     dalpha_k += Σ w        dQ_k -= Σ w y uᵀ = Q_k Σ w u uᵀ        dmu_k += Σ w Q_kᵀ y = Q_kᵀ Q_k Σ w u
// so after the softmax a component needs only its weighted moments Σ w, Σ w u and Σ w u uᵀ, of which the lower half is
// enough; what is left is a product of two d × d matrices for a component. No y is kept or computed again.
//
// Limited by multiply-adds, d²/2 of them for a point and component forward and as many for the gradient; at d=2 by exponentials.
// Measured, value and gradient: 6 and 9 µs at d=2, k=5; 160 and 525 µs at d=20, k=25; 4.6 and 12.7 ms at d=64, k=100, where the
// value runs at 90 GFlop/s, next to the peak of the core.
#include "../../harness.hpp"
#include "lanes.hpp"

constexpr long VECTORS = 4, BLOCK = VECTORS * W, ROWS = 4;
constexpr long WIDE = 32;  // coordinates from which on they, and not points, lie in the lanes of the second moments

struct Problem {
    const double *alpha, *mu, *q, *l, *x;
    long n, d, k, m;
    double gamma;

    long blocks() const { return (n + BLOCK - 1) / BLOCK; }
    long below() const { return d * (d - 1) / 2; }
};

struct Scratch {
    Kept<V> x, u, beta, moment, first, zeroth;
    Kept<double> diagonal, factor, second, line, z;
};

static Scratch scratch;

// Points in blocks with coordinates outermost; beyond the last point it is repeated.
static const V* transposed(const Problem& p) {
    V* out = scratch.x.fit(p.blocks() * p.d * VECTORS);
    for (long i = 0; i < p.blocks() * BLOCK; ++i) {
        const double* x = p.x + (i < p.n ? i : p.n - 1) * p.d;
        double* to = reinterpret_cast<double*>(out + i / BLOCK * p.d * VECTORS) + i % BLOCK;
        for (long c = 0; c < p.d; ++c) to[c * BLOCK] = x[c];
    }
    return out;
}

static void centre(const V* x, const double* mu, long d, V* u) {
    for (long c = 0; c < d; ++c)
        for (long v = 0; v < VECTORS; ++v) u[c * VECTORS + v] = x[c * VECTORS + v] - mu[c];
}

// COUNT rows of |Q u|², from row r on; `l` holds the columns below the diagonal, one after the other.
template <long COUNT>
static void rows(const V* u, const double* diagonal, const double* l, long r, long d, V* distance) {
    V y[COUNT][VECTORS];
    for (long a = 0; a < COUNT; ++a)
        for (long v = 0; v < VECTORS; ++v) y[a][v] = diagonal[r + a] * u[(r + a) * VECTORS + v];
    const double* column = l + r - 1;  // column[a] is at row r + a of column c
    for (long c = 0; c < r; ++c) {
        for (long a = 0; a < COUNT; ++a)
            for (long v = 0; v < VECTORS; ++v) y[a][v] += column[a] * u[c * VECTORS + v];
        column += d - 2 - c;
    }
    for (long b = 0; b + 1 < COUNT; ++b) {  // the triangle at the diagonal
        for (long a = b + 1; a < COUNT; ++a)
            for (long v = 0; v < VECTORS; ++v) y[a][v] += column[a] * u[(r + b) * VECTORS + v];
        column += d - 2 - (r + b);
    }
    for (long a = 0; a < COUNT; ++a)
        for (long v = 0; v < VECTORS; ++v) distance[v] += y[a][v] * y[a][v];
}

static void squared_distances(const V* u, const double* diagonal, const double* l, long d, V* distance) {
    for (long v = 0; v < VECTORS; ++v) distance[v] = V{};
    long r = 0;
    for (; r + ROWS <= d; r += ROWS) rows<ROWS>(u, diagonal, l, r, d, distance);
    if (d - r == 1) rows<1>(u, diagonal, l, r, d, distance);
    if (d - r == 2) rows<2>(u, diagonal, l, r, d, distance);
    if (d - r == 3) rows<3>(u, diagonal, l, r, d, distance);
}

// beta of every component (outermost) and point, and the exponentials of q.
static V* scores(const Problem& p, const V* x, double* diagonal) {
    const long width = p.blocks() * VECTORS;
    V *beta = scratch.beta.fit(p.k * width), *u = scratch.u.fit(2 * p.d * VECTORS);
    for (long i = 0; i < p.k * p.d; ++i) diagonal[i] = std::exp(p.q[i]);
    for (long k = 0; k < p.k; ++k) {
        double shift = p.alpha[k];
        for (long c = 0; c < p.d; ++c) shift += p.q[k * p.d + c];
        for (long b = 0; b < p.blocks(); ++b) {
            V distance[VECTORS];
            centre(x + b * p.d * VECTORS, p.mu + k * p.d, p.d, u);
            squared_distances(u, diagonal + k * p.d, p.l + k * p.below(), p.d, distance);
            for (long v = 0; v < VECTORS; ++v) beta[k * width + b * VECTORS + v] = shift - 0.5 * distance[v];
        }
    }
    return beta;
}

// The sum over the points of logsumexp of their scores.
static double likelihood(const Problem& p, const V* beta) {
    const long width = p.blocks() * VECTORS;
    V *tops = scratch.first.fit(2 * width), *sums = tops + width;
    for (long i = 0; i < width; ++i) {
        V top = beta[i], s = {};
        for (long k = 1; k < p.k; ++k) top = larger(top, beta[k * width + i]);
        for (long k = 0; k < p.k; ++k) s += exp(beta[k * width + i] - top);
        tops[i] = top;
        sums[i] = s;
    }
    const double *top = reinterpret_cast<const double*>(tops), *s = reinterpret_cast<const double*>(sums);
    double total = 0.0;
    for (long i = 0; i < p.n; ++i) total += top[i] + std::log(s[i]);
    return total;
}

// Replaces the scores by the weights exp(beta) / Σ exp(beta), zero beyond the last point.
static void softmax(const Problem& p, V* beta) {
    const long width = p.blocks() * VECTORS;
    for (long i = 0; i < width; ++i) {
        V top = beta[i], s = {}, scale;
        for (long k = 1; k < p.k; ++k) top = larger(top, beta[k * width + i]);
        for (long k = 0; k < p.k; ++k) s += beta[k * width + i] = exp(beta[k * width + i] - top);
        for (long l = 0; l < W; ++l) scale[l] = i * W + l < p.n ? 1.0 / s[l] : 0.0;
        for (long k = 0; k < p.k; ++k) beta[k * width + i] *= scale;
    }
}

static double logsumexp(const double* v, long n, double* softmax) {
    double top = v[0], s = 0.0;
    for (long i = 1; i < n; ++i) top = top > v[i] ? top : v[i];
    for (long i = 0; i < n; ++i) s += std::exp(v[i] - top);
    if (softmax)
        for (long i = 0; i < n; ++i) softmax[i] = std::exp(v[i] - top) / s;
    return top + std::log(s);
}

static double value(const Problem& p) {
    double* diagonal = scratch.diagonal.fit(p.k * p.d);
    const double fit = likelihood(p, scores(p, transposed(p), diagonal));
    const double pi = 3.14159265358979323846, freedom = static_cast<double>(p.d + p.m + 1);
    double log_gamma = 0.25 * p.d * (p.d - 1) * std::log(pi), squares = 0.0, log_det = 0.0;
    for (long j = 0; j < p.d; ++j) log_gamma += std::lgamma(0.5 * (freedom - j));
    for (long i = 0; i < p.k * p.d; ++i) {
        squares += diagonal[i] * diagonal[i];
        log_det += p.q[i];
    }
    for (long i = 0; i < p.k * p.below(); ++i) squares += p.l[i] * p.l[i];
    const double prior = p.k * (freedom * p.d * std::log(p.gamma / std::sqrt(2.0)) - log_gamma) - 0.5 * p.gamma * p.gamma * squares + p.m * log_det;
    return fit - p.n * (0.5 * p.d * std::log(2.0 * pi) + logsumexp(p.alpha, p.k, nullptr)) + prior;
}

// Sums of w, w u and w u uᵀ over the points, for one component: the first is returned, the last has rows of `pitch` numbers.
// Points lie in the lanes, where there are few coordinates.
static double narrow_moments(const Problem& p, const V* x, const V* weights, const double* mu, double* first, double* second, long pitch) {
    const long d = p.d, entries = d * (d + 1) / 2;
    V *u = scratch.u.fit(2 * d * VECTORS), *wu = u + d * VECTORS, *moment = scratch.moment.fit(entries), *sums = scratch.first.fit(d), zeroth = {};
    for (long e = 0; e < entries; ++e) moment[e] = V{};
    for (long c = 0; c < d; ++c) sums[c] = V{};
    for (long b = 0; b < p.blocks(); ++b) {
        centre(x + b * d * VECTORS, mu, d, u);
        for (long v = 0; v < VECTORS; ++v) zeroth += weights[b * VECTORS + v];
        for (long c = 0; c < d; ++c)
            for (long v = 0; v < VECTORS; ++v) {
                wu[c * VECTORS + v] = weights[b * VECTORS + v] * u[c * VECTORS + v];
                sums[c] += wu[c * VECTORS + v];
            }
        V* s = moment;
        for (long r = 0; r < d; ++r)
            for (long c = 0; c <= r; ++c, ++s)
                for (long v = 0; v < VECTORS; ++v) *s += u[r * VECTORS + v] * wu[c * VECTORS + v];
    }
    for (long r = 0; r < d; ++r) {
        first[r] = sum(sums[r]);
        for (long c = 0; c <= r; ++c) second[r * pitch + c] = second[c * pitch + r] = sum(moment[r * (r + 1) / 2 + c]);
    }
    return sum(zeroth);
}

constexpr long POINTS = 64, COLUMNS = 8;

// Adds to the second moments of R vectors of rows and eight columns what a block of points gives, whose z = √w u are in rows.
template <long R>
static void tile(const double* z, long pitch, long row, long column, double* second) {
    V s[COLUMNS][R];
    for (long c = 0; c < COLUMNS; ++c)
        for (long a = 0; a < R; ++a) s[c][a] = load(second + (column + c) * pitch + row + a * W);
    for (long i = 0; i < POINTS; ++i, z += pitch) {
        V rows[R];
        for (long a = 0; a < R; ++a) rows[a] = load(z + row + a * W);
        for (long c = 0; c < COLUMNS; ++c)
            for (long a = 0; a < R; ++a) s[c][a] += rows[a] * z[column + c];
    }
    for (long c = 0; c < COLUMNS; ++c)
        for (long a = 0; a < R; ++a) store(second + (column + c) * pitch + row + a * W, s[c][a]);
}

// The same with coordinates in the lanes: two vectors of rows and eight columns of the second moments stay in registers while
// a block of points passes by.
static double wide_moments(const Problem& p, const double* weights, const double* mu, double* first, double* second, long pitch) {
    double *z = scratch.z.fit(POINTS * pitch), zeroth = 0.0;
    std::memset(z, 0, sizeof(double) * POINTS * pitch);
    std::memset(second, 0, sizeof(double) * pitch * pitch);
    std::memset(first, 0, sizeof(double) * p.d);
    for (long start = 0; start < p.n; start += POINTS) {
        for (long i = 0; i < POINTS; ++i) {
            const bool real = start + i < p.n;
            const double w = real ? weights[start + i] : 0.0, root = std::sqrt(w);
            const double* x = p.x + (real ? start + i : 0) * p.d;
            zeroth += w;
            for (long c = 0; c < p.d; ++c) {
                const double u = x[c] - mu[c];
                first[c] += w * u;
                z[i * pitch + c] = root * u;
            }
        }
        long row = 0;
        for (; row + 2 * W <= pitch; row += 2 * W)
            for (long column = 0; column < row + 2 * W; column += COLUMNS) tile<2>(z, pitch, row, column, second);
        if (row < pitch)
            for (long column = 0; column < row + W; column += COLUMNS) tile<1>(z, pitch, row, column, second);
    }
    // So far the moment of rows r and columns c is at [c][r], for c up to the last row of r's tile: mirror the rest.
    for (long c = 0; c < p.d; ++c)
        for (long r = c + 1; r < p.d; ++r) second[r * pitch + c] = second[c * pitch + r];
    return zeroth;
}

// The lower triangle Q, dense.
static void unpack(const Problem& p, long k, const double* diagonal, double* factor) {
    const double* l = p.l + k * p.below();
    for (long c = 0; c < p.d; ++c) {
        factor[c * p.d + c] = diagonal[c];
        for (long r = c + 1; r < p.d; ++r) factor[r * p.d + c] = *l++;
    }
}

static void component(const Problem& p, long k, const V* x, const V* weights, const double* diagonal, double* dalpha, double* dmu, double* dq, double* dl) {
    const long d = p.d, pitch = (d + W - 1) / W * W;
    double *factor = scratch.factor.fit(d * d), *second = scratch.second.fit(pitch * pitch);
    double *line = scratch.line.fit(3 * d), *first = line + d, *image = first + d, total;
    if (d < WIDE)
        total = narrow_moments(p, x, weights, p.mu + k * d, first, second, pitch);
    else
        total = wide_moments(p, reinterpret_cast<const double*>(weights), p.mu + k * d, first, second, pitch);
    unpack(p, k, diagonal, factor);
    *dalpha += total;
    for (long r = 0; r < d; ++r) image[r] = 0.0;
    for (long c = 0; c < d; ++c) dmu[c] = 0.0;
    for (long r = 0; r < d; ++r) {
        const double* q = factor + r * d;
        for (long c = 0; c <= r; ++c) line[c] = 0.0;
        for (long j = 0; j <= r; ++j) {
            image[r] += q[j] * first[j];
            for (long c = 0; c <= r; ++c) line[c] += q[j] * second[j * pitch + c];
        }
        for (long c = 0; c <= r; ++c) dmu[c] += q[c] * image[r];
        for (long c = 0; c < r; ++c) {
            const long at = c * (d - 1) - c * (c - 1) / 2 + r - c - 1;
            dl[at] = -line[c] - p.gamma * p.gamma * q[c];
        }
        dq[r] = (-line[r] - p.gamma * p.gamma * q[r]) * q[r] + total + p.m;
    }
}

static void gradient(const Problem& p, double* out) {
    double *diagonal = scratch.diagonal.fit(p.k * p.d), *dmu = out + p.k, *dq = dmu + p.k * p.d, *dl = dq + p.k * p.d;
    const V* x = transposed(p);
    V* weights = scores(p, x, diagonal);
    softmax(p, weights);
    logsumexp(p.alpha, p.k, out);
    for (long k = 0; k < p.k; ++k) {
        out[k] *= -static_cast<double>(p.n);
        component(p, k, x, weights + k * p.blocks() * VECTORS, diagonal + k * p.d, out + k, dmu + k * p.d, dq + k * p.d, dl + k * p.below());
    }
}

extern "C" double time_value(long repeats, const double* alpha, const double* mu, const double* q, const double* l, const double* x, long n, long d, long k,
                             long m, double gamma, double* out) {
    const Problem p{alpha, mu, q, l, x, n, d, k, m, gamma};
    return seconds(repeats, [&] { out[0] = value(p); });
}

extern "C" double time_gradient(long repeats, const double* alpha, const double* mu, const double* q, const double* l, const double* x, long n, long d,
                                long k, long m, double gamma, double* out) {
    const Problem p{alpha, mu, q, l, x, n, d, k, m, gamma};
    return seconds(repeats, [&] { gradient(p, out); });
}

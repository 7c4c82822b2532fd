// The fit of a polynomial of m coefficients at n points. Eight vectors of points are worked on at a time: the polynomial by
// Horner's rule, one multiply-add for a coefficient and point. The gradient is dx_j = -Σ_i r_i t_i^j; with the powers
// t^0 … t^7 of the block in the first-level cache, and r_i t_i^8a carried along, that takes another one.
//
// Limited by multiply-adds. Measured with m=128, value and gradient: 0.2 and 0.6 µs at n=16, 3.1 and 7.0 µs at n=1024, 50 and
// 110 µs at n=16,392: 0.024 ns for a multiply-add.
#include "../../harness.hpp"
#include "lanes.hpp"

constexpr long VECTORS = 8, BLOCK = VECTORS * W, POWERS = 8;

// The points of a block that starts at i, and whether they count: the last block reaches beyond n.
struct Points {
    V t[VECTORS], counts[VECTORS];

    Points(long i, long n) {
        const double last = static_cast<double>(n - 1), over = 1.0 / last;
        for (long v = 0; v < VECTORS; ++v)
            for (long l = 0; l < W; ++l) {
                const long at = i + v * W + l;
                t[v][l] = (2.0 * static_cast<double>(at) - last) * over;  // exactly zero in the middle, where the sign is
                counts[v][l] = at < n ? 1.0 : 0.0;
            }
    }

    void residuals(const double* x, long m, V* r) const {
        V p[VECTORS] = {};
        for (long j = m - 1; j >= 0; --j)
            for (long v = 0; v < VECTORS; ++v) p[v] = p[v] * t[v] + x[j];
        for (long v = 0; v < VECTORS; ++v) {
            const V sign = (t[v] > 0.0 ? all(1.0) : all(0.0)) - (t[v] < 0.0 ? all(1.0) : all(0.0));
            r[v] = (sign - p[v]) * counts[v];
        }
    }
};

static double value(const double* x, long m, long n) {
    V total = {}, r[VECTORS];
    for (long i = 0; i < n; i += BLOCK) {
        Points(i, n).residuals(x, m, r);
        for (long v = 0; v < VECTORS; ++v) total += r[v] * r[v];
    }
    return 0.5 * sum(total);
}

static void gradient(const double* x, long m, long n, double* out) {
    static Kept<V> kept;
    const long groups = (m + POWERS - 1) / POWERS;
    V* sums = kept.fit(groups * POWERS);
    for (long j = 0; j < groups * POWERS; ++j) sums[j] = V{};
    for (long i = 0; i < n; i += BLOCK) {
        V r[VECTORS], powers[VECTORS][POWERS], step[VECTORS];
        const Points points(i, n);
        points.residuals(x, m, r);
        for (long v = 0; v < VECTORS; ++v) {
            powers[v][0] = all(1.0);
            for (long b = 1; b < POWERS; ++b) powers[v][b] = powers[v][b - 1] * points.t[v];
            step[v] = powers[v][POWERS - 1] * points.t[v];
        }
        for (long a = 0; a < groups; ++a) {
            V s[POWERS];
            for (long b = 0; b < POWERS; ++b) s[b] = sums[a * POWERS + b];
            for (long v = 0; v < VECTORS; ++v) {
                for (long b = 0; b < POWERS; ++b) s[b] -= r[v] * powers[v][b];
                r[v] *= step[v];
            }
            for (long b = 0; b < POWERS; ++b) sums[a * POWERS + b] = s[b];
        }
    }
    for (long j = 0; j < m; ++j) out[j] = sum(sums[j]);
}

extern "C" double time_value(long repeats, const double* x, long m, long n, double* out) {
    return seconds(repeats, [&] { out[0] = value(x, m, n); });
}

extern "C" double time_gradient(long repeats, const double* x, long m, long n, double* out) {
    return seconds(repeats, [&] { gradient(x, m, n, out); });
}

// Squared distances with points in the lanes: a block of points is transposed, and each coordinate of a centroid meets four
// vectors of points, one subtraction and one multiply-add each. The nearest centroid is kept in lanes beside its distance.
// Of the sum of minima only the nearest centroids have derivatives, 2 (c - p) and 2 for each point, so the Newton direction
// is c minus the mean of the points that are nearest to c.
//
// Limited by arithmetic: two vector operations for a coordinate, a point and a centroid. Expanding |p - c|² would save one of
// them and lose digits. Measured, cost and direction: 7.5 and 9.3 µs at k=10, n=1000, d=8; 6.0 and 6.2 ms at k=1000, n=10,000,
// d=16, 54 GFlop/s.
#include "../../harness.hpp"
#include "lanes.hpp"

constexpr long VECTORS = 4, BLOCK = VECTORS * W;
typedef long L __attribute__((vector_size(64)));

// The points of a block with coordinates outermost; beyond the last point it is repeated.
static void transpose(const double* points, long start, long n, long d, V* block) {
    for (long v = 0; v < VECTORS; ++v)
        for (long l = 0; l < W; ++l) {
            const long at = start + v * W + l;
            const double* p = points + (at < n ? at : n - 1) * d;
            for (long a = 0; a < d; ++a) block[a * VECTORS + v][l] = p[a];
        }
}

template <long D, bool KEEP>
static void nearest(const V* block, const double* centroids, long k, long d, V* best, L* which) {
    const long dims = D ? D : d;
    for (long v = 0; v < VECTORS; ++v) best[v] = all(INFINITY);
    for (long j = 0; j < k; ++j) {
        V distance[VECTORS] = {};
        for (long a = 0; a < dims; ++a) {
            const V c = all(centroids[j * dims + a]);
            for (long v = 0; v < VECTORS; ++v) {
                const V u = block[a * VECTORS + v] - c;
                distance[v] += u * u;
            }
        }
        for (long v = 0; v < VECTORS; ++v) {
            if (KEEP) which[v] = distance[v] < best[v] ? L{} + j : which[v];
            best[v] = distance[v] < best[v] ? distance[v] : best[v];
        }
    }
}

template <bool KEEP>
static void nearest(const V* block, const double* centroids, long k, long d, V* best, L* which) {
    if (d == 8) return nearest<8, KEEP>(block, centroids, k, d, best, which);
    if (d == 16) return nearest<16, KEEP>(block, centroids, k, d, best, which);
    nearest<0, KEEP>(block, centroids, k, d, best, which);
}

static Kept<V> kept_block;

static double value(const double* points, const double* centroids, long n, long k, long d) {
    V* block = kept_block.fit(d * VECTORS);
    double total = 0.0;
    for (long i = 0; i < n; i += BLOCK) {
        V best[VECTORS];
        transpose(points, i, n, d, block);
        nearest<false>(block, centroids, k, d, best, nullptr);
        for (long v = 0; v < VECTORS; ++v)
            for (long l = 0; l < W; ++l)
                if (i + v * W + l < n) total += best[v][l];
    }
    return total;
}

static void direction(const double* points, const double* centroids, long n, long k, long d, double* __restrict out) {
    static Kept<double> kept_curvature;
    double* __restrict curvature = kept_curvature.fit(k);
    V* block = kept_block.fit(d * VECTORS);
    std::memset(out, 0, sizeof(double) * k * d);
    std::memset(curvature, 0, sizeof(double) * k);
    for (long i = 0; i < n; i += BLOCK) {
        V best[VECTORS];
        L which[VECTORS] = {};
        transpose(points, i, n, d, block);
        nearest<true>(block, centroids, k, d, best, which);
        for (long v = 0; v < VECTORS; ++v)
            for (long l = 0; l < W; ++l) {
                const long at = i + v * W + l, j = which[v][l];
                if (at >= n) break;
                curvature[j] += 2.0;
                for (long a = 0; a < d; ++a) out[j * d + a] += 2.0 * (centroids[j * d + a] - points[at * d + a]);
            }
    }
    for (long j = 0; j < k; ++j)
        for (long a = 0; a < d; ++a) out[j * d + a] /= curvature[j];
}

extern "C" double time_value(long repeats, const double* points, const double* centroids, long n, long k, long d, double* out) {
    return seconds(repeats, [&] { out[0] = value(points, centroids, n, k, d); });
}

extern "C" double time_gradient(long repeats, const double* points, const double* centroids, long n, long k, long d, double* out) {
    return seconds(repeats, [&] { direction(points, centroids, n, k, d, out); });
}

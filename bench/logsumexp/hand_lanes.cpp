// The same sum and gradient as hand.cpp, taken as far as we know how: eight components at a time in the lanes of a
// vector (arrays laid out anew once per call), and the two products with A_k that do not depend on the point moved out
// of the loop over points,
//     dm_k = A_k^T sum_i w y.
// No compiler derives this from the program; it shows what is left on the table.
#include "../harness.hpp"
#include <algorithm>
#include <cmath>
#include <vector>

const int W = 8;  // lanes

struct Lanes {
    std::vector<double> A, m, b, u, y, z, dA, sum_wy, db;
    long blocks;

    void load(const double* A_, const double* m_, const double* b_, long d, long components) {
        blocks = (components + W - 1) / W;
        A.assign(blocks * d * d * W, 0.0);
        m.assign(blocks * d * W, 0.0);
        b.assign(blocks * W, -1e300);  // lanes without a component: weight exp(-inf) = 0
        u.resize(blocks * d * W);
        y.resize(blocks * d * W);
        z.resize(blocks * W);
        for (long k = 0; k < components; ++k) {
            const long block = k / W, lane = k % W;
            b[k] = b_[k];
            for (long e = 0; e < d * d; ++e) A[(block * d * d + e) * W + lane] = A_[k * d * d + e];
            for (long c = 0; c < d; ++c) m[(block * d + c) * W + lane] = m_[k * d + c];
        }
    }
};

static Lanes lanes;

static double point(const double* __restrict x, long d, double* sum) {
    for (long block = 0; block < lanes.blocks; ++block) {
        const double* __restrict a = &lanes.A[block * d * d * W];
        const double* __restrict m = &lanes.m[block * d * W];
        double* __restrict u = &lanes.u[block * d * W];
        double* __restrict y = &lanes.y[block * d * W];
        for (long c = 0; c < d; ++c)
            for (int l = 0; l < W; ++l) u[c * W + l] = x[c] - m[c * W + l];
        double distance[W] = {0};
        for (long r = 0; r < d; ++r) {
            double row[W] = {0};
            for (long c = 0; c < d; ++c)
                for (int l = 0; l < W; ++l) row[l] += a[(r * d + c) * W + l] * u[c * W + l];
            for (int l = 0; l < W; ++l) {
                y[r * W + l] = row[l];
                distance[l] += row[l] * row[l];
            }
        }
        for (int l = 0; l < W; ++l) lanes.z[block * W + l] = lanes.b[block * W + l] - 0.5 * distance[l];
    }
    double top = lanes.z[0], s = 0.0;
    for (double z : lanes.z) top = std::max(top, z);
    for (double& z : lanes.z) {
        z = std::exp(z - top);
        s += z;
    }
    *sum = s;
    return top + std::log(s);
}

static double primal(const double* A, const double* m, const double* b, const double* x, long n, long d, long components) {
    lanes.load(A, m, b, d, components);
    double total = 0.0, sum;
    for (long i = 0; i < n; ++i) total += point(x + i * d, d, &sum);
    return total;
}

static void gradient(const double* A, const double* m, const double* b, const double* x, long n, long d, long components, double* dA, double* dm,
                     double* db) {
    lanes.load(A, m, b, d, components);
    lanes.dA.assign(lanes.A.size(), 0.0);
    lanes.sum_wy.assign(lanes.m.size(), 0.0);
    lanes.db.assign(lanes.b.size(), 0.0);
    for (long i = 0; i < n; ++i) {
        double sum;
        point(x + i * d, d, &sum);
        const double scale = 1.0 / sum;
        for (long block = 0; block < lanes.blocks; ++block) {
            const double* __restrict u = &lanes.u[block * d * W];
            const double* __restrict y = &lanes.y[block * d * W];
            double* __restrict dAk = &lanes.dA[block * d * d * W];
            double* __restrict swy = &lanes.sum_wy[block * d * W];
            double w[W];
            for (int l = 0; l < W; ++l) {
                w[l] = lanes.z[block * W + l] * scale;
                lanes.db[block * W + l] += w[l];
            }
            for (long r = 0; r < d; ++r) {
                double wy[W];
                for (int l = 0; l < W; ++l) {
                    wy[l] = w[l] * y[r * W + l];
                    swy[r * W + l] += wy[l];
                }
                for (long c = 0; c < d; ++c)
                    for (int l = 0; l < W; ++l) dAk[(r * d + c) * W + l] -= wy[l] * u[c * W + l];
            }
        }
    }
    for (long k = 0; k < components; ++k) {
        const long block = k / W, lane = k % W;
        db[k] = lanes.db[k];
        for (long e = 0; e < d * d; ++e) dA[k * d * d + e] = lanes.dA[(block * d * d + e) * W + lane];
        for (long c = 0; c < d; ++c) {
            double s = 0.0;
            for (long r = 0; r < d; ++r) s += A[(k * d + r) * d + c] * lanes.sum_wy[(block * d + r) * W + lane];
            dm[k * d + c] = s;
        }
    }
}

extern "C" double time_value(long repeats, const double* A, const double* m, const double* b, const double* x, long n, long d, long components,
                             double* out) {
    return seconds(repeats, [&] { out[0] = primal(A, m, b, x, n, d, components); });
}

extern "C" double time_gradient(long repeats, const double* A, const double* m, const double* b, const double* x, long n, long d, long components,
                                double* out) {
    return seconds(repeats, [&] { gradient(A, m, b, x, n, d, components, out, out + components * d * d, out + components * d * (d + 1)); });
}

// sum_i logsumexp_k(b_k - |A_k (x_i - m_k)|^2 / 2) and its gradient with respect to A, m and b, derived by hand.
//
// With u = x_i - m_k, y = A_k u and w = softmax_k(z)_k, one point adds
//     db_k += w        dA_k -= w y u^T        dm_k += w A_k^T y
// so forward and adjoint of a point are fused: only u and y of that point are kept, in scratch that is reused.
// A row of A_k u is a sum that strict floating point may not vectorise. From d = 16 on, where it pays (measured), A_k is
// transposed once per call and the product runs down its columns, a row of independent multiply-adds at a time.
// hand_lanes.cpp goes further and gives up the program's layout.
#include "../harness.hpp"
#include <algorithm>
#include <cmath>
#include <cstring>
#include <vector>

struct Scratch {
    std::vector<double> at, u, y, z;
    void fit(long d, long components) {
        at.resize(components * d * d);
        u.resize(components * d);
        y.resize(components * d);
        z.resize(components);
    }
};

static Scratch& scratch(long d, long components) {
    static Scratch s;
    s.fit(d, components);
    return s;
}

const long wide = 16;

static void transpose(const double* A, long d, long components, double* __restrict at) {
    for (long k = 0; k < components; ++k)
        for (long r = 0; r < d; ++r)
            for (long c = 0; c < d; ++c) at[(k * d + c) * d + r] = A[(k * d + r) * d + c];
}

// u, y and z of one point; returns logsumexp(z) and leaves exp(z - max) in z, their sum in *sum.
static double point(const double* __restrict A, const double* __restrict at, const double* __restrict m, const double* __restrict b,
                    const double* __restrict x, long d, long components, double* __restrict u, double* __restrict y, double* __restrict z, double* sum) {
    for (long k = 0; k < components; ++k) {
        double* __restrict uk = u + k * d;
        double* __restrict yk = y + k * d;
        const double* __restrict ak = at + k * d * d;
        for (long c = 0; c < d; ++c) uk[c] = x[c] - m[k * d + c];
        double distance = 0.0;
        if (d < wide) {
            for (long r = 0; r < d; ++r) {
                double sum = 0.0;
                for (long c = 0; c < d; ++c) sum += A[(k * d + r) * d + c] * uk[c];
                yk[r] = sum;
                distance += sum * sum;
            }
        } else {
            for (long r = 0; r < d; ++r) yk[r] = 0.0;
            for (long c = 0; c < d; ++c) {
                const double uc = uk[c];
                for (long r = 0; r < d; ++r) yk[r] += ak[c * d + r] * uc;
            }
            for (long r = 0; r < d; ++r) distance += yk[r] * yk[r];
        }
        z[k] = b[k] - 0.5 * distance;
    }
    double top = z[0];
    for (long k = 1; k < components; ++k) top = std::max(top, z[k]);
    double s = 0.0;
    for (long k = 0; k < components; ++k) {
        z[k] = std::exp(z[k] - top);
        s += z[k];
    }
    *sum = s;
    return top + std::log(s);
}

static double primal(const double* A, const double* m, const double* b, const double* x, long n, long d, long components) {
    Scratch& s = scratch(d, components);
    if (d >= wide) transpose(A, d, components, s.at.data());
    double total = 0.0, sum;
    for (long i = 0; i < n; ++i) total += point(A, s.at.data(), m, b, x + i * d, d, components, s.u.data(), s.y.data(), s.z.data(), &sum);
    return total;
}

static void gradient(const double* __restrict A, const double* m, const double* b, const double* x, long n, long d, long components,
                     double* __restrict dA, double* __restrict dm, double* __restrict db) {
    Scratch& s = scratch(d, components);
    if (d >= wide) transpose(A, d, components, s.at.data());
    std::memset(dA, 0, sizeof(double) * components * d * d);
    std::memset(dm, 0, sizeof(double) * components * d);
    std::memset(db, 0, sizeof(double) * components);
    for (long i = 0; i < n; ++i) {
        double sum;
        point(A, s.at.data(), m, b, x + i * d, d, components, s.u.data(), s.y.data(), s.z.data(), &sum);
        const double scale = 1.0 / sum;
        for (long k = 0; k < components; ++k) {
            const double w = s.z[k] * scale;
            const double* __restrict uk = s.u.data() + k * d;
            const double* __restrict yk = s.y.data() + k * d;
            const double* __restrict Ak = A + k * d * d;
            double* __restrict dAk = dA + k * d * d;
            double* __restrict dmk = dm + k * d;
            db[k] += w;
            for (long r = 0; r < d; ++r) {
                const double wy = w * yk[r];
                for (long c = 0; c < d; ++c) {
                    dAk[r * d + c] -= wy * uk[c];
                    dmk[c] += wy * Ak[r * d + c];
                }
            }
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

// y[i] = p[i] y[i-1] (1 - y[i-1]), the sum of squares, and the adjoint by hand. The array itself is the tape; it is
// allocated once and reused. The gradient goes to the caller's array.
#include "../harness.hpp"
#include <vector>

static double* scratch(long n) {
    static std::vector<double> memory;
    if (memory.size() < static_cast<std::size_t>(n)) memory.resize(n);
    return memory.data();
}

static double forward(const double* __restrict p, double y0, long n, double* __restrict y) {
    y[0] = y0;
    double total = y0 * y0, last = y0;
    for (long i = 1; i < n; ++i) {
        last = p[i] * last * (1.0 - last);
        y[i] = last;
        total += last * last;
    }
    return total;
}

static void adjoint(const double* __restrict p, double y0, long n, double* __restrict dp, double* dy0) {
    double* __restrict y = scratch(n);
    forward(p, y0, n, y);
    double ct = 0.0;
    for (long i = n - 1; i > 0; --i) {
        ct += 2.0 * y[i];
        dp[i] = ct * (y[i - 1] * (1.0 - y[i - 1]));
        ct *= p[i] * (1.0 - 2.0 * y[i - 1]);
    }
    dp[0] = 0.0;
    *dy0 = ct + 2.0 * y0;
}

extern "C" double time_value(long repeats, const double* p, double y0, long n, double* out) {
    return seconds(repeats, [&] { forget(y0); out[0] = forward(p, y0, n, scratch(n)); });
}

extern "C" double time_gradient(long repeats, const double* p, double y0, long n, double* out) {
    return seconds(repeats, [&] { forget(y0); adjoint(p, y0, n, out, out + n); });
}

// The logistic map and its adjoint by hand. The tape is allocated once and reused from call to call.
#include "../harness.hpp"
#include <vector>

static double primal(double a, double x, long steps) {
    for (long i = 0; i < steps; ++i) x = a * x * (1.0 - x);
    return x;
}

// x' = a x (1 - x):  da += ct x (1 - x),  ct = ct a (1 - 2 x)
static void adjoint(double a, double x, long steps, double* out) {
    static std::vector<double> tape;
    if (tape.size() < static_cast<std::size_t>(steps)) tape.resize(steps);
    double* xs = tape.data();
    for (long i = 0; i < steps; ++i) {
        xs[i] = x;
        x = a * x * (1.0 - x);
    }
    double ct = 1.0, da = 0.0;
    for (long i = steps - 1; i >= 0; --i) {
        da += ct * (xs[i] * (1.0 - xs[i]));
        ct *= a * (1.0 - 2.0 * xs[i]);
    }
    out[0] = da;
    out[1] = ct;
}

extern "C" double time_value(long repeats, double a, double x0, long steps, double* out) {
    return seconds(repeats, [&] { forget(a); forget(x0); out[0] = primal(a, x0, steps); });
}

extern "C" double time_gradient(long repeats, double a, double x0, long steps, double* out) {
    return seconds(repeats, [&] { forget(a); forget(x0); adjoint(a, x0, steps, out); });
}

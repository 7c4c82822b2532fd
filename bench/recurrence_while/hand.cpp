// The logistic map until its sum passes a bound, and its adjoint by hand. The tape grows as std::vector does and keeps
// its memory from call to call.
#include "../harness.hpp"
#include <vector>

static double primal(double a, double x, double bound) {
    double total = 0.0;
    while (total < bound) {
        x = a * x * (1.0 - x);
        total += x;
    }
    return total + x;
}

static void adjoint(double a, double x, double bound, double* out) {
    static std::vector<double> tape;
    tape.clear();
    double total = 0.0;
    while (total < bound) {
        tape.push_back(x);
        x = a * x * (1.0 - x);
        total += x;
    }
    double ct = 1.0, da = 0.0;
    const double* xs = tape.data();
    for (long i = static_cast<long>(tape.size()) - 1; i >= 0; --i) {
        ct += 1.0;  // from total
        da += ct * (xs[i] * (1.0 - xs[i]));
        ct *= a * (1.0 - 2.0 * xs[i]);
    }
    out[0] = da;
    out[1] = ct;
}

extern "C" double time_value(long repeats, double a, double x0, double bound, double* out) {
    return seconds(repeats, [&] { forget(a); forget(x0); forget(bound); out[0] = primal(a, x0, bound); });
}

extern "C" double time_gradient(long repeats, double a, double x0, double bound, double* out) {
    return seconds(repeats, [&] { forget(a); forget(x0); forget(bound); adjoint(a, x0, bound, out); });
}

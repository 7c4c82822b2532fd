// Descent inside descent. The gradient of the height h(x, y) by y is -2 y, whatever x is, so the greatest place y does not
// move with x and the gradient of h(x, y(x)) is 2 x: by hand, the outer derivative costs nothing, but each value of it
// takes a whole inner descent.
//
// Limited by latency: the steps of the inner descent depend on each other. Measured: 0.055 ms.
#include "../../harness.hpp"
#include <cmath>

struct Pair {
    double a, b;
};

static double square(Pair p) { return p.a * p.a + p.b * p.b; }

// Descent from `start` on a function of squares whose gradient is 2 p: both the outer and the inner one are of this kind.
template <class F>
static Pair argmin(F f, Pair start) {
    Pair p = start;
    double value = f(p), eta = 1e-5;
    for (long successes = 0; 4.0 * square(p) > 1e-10;) {
        if (successes == 10) {
            eta *= 2.0;
            successes = 0;
        }
        const Pair step = {2.0 * eta * p.a, 2.0 * eta * p.b};
        if (square(step) <= 1e-10) break;
        const Pair next = {p.a - step.a, p.b - step.b};
        const double there = f(next);
        if (there < value) {
            p = next;
            value = there;
            ++successes;
        } else {
            eta *= 0.5;
            successes = 0;
        }
    }
    return p;
}

static void saddle(const double* from, double* out) {
    const Pair start = {from[0], from[1]};
    const auto highest = [&](Pair x) { return argmin([&](Pair y) { return -(square(x) - square(y)); }, start); };
    const Pair x = argmin([&](Pair x) { return square(x) - square(highest(x)); }, start), y = highest(x);
    out[0] = x.a;
    out[1] = x.b;
    out[2] = y.a;
    out[3] = y.b;
}

extern "C" double time_gradient(long repeats, const double* start, double* out) {
    return seconds(repeats, [&] { saddle(start, out); });
}

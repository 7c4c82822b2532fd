// The trajectory, and with DERIVATIVE its tangent by w in forward mode: the force -∇p of a charge at distance r is u / r³ with u
// from the charge to the particle, its tangent du / r³ - 3 u (u·du) / r⁵. Descent asks for the value first and for the
// derivative only of places that it accepts; those are nearly all, so one run gives both.
//
// Limited by latency: a square root, a division and some twenty operations in a row for each step of the trajectory.
// Measured: 0.23 ms.
#include "../../harness.hpp"
#include <cmath>

struct Pair {
    double x, y;
};

static Pair operator+(Pair a, Pair b) { return {a.x + b.x, a.y + b.y}; }
static Pair operator*(double s, Pair a) { return {s * a.x, s * a.y}; }

// The force of a charge, u being the particle's place relative to it, and its tangent along du.
static void add_force(Pair u, Pair du, Pair& force, Pair& tangent) {
    const double over = 1.0 / (u.x * u.x + u.y * u.y), cube = over * std::sqrt(over);
    force = force + cube * u;
    tangent = tangent + cube * (du + (-3.0 * over * (u.x * du.x + u.y * du.y)) * u);
}

// The square of where the particle meets the x axis, and its derivative by w.
static void miss(double w, double* value, double* slope) {
    const double dt = 0.1;
    const Pair moving = {10.0, 10.0 - w}, fixed = {10.0, 0.0};
    Pair x = {0.0, 8.0}, v = {0.75, 0.0}, dx = {0.0, 0.0}, dv = {0.0, 0.0};
    for (;;) {
        Pair force = {0.0, 0.0}, tangent = {0.0, 0.0};
        add_force({x.x - moving.x, x.y - moving.y}, {dx.x, dx.y + 1.0}, force, tangent);
        add_force({x.x - fixed.x, x.y - fixed.y}, dx, force, tangent);
        x = x + dt * v;
        dx = dx + dt * dv;
        if (x.y <= 0.0) break;
        v = v + dt * force;
        dv = dv + dt * tangent;
    }
    const double over = 1.0 / v.y, time = -x.y * over, meeting = x.x + time * v.x;
    const double dtime = -(dx.y + time * dv.y) * over, dmeeting = dx.x + dtime * v.x + time * dv.x;
    *value = meeting * meeting;
    *slope = 2.0 * meeting * dmeeting;
}

static double steered(double w) {
    double value, slope, eta = 1e-5;
    miss(w, &value, &slope);
    for (long successes = 0; std::fabs(slope) > 1e-5;) {
        if (successes == 10) {
            eta *= 2.0;
            successes = 0;
        }
        const double step = eta * slope;
        if (std::fabs(step) <= 1e-5) break;
        double next, next_slope;
        miss(w - step, &next, &next_slope);
        if (next < value) {
            w -= step;
            value = next;
            slope = next_slope;
            ++successes;
        } else {
            eta *= 0.5;
            successes = 0;
        }
    }
    return w;
}

extern "C" double time_gradient(long repeats, double w, double* out) {
    return seconds(repeats, [&] { forget(w); out[0] = steered(w); });
}

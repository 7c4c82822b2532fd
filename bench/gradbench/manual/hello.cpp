// x² and 2 x. A call takes 0.16 ns: what is measured is the loop around it.
#include "../../harness.hpp"

extern "C" double time_value(long repeats, double x, double* out) {
    return seconds(repeats, [&] { forget(x); out[0] = x * x; });
}

extern "C" double time_gradient(long repeats, double x, double* out) {
    return seconds(repeats, [&] { forget(x); out[0] = 2.0 * x; });
}

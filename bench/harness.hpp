// Timing for the hand-derived programs: the loop over repetitions runs inside C++, so that no call overhead counts
// against them, and neither inputs nor outputs can be optimised away.
#pragma once
#include <chrono>
#include <cstddef>

// Makes the compiler believe that x has changed.
inline void forget(double& x) { asm volatile("" : "+x"(x)); }

// Mean seconds of one call over `repeats` calls; f may read and write any memory.
template <class F>
double seconds(long repeats, F f) {
    const auto begin = std::chrono::steady_clock::now();
    for (long r = 0; r < repeats; ++r) {
        f();
        asm volatile("" ::: "memory");
    }
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count() / static_cast<double>(repeats);
}

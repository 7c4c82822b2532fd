// Eight doubles at a time: one AVX-512 register, or two AVX registers where there is no AVX-512.
// The times that the programs of this folder note were measured on one core of an Intel Xeon of the Sapphire Rapids family.
#pragma once
#include <cmath>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#ifdef __AVX512F__
#include <immintrin.h>
#endif

constexpr long W = 8;
typedef double V __attribute__((vector_size(64)));

inline V all(double x) { return V{} + x; }

inline V load(const double* p) {
    V x;
    std::memcpy(&x, p, sizeof x);
    return x;
}

inline void store(double* p, V x) { std::memcpy(p, &x, sizeof x); }

inline double sum(V x) {
    double s = 0.0;
    for (int l = 0; l < W; ++l) s += x[l];
    return s;
}

inline double largest(V x) {
    double m = x[0];
    for (int l = 1; l < W; ++l) m = m > x[l] ? m : x[l];
    return m;
}

inline V larger(V a, V b) { return a > b ? a : b; }

// exp and 1/x in a few instructions that stand where they are used: glibc's vector exp is a call of 13 cycles for which all
// registers are spilled, this takes 9; a division of eight doubles takes 16, and the compiler does not use the approximate
// reciprocal for doubles. Right to a few units of the last place.
#ifdef __AVX512F__
inline V exp(V x) {
    const V k = _mm512_roundscale_pd(x * 1.4426950408889634, 0);
    const V r = (x - k * 0.6931471805599453) - k * 2.3190468138462996e-17;
    // Interpolates exp at the Chebyshev nodes of |r| <= log(2) / 2, in two halves so that the chain is short.
    const V square = r * r, fourth = square * square;
    const V p0 = (1.0 + r) + square * (0.5000000000000019 + 0.1666666666666668 * r);
    const V p1 = (0.04166666666648738 + 0.008333333333319546 * r) + square * (0.0013888888952505406 + 0.00019841269890193705 * r);
    const V p2 = (2.4801485278370062e-05 + 2.7557240761739257e-06 * r) + square * (2.7632715071632255e-07 + 2.5110095611886237e-08 * r);
    return _mm512_scalef_pd(p0 + fourth * (p1 + fourth * p2), k);
}

inline V reciprocal(V x) {
    const V a = _mm512_rcp14_pd(x);
    const V b = a * (2.0 - x * a);
    return b * (2.0 - x * b);
}
#else
inline V exp(V x) {
    V y;
    for (int l = 0; l < W; ++l) y[l] = std::exp(x[l]);
    return y;
}

inline V reciprocal(V x) { return 1.0 / x; }
#endif

// Memory that is kept from call to call and grows when it has to, aligned to cache lines, its contents unspecified.
template <class T>
class Kept {
    T* data_ = nullptr;
    long size_ = 0;

  public:
    T* fit(long size) {
        if (size > size_) {
            std::free(data_);
            data_ = static_cast<T*>(std::aligned_alloc(64, (size * sizeof(T) + 63) / 64 * 64));
            size_ = size;
        }
        return data_;
    }
};

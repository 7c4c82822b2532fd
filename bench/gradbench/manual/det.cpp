// The two outermost rows leave n (n-1) determinants of n-2 rows, which are expanded in lockstep, eight in the lanes: the
// columns that are left have the same numbers within each, so all lanes take the same way. The expansion ends in 4 × 4
// determinants that are written out.
//
// A determinant is linear in each factor of its terms, so the adjoint of a minor is known on the way down, and value and
// gradient come from one descent: the minor of a[row, c] gets ct · (± a[row, c]), and a[row, c] gets ct · (± minor).
//
// Minors of the same columns are computed anew each time, as the recursion does; keeping them would make this 2ⁿ n instead of n!.
// Limited by arithmetic: 28 operations for a 4 × 4 determinant, some 100 with its derivatives. Measured, value and gradient: 0.12 and
// 0.18 µs at l=5, 3.1 and 6.7 µs at l=8, 2.4 and 5.4 ms at l=11. One lane at a time and with the recursion down to single
// entries, as a compiler may get it, l=11 takes 103 and 153 ms by a linked list of columns, 470 and 470 ms by a mask.
#include "../../harness.hpp"
#include "lanes.hpp"

template <int M>
struct Columns {
    int at[M];

    Columns<M - 1> without(int j) const {
        Columns<M - 1> rest;
        for (int k = 0; k < M - 1; ++k) rest.at[k] = at[k + (k >= j)];
        return rest;
    }
};

// The six 2 × 2 determinants of two rows of four, by the columns 01, 02, 03, 12, 13, 23.
static void pairs(const V* a, const V* b, V* two) {
    long n = 0;
    for (long i = 0; i < 4; ++i)
        for (long j = i + 1; j < 4; ++j) two[n++] = a[i] * b[j] - a[j] * b[i];
}

// The minors of the first row of four rows of four, from the second row and the pairs of the others.
static void triples(const V* a, const V* two, V* three) {
    three[0] = a[1] * two[5] - a[2] * two[4] + a[3] * two[3];
    three[1] = a[0] * two[5] - a[2] * two[2] + a[3] * two[1];
    three[2] = a[0] * two[4] - a[1] * two[2] + a[3] * two[0];
    three[3] = a[0] * two[3] - a[1] * two[1] + a[2] * two[0];
}

// `a` is the first of the rows that are left, of a matrix of `width` columns.
template <int M>
static V value(const V* a, long width, Columns<M> c) {
    if constexpr (M == 1) {
        return a[c.at[0]];
    } else if constexpr (M == 4) {
        V rows[4][4], two[6], three[4];
        for (long r = 0; r < 4; ++r)
            for (long k = 0; k < 4; ++k) rows[r][k] = a[r * width + c.at[k]];
        pairs(rows[2], rows[3], two);
        triples(rows[1], two, three);
        return rows[0][0] * three[0] - rows[0][1] * three[1] + rows[0][2] * three[2] - rows[0][3] * three[3];
    } else {
        V total = {};
        for (int j = 0; j < M; ++j) {
            const V term = a[c.at[j]] * value<M - 1>(a + width, width, c.without(j));
            total = j % 2 ? total - term : total + term;
        }
        return total;
    }
}

// The value, and `ct` times its derivatives added to d.
template <int M>
static V both(const V* a, V* d, long width, Columns<M> c, V ct) {
    if constexpr (M == 1) {
        d[c.at[0]] += ct;
        return a[c.at[0]];
    } else if constexpr (M == 4) {
        V rows[4][4], two[6], three[4], dtwo[6], dthree[4];
        for (long r = 0; r < 4; ++r)
            for (long k = 0; k < 4; ++k) rows[r][k] = a[r * width + c.at[k]];
        pairs(rows[2], rows[3], two);
        triples(rows[1], two, three);
        for (long k = 0; k < 4; ++k) {
            d[c.at[k]] += (k % 2 ? -ct : ct) * three[k];
            dthree[k] = (k % 2 ? -ct : ct) * rows[0][k];
        }
        const V* b = rows[1];
        V* e = d + width;
        e[c.at[0]] += dthree[1] * two[5] + dthree[2] * two[4] + dthree[3] * two[3];
        e[c.at[1]] += dthree[0] * two[5] - dthree[2] * two[2] - dthree[3] * two[1];
        e[c.at[2]] += dthree[3] * two[0] - dthree[0] * two[4] - dthree[1] * two[2];
        e[c.at[3]] += dthree[0] * two[3] + dthree[1] * two[1] + dthree[2] * two[0];
        dtwo[0] = dthree[2] * b[3] + dthree[3] * b[2];
        dtwo[1] = dthree[1] * b[3] - dthree[3] * b[1];
        dtwo[2] = -(dthree[1] * b[2] + dthree[2] * b[1]);
        dtwo[3] = dthree[0] * b[3] + dthree[3] * b[0];
        dtwo[4] = dthree[2] * b[0] - dthree[0] * b[2];
        dtwo[5] = dthree[0] * b[1] + dthree[1] * b[0];
        const V *p = rows[2], *q = rows[3];
        V *dp = d + 2 * width, *dq = d + 3 * width;
        dp[c.at[0]] += dtwo[0] * q[1] + dtwo[1] * q[2] + dtwo[2] * q[3];
        dp[c.at[1]] += dtwo[3] * q[2] + dtwo[4] * q[3] - dtwo[0] * q[0];
        dp[c.at[2]] += dtwo[5] * q[3] - dtwo[1] * q[0] - dtwo[3] * q[1];
        dp[c.at[3]] -= dtwo[2] * q[0] + dtwo[4] * q[1] + dtwo[5] * q[2];
        dq[c.at[0]] -= dtwo[0] * p[1] + dtwo[1] * p[2] + dtwo[2] * p[3];
        dq[c.at[1]] += dtwo[0] * p[0] - dtwo[3] * p[2] - dtwo[4] * p[3];
        dq[c.at[2]] += dtwo[1] * p[0] + dtwo[3] * p[1] - dtwo[5] * p[3];
        dq[c.at[3]] += dtwo[2] * p[0] + dtwo[4] * p[1] + dtwo[5] * p[2];
        return rows[0][0] * three[0] - rows[0][1] * three[1] + rows[0][2] * three[2] - rows[0][3] * three[3];
    } else {
        V total = {};
        for (int j = 0; j < M; ++j) {
            const V signed_ct = j % 2 ? -ct : ct, entry = a[c.at[j]];
            const V minor = both<M - 1>(a + width, d + width, width, c.without(j), signed_ct * entry);
            d[c.at[j]] += signed_ct * minor;
            total = j % 2 ? total - entry * minor : total + entry * minor;
        }
        return total;
    }
}

// The determinants that are left when the columns i, j are taken by the first two rows, eight in the lanes.
struct Batch {
    long i[W], j[W], count = 0;
    double sign[W];
};

template <int M, bool GRADIENT>
static double batches(const double* a, double* da) {
    constexpr long n = M + 2;
    Columns<M> all_columns;
    for (int k = 0; k < M; ++k) all_columns.at[k] = k;
    static V rest[M * M], d[M * M];
    double total = 0.0;
    Batch batch;
    const auto column = [&](long lane, long k) {  // the k-th column that is left
        const long low = batch.i[lane] < batch.j[lane] ? batch.i[lane] : batch.j[lane], high = batch.i[lane] + batch.j[lane] - low;
        return k < low ? k : k + 1 < high ? k + 1 : k + 2;
    };
    const auto run = [&] {
        V ct = {};
        for (long lane = 0; lane < batch.count; ++lane) {
            for (long r = 0; r < M; ++r)
                for (long k = 0; k < M; ++k) rest[r * M + k][lane] = a[(r + 2) * n + column(lane, k)];
            ct[lane] = batch.sign[lane] * a[batch.i[lane]] * a[n + batch.j[lane]];
        }
        if (!GRADIENT) {
            total += sum(ct * value<M>(rest, M, all_columns));
            return;
        }
        for (V& x : d) x = V{};
        const V minor = both<M>(rest, d, M, all_columns, ct);
        for (long lane = 0; lane < batch.count; ++lane) {
            const long i = batch.i[lane], j = batch.j[lane];
            da[i] += batch.sign[lane] * a[n + j] * minor[lane];
            da[n + j] += batch.sign[lane] * a[i] * minor[lane];
            for (long r = 0; r < M; ++r)
                for (long k = 0; k < M; ++k) da[(r + 2) * n + column(lane, k)] += d[r * M + k][lane];
        }
    };
    for (long i = 0; i < n; ++i)
        for (long j = 0; j < n; ++j) {
            if (i == j) continue;
            batch.i[batch.count] = i;
            batch.j[batch.count] = j;
            batch.sign[batch.count++] = (i + j - (j > i)) % 2 ? -1.0 : 1.0;
            if (batch.count == W) {
                run();
                batch.count = 0;
            }
        }
    if (batch.count) run();
    return total;
}

template <bool GRADIENT>
static double determinant(const double* a, long n, double* da) {
    if (GRADIENT) std::memset(da, 0, sizeof(double) * n * n);
    switch (n) {
        case 3: return batches<1, GRADIENT>(a, da);
        case 4: return batches<2, GRADIENT>(a, da);
        case 5: return batches<3, GRADIENT>(a, da);
        case 6: return batches<4, GRADIENT>(a, da);
        case 7: return batches<5, GRADIENT>(a, da);
        case 8: return batches<6, GRADIENT>(a, da);
        case 9: return batches<7, GRADIENT>(a, da);
        case 10: return batches<8, GRADIENT>(a, da);
        case 11: return batches<9, GRADIENT>(a, da);
        case 12: return batches<10, GRADIENT>(a, da);
    }
    return NAN;
}

extern "C" double time_value(long repeats, const double* a, long n, double* out) {
    return seconds(repeats, [&] { out[0] = determinant<false>(a, n, nullptr); });
}

extern "C" double time_gradient(long repeats, const double* a, long n, double* out) {
    return seconds(repeats, [&] { determinant<true>(a, n, out); });
}

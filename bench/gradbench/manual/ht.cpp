// A vertex is moved by one to four bones, and a bone depends on the angles of its own finger only, so a vertex has six dense
// columns of derivatives and four for each finger that moves it. For each bone a table holds its transform and the derivatives
// of that by the four angles, in five lanes, the rotation of the hand applied; a vertex takes twelve multiply-adds of it for
// each bone. Rotation of the hand by the vector r: with q the rotated vertex and J the left Jacobian of the rotation group,
//     dq/dr_k = J_k × q,   J = (sin θ/θ) I + (1 - cos θ)/θ [a]× + (1 - sin θ/θ) a aᵀ,   r = θ a.
// Vertices that no correspondence needs are left out. A row of the result combines the rows of three vertices.
//
// Limited by memory: 672 bytes are written for a correspondence, most of them zeros, and 2.3 KB read from the second-level
// cache. Writing past the caches gains nothing here. Measured, residuals and Jacobian: 9.6 and 14 µs for 100 correspondences (of
// which finding the vertices that are needed takes the most), 19 and 59 µs for 1,600, 0.19 and 2.1 ms for 51,200.
#include "../../harness.hpp"
#include "lanes.hpp"

constexpr long ANGLES = 26, FINGERS = 5, LANES = 4;  // LANES: vectors of a row of derivatives

struct Problem {
    const double *theta, *us;
    const long* parents;
    const double *relatives, *inverses, *positions, *weights;
    const long *triangles, mirrored, *correspondences;
    const double* points;
    long bones, vertices, count;
};

struct Matrix {
    double at[4][4];
};

static Matrix operator*(const Matrix& a, const Matrix& b) {
    Matrix c;
    for (int i = 0; i < 4; ++i)
        for (int j = 0; j < 4; ++j) {
            c.at[i][j] = 0.0;
            for (int k = 0; k < 4; ++k) c.at[i][j] += a.at[i][k] * b.at[k][j];
        }
    return c;
}

static Matrix matrix(const double* p) {
    Matrix m;
    std::memcpy(&m, p, sizeof m);
    return m;
}

// The rotation by `bend` about x, then by `spread` about z, and its derivatives.
static void turns(double bend, double spread, Matrix* turn, Matrix* by_bend, Matrix* by_spread) {
    const double cx = std::cos(bend), sx = std::sin(bend), cz = std::cos(spread), sz = std::sin(spread);
    *turn = {{{cz, -sz * cx, sz * sx, 0}, {sz, cz * cx, -cz * sx, 0}, {0, sx, cx, 0}, {0, 0, 0, 1}}};
    *by_bend = {{{0, sz * sx, sz * cx, 0}, {0, -cz * sx, -cz * cx, 0}, {0, cx, -sx, 0}, {0, 0, 0, 0}}};
    *by_spread = {{{-sz, -cz * cx, cz * sx, 0}, {cz, -sz * cx, sz * sx, 0}, {0, 0, 0, 0}, {0, 0, 0, 0}}};
}

// A bone's transform (lane 0) and its derivatives by the four angles of its finger (lanes 1 … 4): [k][row], k the coordinate
// of the vertex that it is applied to.
struct Bone {
    V at[4][3];
};

struct Hand {
    double rotation[3][3], left[3][3];  // left: the left Jacobian; zero where the rotation is taken to be none
    const double* place;
    const Bone* bones;

    Hand(const Problem& p, bool derivatives) : place(p.theta + 3) {
        rotate(p.theta);
        static Kept<Bone> kept;
        Bone* out = kept.fit(p.bones);
        bones = out;
        static Kept<Matrix> kept_absolutes;
        Matrix* absolutes = kept_absolutes.fit(p.bones * 5);  // of each bone, then by the angles of its finger
        for (long b = 0; b < p.bones; ++b) {
            const long joint = b > 0 && b <= 4 * FINGERS ? (b - 1) % 4 : 0;  // 1, 2, 3: the bones that bend
            const double* angles = p.theta + 6 + (b - 1) / 4 * 4;
            const Matrix relative = matrix(p.relatives + 16 * b), inverse = matrix(p.inverses + 16 * b);
            Matrix turn, by_bend, by_spread, *mine = absolutes + 5 * b;
            turns(joint == 1 ? angles[0] : joint > 1 ? angles[joint] : 0.0, joint == 1 ? angles[1] : 0.0, &turn, &by_bend, &by_spread);
            const Matrix *parent = p.parents[b] < 0 ? nullptr : absolutes + 5 * p.parents[b], base = parent ? *parent * relative : relative;
            mine[0] = base * turn;
            long known = 1;  // how many of the lanes are not zero
            if (derivatives && joint > 0) {
                const Matrix step = relative * turn;
                known = joint + 2;
                for (long a = 1; a < known; ++a) mine[a] = joint == 1 ? base * (a == 1 ? by_bend : by_spread) : a + 1 < known ? parent[a] * step : base * by_bend;
            }
            finish(mine, known, inverse, p.mirrored, out + b);
        }
    }

    void rotate(const double* r) {
        const double angle = std::sqrt(r[0] * r[0] + r[1] * r[1] + r[2] * r[2]);
        const bool none = angle < 1e-4;
        const double s = std::sin(angle), c = std::cos(angle), over = none ? 0.0 : 1.0 / angle, a[3] = {r[0] * over, r[1] * over, r[2] * over};
        const double skew[3][3] = {{0, -a[2], a[1]}, {a[2], 0, -a[0]}, {-a[1], a[0], 0}};
        for (int i = 0; i < 3; ++i)
            for (int j = 0; j < 3; ++j) {
                const double one = i == j ? 1.0 : 0.0, outer = a[i] * a[j];
                rotation[i][j] = none ? one : c * one + s * skew[i][j] + (1.0 - c) * outer;
                left[i][j] = none ? 0.0 : s * over * one + (1.0 - c) * over * skew[i][j] + (1.0 - s * over) * outer;
            }
    }

    void finish(const Matrix* absolutes, long known, const Matrix& inverse, bool mirrored, Bone* out) const {
        std::memset(static_cast<void*>(out), 0, sizeof *out);
        for (long a = 0; a < known; ++a) {
            Matrix m = absolutes[a] * inverse;
            if (mirrored)
                for (double& x : m.at[0]) x = -x;
            for (int k = 0; k < 4; ++k)
                for (int row = 0; row < 3; ++row)
                    out->at[k][row][a] = rotation[row][0] * m.at[0][k] + rotation[row][1] * m.at[1][k] + rotation[row][2] * m.at[2][k];
        }
    }
};

static Kept<char> kept_needed;
static Kept<double> kept_positions, kept_derivatives;

// Calls f with each vertex that a correspondence needs.
template <bool SURFACE, class F>
static void for_needed(const Problem& p, F f) {
    char* needed = kept_needed.fit(p.vertices);
    std::memset(needed, 0, p.vertices);
    for (long i = 0; i < p.count; ++i) {
        const long to = p.correspondences[i];
        if (SURFACE)
            for (int corner = 0; corner < 3; ++corner) needed[p.triangles[3 * to + corner]] = 1;
        else
            needed[to] = 1;
    }
    for (long v = 0; v < p.vertices; ++v)
        if (needed[v]) f(v);
}

template <bool SURFACE>
static void value(const Problem& p, double* out) {
    const Hand hand(p, false);
    double* places = kept_positions.fit(3 * p.vertices);
    for_needed<SURFACE>(p, [&](long v) {
        double x = hand.place[0], y = hand.place[1], z = hand.place[2];
        const double *weights = p.weights + v * p.bones, *position = p.positions + 4 * v;
        for (long b = 0; b < p.bones; ++b)
            if (weights[b] != 0.0)
                for (int k = 0; k < 4; ++k) {
                    const double w = weights[b] * position[k];
                    x += w * hand.bones[b].at[k][0][0];
                    y += w * hand.bones[b].at[k][1][0];
                    z += w * hand.bones[b].at[k][2][0];
                }
        places[3 * v] = x;
        places[3 * v + 1] = y;
        places[3 * v + 2] = z;
    });
    for (long i = 0; i < p.count; ++i) {
        const long to = p.correspondences[i];
        const double* point = p.points + 3 * i;
        if (!SURFACE) {
            for (int row = 0; row < 3; ++row) out[3 * i + row] = point[row] - places[3 * to + row];
            continue;
        }
        const double *a = places + 3 * p.triangles[3 * to], *b = places + 3 * p.triangles[3 * to + 1], *c = places + 3 * p.triangles[3 * to + 2];
        const double u = p.us[2 * i], v = p.us[2 * i + 1];
        for (int row = 0; row < 3; ++row) out[3 * i + row] = point[row] - (u * a[row] + v * b[row] + (1.0 - u - v) * c[row]);
    }
}

// A vertex's position, and its derivatives: three rows of LANES vectors, the angles from column `first` on, negated as the
// residual has them.
static void vertex(const Problem& p, const Hand& hand, long v, long first, double* position, double* d) {
    const double *weights = p.weights + v * p.bones, *at = p.positions + 4 * v;
    std::memset(d, 0, sizeof(double) * 3 * LANES * W);
    double q[3] = {};
    for (long b = 0; b < p.bones; ++b) {
        if (weights[b] == 0.0) continue;
        V rows[3] = {};
        for (int k = 0; k < 4; ++k)
            for (int row = 0; row < 3; ++row) rows[row] += weights[b] * at[k] * hand.bones[b].at[k][row];
        for (int row = 0; row < 3; ++row) {
            q[row] += rows[row][0];
            if (b == 0 || b > 4 * FINGERS) continue;
            double* angles = d + row * LANES * W + first + 6 + (b - 1) / 4 * 4;
            for (int a = 0; a < 4; ++a) angles[a] -= rows[row][a + 1];
        }
    }
    for (int row = 0; row < 3; ++row) {
        const int next = (row + 1) % 3, other = (row + 2) % 3;
        double* angles = d + row * LANES * W + first;
        for (int k = 0; k < 3; ++k) angles[k] = hand.left[other][k] * q[next] - hand.left[next][k] * q[other];
        angles[3 + row] = -1.0;
        position[row] = q[row] + hand.place[row];
    }
}

template <bool SURFACE>
static void jacobian(const Problem& p, double* out) {
    constexpr long first = SURFACE ? 2 : 0, width = ANGLES + first, block = 3 * width;
    const Hand hand(p, true);
    double *places = kept_positions.fit(3 * p.vertices), *derivatives = kept_derivatives.fit(3 * LANES * W * p.vertices);
    for_needed<SURFACE>(p, [&](long v) { vertex(p, hand, v, first, places + 3 * v, derivatives + 3 * LANES * W * v); });
    for (long i = 0; i < p.count; ++i) {
        const long to = p.correspondences[i];
        double* target = out + i * block;
        const long *corners = SURFACE ? p.triangles + 3 * to : &to, stride = 3 * LANES * W;
        const double u = SURFACE ? p.us[2 * i] : 1.0, v = SURFACE ? p.us[2 * i + 1] : 0.0, w = 1.0 - u - v;
        const double *a = derivatives + stride * corners[0], *b = SURFACE ? derivatives + stride * corners[1] : a, *c = SURFACE ? derivatives + stride * corners[2] : a;
        for (int row = 0; row < 3; ++row) {
            V x[LANES];
            for (long l = 0; l < LANES; ++l) {
                const long at = (row * LANES + l) * W;
                x[l] = SURFACE ? u * load(a + at) + v * load(b + at) + w * load(c + at) : load(a + at);
            }
            if (SURFACE) {
                const double last = places[3 * corners[2] + row];
                x[0] += V{last - places[3 * corners[0] + row], last - places[3 * corners[1] + row]};
            }
            for (long l = 0; l + 1 < LANES; ++l) store(target + row * width + l * W, x[l]);
            std::memcpy(target + row * width + (LANES - 1) * W, &x[LANES - 1], sizeof(double) * (width - (LANES - 1) * W));
        }
    }
}

extern "C" double time_value(long repeats, const double* theta, const double* us, const long* parents, const double* relatives, const double* inverses,
                             const double* positions, const double* weights, const long* triangles, long mirrored, const long* correspondences,
                             const double* points, long bones, long vertices, long count, long surface, double* out) {
    const Problem p{theta, us, parents, relatives, inverses, positions, weights, triangles, mirrored, correspondences, points, bones, vertices, count};
    return seconds(repeats, [&] { surface ? value<true>(p, out) : value<false>(p, out); });
}

extern "C" double time_gradient(long repeats, const double* theta, const double* us, const long* parents, const double* relatives, const double* inverses,
                                const double* positions, const double* weights, const long* triangles, long mirrored, const long* correspondences,
                                const double* points, long bones, long vertices, long count, long surface, double* out) {
    const Problem p{theta, us, parents, relatives, inverses, positions, weights, triangles, mirrored, correspondences, points, bones, vertices, count};
    return seconds(repeats, [&] { surface ? jacobian<true>(p, out) : jacobian<false>(p, out); });
}

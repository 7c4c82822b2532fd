// Eight observations at a time, in the lanes. The Jacobian by reverse mode for each of the two rows of an observation: with
// the camera's point c = R(r) p, p = X - C, the image e = (c0, c1) / c2, L = 1 + k1 |e|² + k2 |e|⁴ and the residual
// w (f L e + o - feature), a row starts with b = d(residual)/dc, and
//     dX = Rᵀ b        dC = -dX        dr = a θ̄ + (ā - a (a·ā)) / θ
// where r = θ a, s, c = sin θ, cos θ, θ̄ = c b·(a×p) - s (b·p - (a·b)(a·p)) and ā = s p×b + (1-c) ((a·p) b + (a·b) p).
// The columns of a row are then transposed, so that the fifteen numbers of each row are written as they lie in memory.
//
// Limited by memory: 384 bytes of values, columns and rows are written for an observation, 19 ns at the 20 GB/s at which one
// core writes past the caches. Measured for an observation: 5.4 ns the residuals, 24 to 27 ns the Jacobian.
#include "../../harness.hpp"
#include "lanes.hpp"

typedef long L __attribute__((vector_size(64)));
typedef int I __attribute__((vector_size(64)));

constexpr long CAMERA = 11, POINT = 3, ENTRIES = CAMERA + POINT + 1;

static V gather(const double* base, L index) {
#ifdef __AVX512F__
    return _mm512_i64gather_pd(reinterpret_cast<__m512i>(index), base, 8);
#else
    V x;
    for (long l = 0; l < W; ++l) x[l] = base[index[l]];
    return x;
#endif
}

static V sine(V x) {
    V y;
    for (long l = 0; l < W; ++l) y[l] = std::sin(x[l]);
    return y;
}

static V cosine(V x) {
    V y;
    for (long l = 0; l < W; ++l) y[l] = std::cos(x[l]);
    return y;
}

static V root(V x) {
    V y;
    for (long l = 0; l < W; ++l) y[l] = std::sqrt(x[l]);
    return y;
}

struct Three {
    V x, y, z;
};

static Three operator+(Three a, Three b) { return {a.x + b.x, a.y + b.y, a.z + b.z}; }
static Three operator-(Three a, Three b) { return {a.x - b.x, a.y - b.y, a.z - b.z}; }
static Three operator*(V s, Three a) { return {s * a.x, s * a.y, s * a.z}; }
static V dot(Three a, Three b) { return a.x * b.x + a.y * b.y + a.z * b.z; }
static Three cross(Three a, Three b) { return {a.y * b.z - a.z * b.y, a.z * b.x - a.x * b.z, a.x * b.y - a.y * b.x}; }

const L EVEN = {0, 2, 4, 6, 8, 10, 12, 14}, ODD = {1, 3, 5, 7, 9, 11, 13, 15};

struct Problem {
    const double *cameras, *points, *weights, *features;
    const long* observations;
    long n, m, p;
};

// Eight observations from `start`; beyond the last one it is repeated.
struct Observations {
    L camera, point;
    V weight, fx, fy, focal, ox, oy, k1, k2;
    Three rotation, seen;  // seen: the point as from the camera's centre, not yet turned

    Observations(const Problem& p, long start) {
        if (start + W <= p.p) {
            L a, b;
            std::memcpy(&a, p.observations + 2 * start, sizeof a);
            std::memcpy(&b, p.observations + 2 * start + W, sizeof b);
            camera = __builtin_shuffle(a, b, EVEN);
            point = __builtin_shuffle(a, b, ODD);
            weight = load(p.weights + start);
            fx = __builtin_shuffle(load(p.features + 2 * start), load(p.features + 2 * start + W), EVEN);
            fy = __builtin_shuffle(load(p.features + 2 * start), load(p.features + 2 * start + W), ODD);
        } else {
            for (long l = 0; l < W; ++l) {
                const long i = start + l < p.p ? start + l : p.p - 1;
                camera[l] = p.observations[2 * i];
                point[l] = p.observations[2 * i + 1];
                weight[l] = p.weights[i];
                fx[l] = p.features[2 * i];
                fy[l] = p.features[2 * i + 1];
            }
        }
        const L at = camera * CAMERA, to = point * POINT;
        const auto field = [&](long k) { return gather(p.cameras + k, at); };
        rotation = {field(0), field(1), field(2)};
        seen = Three{gather(p.points, to), gather(p.points + 1, to), gather(p.points + 2, to)} - Three{field(3), field(4), field(5)};
        focal = field(6);
        ox = field(7);
        oy = field(8);
        k1 = field(9);
        k2 = field(10);
    }
};

struct Rotated {
    L still;  // where the angle is zero
    V angle, sin, versine, along;  // versine: 1 - cos
    Three axis, point;

    explicit Rotated(const Observations& o) {
        const V square = dot(o.rotation, o.rotation);
        still = square == 0.0;
        angle = root(still ? all(1.0) : square);
        axis = reciprocal(angle) * o.rotation;
        // Where the angle is zero, sin = 1 and versine = 0 give p + r × p, and the derivative by r is right as well.
        sin = still ? all(1.0) : sine(angle);
        versine = still ? all(0.0) : 1.0 - cosine(angle);
        along = dot(axis, o.seen);
        point = (1.0 - versine) * o.seen + sin * cross(axis, o.seen) + (versine * along) * axis;
    }
};

static void store_some(double* to, const V* x, long vectors, long count) {
    if (count == vectors * W)
        for (long v = 0; v < vectors; ++v) store(to + v * W, x[v]);
    else
        for (long i = 0; i < count; ++i) to[i] = x[i / W][i % W];
}

static void value(const Problem& p, double* out) {
    for (long start = 0; start < p.p; start += W) {
        const Observations o(p, start);
        const Rotated r(o);
        const V depth = reciprocal(r.point.z), x = r.point.x * depth, y = r.point.y * depth, square = x * x + y * y;
        const V scale = o.focal * (1.0 + square * (o.k1 + square * o.k2));
        const V a = o.weight * (x * scale + o.ox - o.fx), b = o.weight * (y * scale + o.oy - o.fy), w = 1.0 - o.weight * o.weight;
        const V pairs[2] = {__builtin_shuffle(a, b, L{0, 8, 1, 9, 2, 10, 3, 11}), __builtin_shuffle(a, b, L{4, 12, 5, 13, 6, 14, 7, 15})};
        const long count = p.p - start < W ? p.p - start : W;
        store_some(out + 2 * start, pairs, 2, 2 * count);
        store_some(out + 2 * p.p + start, &w, 1, count);
    }
}

static void transpose(V* a) {
    V b[W];
    for (long i = 0; i < W; i += 2) {
        b[i] = __builtin_shuffle(a[i], a[i + 1], L{0, 8, 2, 10, 4, 12, 6, 14});
        b[i + 1] = __builtin_shuffle(a[i], a[i + 1], L{1, 9, 3, 11, 5, 13, 7, 15});
    }
    for (long i = 0; i < W; i += 4)
        for (long j = 0; j < 2; ++j) {
            a[i + j] = __builtin_shuffle(b[i + j], b[i + j + 2], L{0, 1, 8, 9, 4, 5, 12, 13});
            a[i + j + 2] = __builtin_shuffle(b[i + j], b[i + j + 2], L{2, 3, 10, 11, 6, 7, 14, 15});
        }
    for (long j = 0; j < 4; ++j) {
        b[j] = __builtin_shuffle(a[j], a[j + 4], L{0, 1, 2, 3, 8, 9, 10, 11});
        b[j + 4] = __builtin_shuffle(a[j], a[j + 4], L{4, 5, 6, 7, 12, 13, 14, 15});
    }
    for (long i = 0; i < W; ++i) a[i] = b[i];
}

// The derivatives of one residual of eight observations: b is that by the turned point, `coordinate` that of the image.
__attribute__((always_inline)) inline void row(const Observations& o, const Rotated& r, Three b, V coordinate, V scale, V square, bool second, V residual, V* J) {
    const V ab = dot(r.axis, b), bp = dot(b, o.seen);
    const Three pb = cross(o.seen, b);
    const Three dpoint = (1.0 - r.versine) * b + r.sin * cross(b, r.axis) + (r.versine * ab) * r.axis;
    const Three daxis = r.sin * pb + r.versine * (r.along * b + ab * o.seen);
    const V dangle = (1.0 - r.versine) * dot(r.axis, pb) - r.sin * (bp - ab * r.along);
    const Three tangential = reciprocal(r.angle) * (daxis - dot(r.axis, daxis) * r.axis);
    const Three turned = tangential + dangle * r.axis;
    J[0] = r.still ? pb.x : turned.x;
    J[1] = r.still ? pb.y : turned.y;
    J[2] = r.still ? pb.z : turned.z;
    J[3] = -dpoint.x;
    J[4] = -dpoint.y;
    J[5] = -dpoint.z;
    const V lever = o.weight * coordinate;
    J[6] = lever * scale;
    J[7] = second ? V{} : o.weight;
    J[8] = second ? o.weight : V{};
    J[9] = lever * o.focal * square;
    J[10] = J[9] * square;
    J[11] = dpoint.x;
    J[12] = dpoint.y;
    J[13] = dpoint.z;
    J[14] = residual;
}

static void derivatives(const Observations& o, V* J) {
    const Rotated r(o);
    const V depth = reciprocal(r.point.z), x = r.point.x * depth, y = r.point.y * depth, square = x * x + y * y;
    const V scale = 1.0 + square * (o.k1 + square * o.k2), bend = 2.0 * (o.k1 + 2.0 * square * o.k2), wf = o.weight * o.focal;
    const V xx = wf * (scale + x * x * bend) * depth, xy = wf * x * y * bend * depth, yy = wf * (scale + y * y * bend) * depth;
    const V fx = o.focal * scale * x + o.ox - o.fx, fy = o.focal * scale * y + o.oy - o.fy;
    row(o, r, {xx, xy, -(xx * x + xy * y)}, x, scale, square, false, fx, J);
    row(o, r, {xy, yy, -(xy * x + yy * y)}, y, scale, square, true, fy, J + ENTRIES);
}

// The columns of both rows of an observation. Each store writes one number too many, which the next one mends.
static void columns(const Problem& p, long camera, long point, long i, int* to) {
    const int first = static_cast<int>(CAMERA * camera), second = static_cast<int>(CAMERA * p.n + POINT * point);
    const I camera_at = I{} + first, point_at = I{} + second, weight_at = I{} + static_cast<int>(CAMERA * p.n + POINT * p.m + i);
    const I in_camera = {-1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1}, in_point = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, -1, -1, -1};
    const I v = I{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 0, 1, 2, 0, 0} + ((camera_at & in_camera) | (point_at & in_point) | (weight_at & ~(in_camera | in_point)));
    std::memcpy(to, &v, sizeof v);
    std::memcpy(to + ENTRIES, &v, sizeof v);
}

// Writes whole cache lines past the caches, which saves reading them first, where the target is aligned.
static void stream(void* to, const void* from, long bytes) {
#ifdef __AVX512F__
    if (reinterpret_cast<std::size_t>(to) % 64 == 0 && bytes % 64 == 0) {
        for (long at = 0; at < bytes; at += 64)
            _mm512_stream_si512(reinterpret_cast<__m512i*>(static_cast<char*>(to) + at), _mm512_load_si512(static_cast<const char*>(from) + at));
        return;
    }
#endif
    std::memcpy(to, from, bytes);
}

static void jacobian(const Problem& p, int* rows, int* cols, double* out) {
    constexpr long BOTH = 2 * ENTRIES;
    alignas(64) double values[W * BOTH];
    alignas(64) int places[W * BOTH + 1];
    for (long start = 0; start < p.p; start += W) {
        V J[4 * W] = {};
        const Observations o(p, start);
        derivatives(o, J);
        for (long k = 0; k < 4; ++k) transpose(J + k * W);
        for (long l = 0; l < W; ++l) {
            for (long k = 0; k < 3; ++k) store(values + l * BOTH + k * W, J[k * W + l]);
            std::memcpy(values + l * BOTH + 3 * W, &J[3 * W + l], (BOTH - 3 * W) * sizeof(double));
            columns(p, o.camera[l], o.point[l], start + l, places + l * BOTH);
        }
        const long count = p.p - start < W ? p.p - start : W;
        stream(out + start * BOTH, values, count * BOTH * sizeof(double));
        stream(cols + start * BOTH, places, count * BOTH * sizeof(int));
    }
    const long body = BOTH * p.p, first = CAMERA * p.n + POINT * p.m;
    for (long i = 0; i < p.p; ++i) out[body + i] = -2.0 * p.weights[i];
    for (long i = 0; i < p.p; ++i) cols[body + i] = static_cast<int>(first + i);
    for (long i = 0; i < 2 * p.p; ++i) rows[i] = static_cast<int>(ENTRIES * i);
    for (long i = 0; i <= p.p; ++i) rows[2 * p.p + i] = static_cast<int>(body + i);
}

extern "C" double time_value(long repeats, const double* cameras, const double* points, const double* weights, const long* observations,
                             const double* features, long n, long m, long p, int*, int*, double* out) {
    const Problem problem{cameras, points, weights, features, observations, n, m, p};
    return seconds(repeats, [&] { value(problem, out); });
}

extern "C" double time_gradient(long repeats, const double* cameras, const double* points, const double* weights, const long* observations,
                                const double* features, long n, long m, long p, int* rows, int* cols, double* out) {
    const Problem problem{cameras, points, weights, features, observations, n, m, p};
    return seconds(repeats, [&] { jacobian(problem, rows, cols, out); });
}

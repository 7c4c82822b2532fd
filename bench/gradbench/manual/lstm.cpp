// Weights are diagonal, so units lie in the lanes (14 of 16 are used), and sigmoid and tanh are an exponential and a
// reciprocal each.
//
// The gradient cuts the text into segments whose tape fits the second-level cache. A first pass keeps the state at the start
// of each; then each segment, from the last, is run again with its tape and its adjoint follows. A second forward pass is
// cheaper than writing and reading a tape of 450 bytes for each cell, layer and vector. With h̄, c̄ the adjoints of hidden
// state and cell, q = tanh(c):
//     ō = h̄ q     c̄ += h̄ o (1 - q²)     f̄ = c̄ c₋     ī = c̄ g     ḡ = c̄ i     c̄₋ = c̄ f
// and a sigmoid s passes on s̄ s (1 - s), a tanh r̄ (1 - r²), to weight, bias and input of its gate.
//
// Limited by the five exponentials and reciprocals of a cell: 37 ns for eight units. Measured, value and gradient: 155 and
// 318 µs at l=2, c=1024; 1.2 and 2.6 ms at l=4, c=4096; 3.7 and 7.8 ms at l=6, c=8192.
#include "../../harness.hpp"
#include "lanes.hpp"
#include <algorithm>

constexpr long LIMIT = 512 * 1024;  // bytes of tape in a segment

static V sigmoid(V x) { return reciprocal(1.0 + exp(-x)); }
static V tanh(V x) { return 2.0 * reciprocal(1.0 + exp(-2.0 * x)) - 1.0; }

enum { FORGET, INGATE, OUTGATE, CHANGE };

// Weights and biases of the four gates, for one vector of units.
struct Gates {
    V weight[4], bias[4];
};

struct State {
    V hidden, cell;
};

struct Taped {
    V forget, ingate, outgate, change, squashed, before, hidden;  // `before`: the cell as it was
};

static void advance(const Gates& p, State& s, V signal, Taped* tape) {
    const V forget = sigmoid(signal * p.weight[FORGET] + p.bias[FORGET]), ingate = sigmoid(s.hidden * p.weight[INGATE] + p.bias[INGATE]);
    const V outgate = sigmoid(signal * p.weight[OUTGATE] + p.bias[OUTGATE]), change = tanh(s.hidden * p.weight[CHANGE] + p.bias[CHANGE]);
    const V before = s.cell;
    s.cell = before * forget + ingate * change;
    const V squashed = tanh(s.cell);
    if (tape) *tape = {forget, ingate, outgate, change, squashed, before, s.hidden};
    s.hidden = outgate * squashed;
}

static V retreat(const Gates& p, const Taped& t, V signal, State& ct, Gates& d) {
    const V dc = ct.cell + ct.hidden * t.outgate * (1.0 - t.squashed * t.squashed);
    const V forget = dc * t.before * t.forget * (1.0 - t.forget), ingate = dc * t.change * t.ingate * (1.0 - t.ingate);
    const V outgate = ct.hidden * t.squashed * t.outgate * (1.0 - t.outgate), change = dc * t.ingate * (1.0 - t.change * t.change);
    ct.cell = dc * t.forget;
    ct.hidden = ingate * p.weight[INGATE] + change * p.weight[CHANGE];
    d.weight[FORGET] += forget * signal;
    d.weight[INGATE] += ingate * t.hidden;
    d.weight[OUTGATE] += outgate * signal;
    d.weight[CHANGE] += change * t.hidden;
    d.bias[FORGET] += forget;
    d.bias[INGATE] += ingate;
    d.bias[OUTGATE] += outgate;
    d.bias[CHANGE] += change;
    return forget * p.weight[FORGET] + outgate * p.weight[OUTGATE];
}

// The arguments with units in whole vectors. Lanes beyond the last unit have zero weights, and their predictions do not count.
struct Problem {
    long layers, count, bits, vectors;
    const double* sequence;
    Gates* gates;         // [layer][vector]
    State* first;         // [layer][vector]
    V *in, *out, *shift;  // [vector]: the extra parameters
    V* valid;
    double* end;  // the last row of the sequence, padded

    Problem(const double* main, const double* extra, const double* state, const double* sequence, long layers, long count, long bits)
        : layers(layers), count(count), bits(bits), vectors((bits + W - 1) / W), sequence(sequence) {
        static Kept<Gates> kept_gates;
        static Kept<State> kept_first;
        static Kept<V> kept_extra;
        gates = kept_gates.fit(layers * vectors);
        first = kept_first.fit(layers * vectors);
        in = kept_extra.fit(5 * vectors);
        out = in + vectors;
        shift = out + vectors;
        valid = shift + vectors;
        end = reinterpret_cast<double*>(valid + vectors);
        for (long v = 0; v < vectors; ++v)
            for (long l = 0; l < W; ++l) {
                const long i = v * W + l;
                const bool real = i < bits;
                for (long layer = 0; layer < layers; ++layer) {
                    Gates& g = gates[layer * vectors + v];
                    for (long gate = 0; gate < 4; ++gate) {
                        g.weight[gate][l] = real ? main[(2 * layer * 4 + gate) * bits + i] : 0.0;
                        g.bias[gate][l] = real ? main[((2 * layer + 1) * 4 + gate) * bits + i] : 0.0;
                    }
                    first[layer * vectors + v].hidden[l] = real ? state[2 * layer * bits + i] : 0.0;
                    first[layer * vectors + v].cell[l] = real ? state[(2 * layer + 1) * bits + i] : 0.0;
                }
                in[v][l] = real ? extra[i] : 0.0;
                out[v][l] = real ? extra[bits + i] : 0.0;
                shift[v][l] = real ? extra[2 * bits + i] : -700.0;  // exp is zero
                valid[v][l] = real ? 1.0 : 0.0;
                end[i] = real ? sequence[(count - 1) * bits + i] : 0.0;
            }
    }

    // A vector of row t; lanes beyond the last unit hold some number of the next row.
    V row(long t, long v) const { return t + 1 < count ? load(sequence + t * bits + v * W) : load(end + v * W); }
    V gold(long t, long v) const { return row(t + 1, v) * valid[v]; }
    double scale() const { return 1.0 / (static_cast<double>(count - 1) * bits); }
};

// The cells of characters begin … end-1, in order of character + layer: those of one such front do not depend on each other,
// so their chains of exponentials overlap. The tape, if any, has a row of layers × vectors for each character. `done` is
// told of each character whose top layer is ready.
template <long VECTORS, class Done>
static void run(const Problem& p, State* state, long begin, long end, Taped* tape, Done done) {
    const long cells = p.layers * VECTORS;
    for (long front = begin; front < end + p.layers - 1; ++front) {
        for (long layer = std::min(p.layers - 1, front - begin); layer >= 0 && front - layer < end; --layer)
            for (long v = 0; v < VECTORS; ++v) {
                const long at = layer * VECTORS + v, t = front - layer;
                const V signal = layer > 0 ? state[at - VECTORS].hidden : p.row(t, v) * p.in[v];
                advance(p.gates[at], state[at], signal, tape ? tape + (t - begin) * cells + at : nullptr);
            }
        if (front - begin >= p.layers - 1) done(front - (p.layers - 1));
    }
}

template <long VECTORS>
static double value(const Problem& p) {
    static Kept<State> kept_state;
    static Kept<double> kept_sums;
    State *state = kept_state.fit(p.layers * VECTORS), *top = state + (p.layers - 1) * VECTORS;
    std::memcpy(state, p.first, sizeof(State) * p.layers * VECTORS);
    double *sums = kept_sums.fit(2 * p.count), *golds = sums + p.count;
    V score = {};
    run<VECTORS>(p, state, 0, p.count - 1, nullptr, [&](long t) {
        V e = {}, g = {};
        for (long v = 0; v < VECTORS; ++v) {
            const V y = top[v].hidden * p.out[v] + p.shift[v], gold = p.gold(t, v);
            e += exp(y);
            g += gold;
            score += gold * y;
        }
        sums[t] = sum(e);
        golds[t] = sum(g);
    });
    double total = sum(score);
    for (long t = 0; t + 1 < p.count; ++t) total -= golds[t] * std::log(2.0 + sums[t]);
    return -total * p.scale();
}

template <long VECTORS>
struct Gradient {
    const Problem& p;
    Gates* d;
    State* ct;
    V din[VECTORS] = {}, dout[VECTORS] = {}, dshift[VECTORS] = {};

    // The adjoint of one character.
    void step(long t, const Taped* tape) {
        const Taped* top = tape + (p.layers - 1) * VECTORS;
        V hidden[VECTORS], e[VECTORS], s = {}, g = {};
        for (long v = 0; v < VECTORS; ++v) {
            hidden[v] = top[v].outgate * top[v].squashed;
            e[v] = exp(hidden[v] * p.out[v] + p.shift[v]);
            s += e[v];
            g += p.gold(t, v);
        }
        const double share = sum(g) / (2.0 + sum(s)), scale = p.scale();
        V ds[VECTORS];
        for (long v = 0; v < VECTORS; ++v) {
            const V dy = (e[v] * share - p.gold(t, v)) * scale;
            dout[v] += dy * hidden[v];
            dshift[v] += dy;
            ds[v] = dy * p.out[v];
        }
        for (long at = (p.layers - 1) * VECTORS; at >= 0; at -= VECTORS)
            for (long v = 0; v < VECTORS; ++v) {
                const V signal = at > 0 ? tape[at - VECTORS + v].outgate * tape[at - VECTORS + v].squashed : p.row(t, v) * p.in[v];
                ct[at + v].hidden += ds[v];
                ds[v] = retreat(p.gates[at + v], tape[at + v], signal, ct[at + v], d[at + v]);
            }
        for (long v = 0; v < VECTORS; ++v) din[v] += ds[v] * p.row(t, v);
    }

    void write(double* main, double* extra) const {
        for (long i = 0; i < p.bits; ++i) {
            const long v = i / W, l = i % W;
            for (long layer = 0; layer < p.layers; ++layer)
                for (long gate = 0; gate < 4; ++gate) {
                    main[(2 * layer * 4 + gate) * p.bits + i] = d[layer * VECTORS + v].weight[gate][l];
                    main[((2 * layer + 1) * 4 + gate) * p.bits + i] = d[layer * VECTORS + v].bias[gate][l];
                }
            extra[i] = din[v][l];
            extra[p.bits + i] = dout[v][l];
            extra[2 * p.bits + i] = dshift[v][l];
        }
    }
};

template <long VECTORS>
static void gradient(const Problem& p, double* out) {
    static Kept<State> kept_states, kept_ct;
    static Kept<Taped> kept_tape;
    static Kept<Gates> kept_d;
    const long cells = p.layers * VECTORS, steps = p.count - 1;
    const long length = std::max(1L, LIMIT / static_cast<long>(sizeof(Taped) * cells)), segments = (steps + length - 1) / length;
    State* states = kept_states.fit(cells * (segments + 1));
    Taped* tape = kept_tape.fit(cells * length);
    State* now = states + cells * segments;
    std::memcpy(now, p.first, sizeof(State) * cells);
    const auto nothing = [](long) {};
    for (long k = 0; k < segments; ++k) {
        std::memcpy(states + cells * k, now, sizeof(State) * cells);
        if (k + 1 < segments) run<VECTORS>(p, now, k * length, (k + 1) * length, nullptr, nothing);
    }
    Gradient<VECTORS> g{p, kept_d.fit(cells), kept_ct.fit(cells)};
    std::memset(static_cast<void*>(g.d), 0, sizeof(Gates) * cells);
    std::memset(static_cast<void*>(g.ct), 0, sizeof(State) * cells);
    for (long k = segments - 1; k >= 0; --k) {
        const long begin = k * length, end = std::min(steps, begin + length);
        run<VECTORS>(p, states + cells * k, begin, end, tape, nothing);
        for (long t = end - 1; t >= begin; --t) g.step(t, tape + (t - begin) * cells);
    }
    g.write(out, out + p.layers * 8 * p.bits);
}

// Up to 32 units.
#define FOR_VECTORS(f, ...) \
    (p.vectors == 1 ? f<1>(__VA_ARGS__) : p.vectors == 2 ? f<2>(__VA_ARGS__) : p.vectors == 3 ? f<3>(__VA_ARGS__) : f<4>(__VA_ARGS__))

extern "C" double time_value(long repeats, const double* main, const double* extra, const double* state, const double* sequence, long layers, long count,
                             long bits, double* out) {
    return seconds(repeats, [&] {
        const Problem p(main, extra, state, sequence, layers, count, bits);
        out[0] = FOR_VECTORS(value, p);
    });
}

extern "C" double time_gradient(long repeats, const double* main, const double* extra, const double* state, const double* sequence, long layers, long count,
                                long bits, double* out) {
    return seconds(repeats, [&] {
        const Problem p(main, extra, state, sequence, layers, count, bits);
        FOR_VECTORS(gradient, p, out);
    });
}

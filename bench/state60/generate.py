"""Writes program.py and hand.cpp: a loop that carries 60 scalars, irregularly coupled, so that no array form suggests itself.

    x_i' = x_i + dt (k x_p(i) x_q(i) - x_i + f),   p(i) = 7 i + 3,  q(i) = 11 i + 5  (mod 60)

p and q are permutations, so the adjoint by hand is, with c the cotangent of the new state,

    ct_i = (1 - dt) c_i + dt k (c_a x_q(a) + c_b x_p(b)),   a = p⁻¹(i),  b = q⁻¹(i)
    dk  += dt sum_i c_i x_p(i) x_q(i)                       df += dt sum_i c_i

Run `python bench/state60/generate.py` after changing it.
"""

from pathlib import Path

N = 60
P = [(7 * i + 3) % N for i in range(N)]
Q = [(11 * i + 5) % N for i in range(N)]
LANES = 10  # partial sums for dk and df in C++: one long chain of additions would cost more than all the rest
HERE = Path(__file__).parent


def rows(items: list[str], separator: str, indent: str, per_row: int = 10) -> str:
    lines = [separator.join(items[i : i + per_row]) for i in range(0, len(items), per_row)]
    return (separator.rstrip() + "\n" + indent).join(lines)


def python() -> str:
    out = ['"""A loop that carries 60 scalars. Written by generate.py."""\n\nimport numpy as np\n\n\ndef network(s, k, f, steps):']
    out += [f"    x{i} = s[{i}]" for i in range(N)]
    out += ["    dt = 0.01", "    for _ in range(steps):"]
    out += [f"        n{i} = x{i} + dt * (k * x{P[i]} * x{Q[i]} - x{i} + f)" for i in range(N)]
    out += [f"        x{i} = n{i}" for i in range(N)]
    squares = rows([f"x{i} * x{i}" for i in range(N)], " + ", "        ", 12).replace(" +\n        ", "\n        + ")
    out += ["    return (", f"        {squares}", "    )", "", "", "def example():"]
    out += [f"    return np.random.default_rng(0).uniform(0.1, 0.9, {N}), 0.5, 0.3, 600", ""]
    return "\n".join(out)


def cpp() -> str:
    a, b = [P.index(i) for i in range(N)], [Q.index(i) for i in range(N)]
    step = [f"        const double n{i} = x{i} + dt * (k * x{P[i]} * x{Q[i]} - x{i} + f);" for i in range(N)]
    start = [f"    double x{i} = s[{i}];" for i in range(N)]
    advance = [f"        x{i} = n{i};" for i in range(N)]
    squares = rows([f"x{i} * x{i}" for i in range(N)], " + ", "           ", 12)
    product = [f"        const double d{i} = c{i} * dt;" for i in range(N)]
    out = [
        "// A loop that carries 60 scalars, and its adjoint by hand; the formulas stand in generate.py, which writes this file.",
        "// The tape holds the states; it is allocated once and reused.",
        '#include "../harness.hpp"',
        "#include <vector>",
        "",
        "static const double dt = 0.01;",
        "",
        "static double primal(const double* s, double k, double f, long steps) {",
        *start,
        "    for (long t = 0; t < steps; ++t) {",
        *step,
        *advance,
        "    }",
        f"    return {squares};",
        "}",
        "",
        "static void adjoint(const double* s, double k, double f, long steps, double* __restrict out) {",
        "    static std::vector<double> tape;",
        f"    if (tape.size() < static_cast<std::size_t>({N} * steps)) tape.resize({N} * steps);",
        "    double* __restrict xs = tape.data();",
        *start,
        f"    for (long t = 0; t < steps; ++t, xs += {N}) {{",
        *[f"        xs[{i}] = x{i};" for i in range(N)],
        *step,
        *advance,
        "    }",
        *[f"    double c{i} = 2.0 * x{i};" for i in range(N)],
        "    double " + ", ".join(f"dk{lane} = 0.0, df{lane} = 0.0" for lane in range(LANES)) + ";",
        "    for (long t = 0; t < steps; ++t) {",
        f"        xs -= {N};",
        *[f"        const double y{i} = xs[{i}];" for i in range(N)],
        *product,
        *[f"        dk{lane} += {rows([f'd{i} * (y{P[i]} * y{Q[i]})' for i in range(lane, N, LANES)], ' + ', ' ' * 15, 6)};" for lane in range(LANES)],
        *[f"        df{lane} += {rows([f'd{i}' for i in range(lane, N, LANES)], ' + ', ' ' * 15, 20)};" for lane in range(LANES)],
        *[f"        c{i} = c{i} - d{i} + k * (d{a[i]} * y{Q[a[i]]} + d{b[i]} * y{P[b[i]]});" for i in range(N)],
        "    }",
        *[f"    out[{i}] = c{i};" for i in range(N)],
        f"    out[{N}] = {' + '.join(f'dk{lane}' for lane in range(LANES))};",
        f"    out[{N + 1}] = {' + '.join(f'df{lane}' for lane in range(LANES))};",
        "}",
        "",
        'extern "C" double time_value(long repeats, const double* s, double k, double f, long steps, double* out) {',
        "    return seconds(repeats, [&] { forget(k); forget(f); out[0] = primal(s, k, f, steps); });",
        "}",
        "",
        'extern "C" double time_gradient(long repeats, const double* s, double k, double f, long steps, double* out) {',
        "    return seconds(repeats, [&] { forget(k); forget(f); adjoint(s, k, f, steps, out); });",
        "}",
        "",
    ]
    return "\n".join(out)


if __name__ == "__main__":
    (HERE / "program.py").write_text(python())
    (HERE / "hand.cpp").write_text(cpp())

"""The examples do what they say: each recovers known figures, and the demo agrees with an independent fit."""

import importlib.util
import io
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from rich.console import Console

import oneform as of
from oneform import demo

ROOT = Path(__file__).parents[2]


def load(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"example_{name}", ROOT / "examples" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # `dataclass` looks its class's module up there
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def counts():
    return demo.read_counts()


@pytest.fixture(scope="module")
def model():
    return demo.load_model()


def test_the_table_has_21_rows(counts) -> None:
    years, pelts = counts
    assert years.tolist() == list(range(1900, 1921))
    assert pelts.shape == (21, 2)
    assert pelts[0].tolist() == [30.0, 4.0]
    assert pelts[-1].tolist() == [24.7, 8.6]


def test_the_integrator_agrees_with_scipy(model, counts) -> None:
    from scipy.integrate import solve_ivp

    years, _ = counts
    a, b, c, d, hare, lynx = np.exp(model.START)
    span = (years[0], years[-1])
    tight = {"method": "DOP853", "rtol": 1e-12, "atol": 1e-12}
    orbit = solve_ivp(lambda _, z: [z[0] * (a - b * z[1]), z[1] * (d * z[0] - c)], span, [hare, lynx], t_eval=years, **tight)
    np.testing.assert_allclose(model.solve(model.START, years), orbit.y.T, rtol=1e-7)


def test_compiled_loss_and_gradient_agree_with_cpython(model, counts) -> None:
    value, gradient = of.value_and_grad(model.loss)(model.START, *counts)
    assert value == pytest.approx(model.loss(model.START, *counts), rel=1e-9)
    np.testing.assert_allclose(gradient, demo.gradient_by_differences(model.loss, model.START, *counts), rtol=1e-6)


def test_the_steps_are_accepted_and_rejected(model, counts) -> None:
    """The fit would be no test of a data-dependent loop if every step were accepted."""
    tried = []
    step = model.dormand_prince_step

    def watched(*args):
        result = step(*args)
        tried.append(np.sqrt(0.5 * ((result[2] / result[0]) ** 2 + (result[3] / result[1]) ** 2)) <= model.TOLERANCE)
        return result

    model.dormand_prince_step = watched
    try:
        model.solve(model.START, counts[0])
    finally:
        model.dormand_prince_step = step
    assert 0 < tried.count(False) < tried.count(True)


def test_the_fit_agrees_with_an_independent_one_to_four_digits(model, counts) -> None:
    fitted = demo.fit(model, *counts)
    np.testing.assert_allclose(fitted.parameters, demo.independent_fit(model.START, *counts), rtol=5e-5)
    assert len(fitted.history) > 3
    assert np.all(np.isfinite(fitted.errors))
    assert np.all(fitted.errors > 0)


def test_the_demo_reports_and_draws(tmp_path: Path) -> None:
    out = io.StringIO()
    assert demo.main(Console(file=out, width=160), tmp_path) == 0
    for expected in ("iteration", "alpha", "standard error", "central differences"):
        assert expected in out.getvalue()
    pytest.importorskip("matplotlib", reason="the picture needs matplotlib")
    assert (tmp_path / demo.PICTURE).stat().st_size > 10_000


def test_an_integration_out_of_range_is_an_error_not_a_hang(model, counts) -> None:
    years, pelts = counts
    wild = model.START + np.array([8.0, 0.0, 0.0, 6.0, 0.0, 0.0])
    with np.errstate(all="ignore"), pytest.raises(AssertionError, match="left the range"):
        of.value_and_grad(model.loss)(wild, years, pelts)


def test_galaxies() -> None:
    likelihood, shares, means, scales = load("galaxies").main()
    assert likelihood == pytest.approx(-203.1792, abs=1e-3)  # what other programs find for three components
    np.testing.assert_allclose(shares, [0.0854, 0.8781, 0.0366], atol=1e-3)
    np.testing.assert_allclose(means, [9.710, 21.400, 33.044], atol=5e-3)


def test_bouncing_ball() -> None:
    module = load("bouncing_ball")
    np.testing.assert_allclose(module.main(), module.TRUTH, rtol=1e-6)


def test_heat() -> None:
    assert load("heat").main() == pytest.approx(0.1, rel=1e-3)


@pytest.mark.parametrize(("name", "function"), [("lynx_hare", "loss"), ("galaxies", "negative_log_likelihood"), ("bouncing_ball", "loss"), ("heat", "loss")])
def test_every_example_runs_under_cpython_and_compiled_alike(name: str, function: str) -> None:
    module = load(name)
    args = module.example()
    assert of.jit(getattr(module, function))(*args) == pytest.approx(getattr(module, function)(*args), rel=1e-9)


def test_the_formula_is_found_again() -> None:
    found = load("expression_tree").main()
    assert abs(found.a.a.value - 2.0) < 1e-6 and abs(found.a.b.a.a.value - 1.5) < 1e-6 and abs(found.b.value - 0.5) < 1e-6

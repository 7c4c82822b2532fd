"""One wrong program per rule of the verifier."""

from __future__ import annotations

from dataclasses import replace

import pytest

from oneform.errors import CompileError, InternalError
from oneform.ir import Block, Builder, Function, Instr, Value, parse, verify
from oneform.ops import OPS
from oneform.types import F64, I64, Scalar

TEXT = """
oneform 1
function f(%0: f64, %1: i64) {
  %2: f64 = exp %0
  %3: f64 = for %1, %2
    region(%4: i64, %5: f64) {
      %6: f64 = neg %5
      yield %6
    }
  return %3
}
"""


def parts() -> tuple[Function, Instr, Instr]:
    f = verify(parse(TEXT, OPS))
    exp, loop = f.block.body
    return f, exp, loop


def with_body(f: Function, *body: Instr, results: tuple[Value, ...] | None = None) -> Function:
    return Function(f.name, Block(f.params, body, f.results if results is None else results))


def refused(f: Function, message: str) -> str:
    with pytest.raises(InternalError) as e:
        verify(f)
    assert message in str(e.value)
    return str(e.value)


def test_a_value_is_defined_before_its_use():
    f, exp, loop = parts()
    refused(with_body(f, loop, exp), "operand 1, a f64, is never defined")


def test_a_value_is_defined_once():
    f, exp, loop = parts()
    refused(with_body(f, exp, exp, loop), "defined twice")


def test_a_value_stays_in_its_region():
    f, exp, loop = parts()
    refused(with_body(f, exp, loop, results=loop.regions[0].results), "result 0, a f64, is used outside its scope")


def test_a_loop_does_not_see_its_own_results():
    f, exp, loop = parts()
    region = Block(loop.regions[0].params, (), loop.outs)
    refused(with_body(f, exp, replace(loop, regions=(region,))), "result 0")


def test_results_are_defined():
    f, exp, loop = parts()
    refused(with_body(f, exp, loop, results=(Value(Scalar(F64)),)), "is never defined")


def test_types_are_those_of_the_rule():
    f, exp, loop = parts()
    wrong = replace(exp, outs=(Value(Scalar(I64)),))
    refused(with_body(f, wrong, replace(loop, args=(f.params[1], f.params[0])), results=f.params), "exp gives (f64), not (i64)")


def test_operands_fit_the_rule():
    f, exp, loop = parts()
    text = refused(with_body(f, replace(exp, args=(f.params[1],)), loop), "exp is ill-typed: no such operation on i64")
    assert "%2: f64 = exp %1  # <--- here" in text


def test_attributes_are_there():
    b = Builder()
    f = b.function("f", b.emit1(OPS["const"], value=1.0, dtype=F64))
    (const,) = f.block.body
    refused(with_body(f, replace(const, attrs={})), "const is malformed: KeyError")


def test_a_loop_yields_what_it_carries():
    f, exp, loop = parts()
    region = loop.regions[0]
    wrong = Block(region.params, region.body, (region.params[0],))
    refused(with_body(f, exp, replace(loop, regions=(wrong,))), "a loop carries f64, starts from f64 and yields i64")


WHILE = """
oneform 1
function f(%0: f64) {
  %1: f64 = while %0
    region(%2: f64) {
      %3: bool = gt %2, %0
      yield %3
    }
    region(%4: f64) {
      %5: f64 = neg %4
      yield %5
    }
  return %1
}
"""


def test_the_condition_of_a_while_is_one_bool():
    f = verify(parse(WHILE, OPS))
    (loop,) = f.block.body
    test, body = loop.regions
    refused(with_body(f, replace(loop, regions=(Block(test.params, test.body, test.params), body))), "the condition of a loop must be one bool")


def test_condition_and_body_of_a_while_carry_the_same():
    f = verify(parse(WHILE, OPS))
    (loop,) = f.block.body
    test, body = loop.regions
    refused(with_body(f, replace(loop, regions=(Block((*test.params, Value(Scalar(I64))), test.body, test.results), body))), "carry different values")


CUSTOM = """
oneform 1
function f(%0: f64, %1: i64) {
  %2: f64 = custom_jvp %0, %1 {name='f', types=(<f64>,), wrt=(0,)}
    region(%3: f64, %4: i64) {
      yield %3
    }
    region(%5: f64, %6: i64, %7: f64) {
      %8: f64 = custom_again %5, %6 {name='f', types=(<f64>,)}
      yield %8, %7
    }
  %9: f64 = custom_vjp %0, %1 {name='f', types=(<f64>,), wrt=(0,)}
    region(%10: f64, %11: i64) {
      yield %10
    }
    region(%12: f64, %13: i64) {
      yield %12, %13
    }
    region(%14: i64, %15: f64) {
      yield %15
    }
  return %9
}
"""


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("custom_jvp %0, %1", "custom_jvp %1, %1", "takes (f64, i64), not (i64, i64)"),
        ("yield %3\n", "yield %4\n", "returns (f64), not (i64)"),
        ("wrt=(0,)}\n    region(%3", "wrt=(1,)}\n    region(%3", "no derivative by parameters"),
        ("%7: f64) {", "%7: i64) {", "and its rule take"),
        ("yield %8, %7", "yield %8", "and its rule return"),
        ("custom_again %5, %6 {name='f', types=(<f64>,)}", "custom_again %5, %5 {name='f', types=(<f64>,)}", "takes (f64, i64), not (f64, f64)"),
        ("%8: f64 = custom_again %5, %6 {name='f', types=(<f64>,)}", "%8: i64 = custom_again %5, %6 {name='f', types=(<i64>,)}", "declares other results"),
        ("    region(%14: i64, %15: f64) {\n      yield %15\n    }\n", "", "perhaps a forward and a reverse sweep"),
        ("yield %12, %13", "yield %13, %13", "and its forward sweep return"),
        ("yield %12, %13", "yield %12, %12", "hands from sweep to sweep"),
        ("%15: f64) {", "%15: i64) {", "has cotangents"),
        ("yield %15", "yield %14", "is by"),
    ],
)
def test_a_custom_rule_fits_its_function(old: str, new: str, message: str):
    verify(parse(CUSTOM, OPS))
    assert CUSTOM.count(old) == 1
    with pytest.raises(CompileError) as e:
        parse(CUSTOM.replace(old, new), OPS)
    assert message in str(e.value)

"""The textual form: what it looks like, that it is read back, and what is said of a text that is no program."""

from __future__ import annotations

import pytest

from oneform.errors import CompileError, InternalError
from oneform.ir import Builder, Function, interpret, parse, show, verify
from oneform.ops import OPS, constant, dim
from oneform.types import ANY, BOOL, C128, F32, F64, I64, Array, List, Scalar

SUM = """\
oneform 1
function total(%0: f64[n]) {
  %1: i64 = dim %0 {axis=0}
  %2: f64 = const {value=0.0, dtype=f64}
  %3: f64 = for %1, %2
    region(%4: i64, %5: f64) {
      %6: f64 = get %0, %4
      %7: f64 = add %5, %6
      yield %7
    }
  return %3
}
"""


def total() -> Function:
    b = Builder()
    x = b.param(Array(F64, ("n",)))
    n, zero = dim(b, x, 0), constant(b, 0.0, F64)
    r = b.sub()
    i, s = r.param(Scalar(I64)), r.param(Scalar(F64))
    body = r.block(r.emit1(OPS["add"], s, r.emit1(OPS["get"], x, i)))
    return b.function("total", b.emit1(OPS["for"], n, zero, regions=[body]))


def test_a_program_looks_like_this():
    assert show(total()) == SUM


def test_a_program_is_read_back():
    f = verify(parse(SUM, OPS))
    assert show(f) == SUM
    assert interpret(f, [1.0, 2.0, 4.0]) == (7.0,)


def test_spacing_comments_and_numbers_do_not_matter():
    text = SUM.replace("%7", "%70").replace("    ", "\t").replace("  return", "# the end\n  return")
    assert show(parse(text, OPS)) == SUM


@pytest.mark.parametrize(
    ("value", "dtype"),
    [
        (float("inf"), F64), (float("-inf"), F64), (float("nan"), F64), (-0.0, F64), (1e-300, F64), (1e22, F64),
        (0.1, F32), (True, BOOL), (-(2**63), I64), (1 - 2.5j, C128),
    ],
)
def test_numbers_are_kept_exactly(value: complex, dtype: object):
    b = Builder()
    f = b.function("constant", b.emit1(OPS["const"], value=value, dtype=dtype))
    again = parse(show(f), OPS)
    assert show(again) == show(f)
    assert repr(again.block.body[0].attrs["value"]) == repr(value)


def test_names_and_symbols_of_any_kind():
    b = Builder()
    f = b.function("<lambda>", b.param(Array(F64, ("n", ANY, 3, "len(x) - 1"))), b.param(List((Scalar(F64), Array(I64, ("x.0",))))))
    assert "function '<lambda>'(%0: f64[n, ?, 3, 'len(x) - 1'], %1: list<f64, i64[x.0]>)" in show(f)
    assert [p.type for p in parse(show(f), OPS).params] == [p.type for p in f.params]


def test_attributes_of_every_kind():
    b = Builder()
    b.emit(OPS["assert"], constant(b, True, BOOL), error="ValueError", message="it's {0} \"x\"\n")
    s = b.emit1(OPS["list"], items=(Scalar(F64), Array(F64, ("n",))))
    f = b.function("f", s, b.emit1(OPS["undef"], type=Array(F64, (2,))))
    again = verify(parse(show(f), OPS))
    assert show(again) == show(f)
    assert [dict(i.attrs) for i in again.block.body] == [dict(i.attrs) for i in f.block.body]


def test_an_attribute_without_text_is_a_fault():
    b = Builder()
    x = b.param(Scalar(F64))
    f = b.function("f", b.emit1(OPS["neg"], x, hint=object()))
    with pytest.raises(InternalError, match="cannot be written"):
        show(f)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("oneform 1", "oneform 2", "line 1, column 1: version 2 is not known"),
        ("oneform 1", "onform 1", "line 1, column 1: expected 'oneform', found 'onform'"),
        ("= get", "= fetch", "line 7, column 7: no operation is named fetch"),
        ("%6: f64 =", "%6: f32 =", "line 7, column 7: get gives"),
        ("add %5, %6", "add %5, %9", "%9 is not defined here"),
        ("add %5, %6", "add %5, %7", "%7 is not defined here"),
        ("add %5, %6", "add %5, %1", "line 8, column 7: add: operand types differ: f64 and i64"),
        ("add %5, %6", "add %5", "line 8, column 7: add: takes 2 operands, not 1"),
        ("return %3", "return %7", "%7 is not defined here"),
        ("%6: f64", "%4: f64", "%4 is defined twice"),
        ("{axis=0}", "{}", "line 3, column 3: dim is malformed"),
        ("{axis=0}", "{axis=zero}", "no attribute reads zero"),
        ("f64[n]", "f16[n]", "no type is named f16"),
        ("  return", "  $ return", "unexpected character '$'"),
        ("  return %3\n}\n", "", "line 11, column 1: expected a word, found 'the end'"),
    ],
)
def test_a_wrong_text_is_refused_at_its_place(old: str, new: str, message: str):
    with pytest.raises(CompileError) as e:
        parse(SUM.replace(old, new, 1), OPS)
    assert e.value.code == "E007"
    assert message in e.value.detail

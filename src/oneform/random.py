"""Random numbers from keys, with the names of `jax.random`: the same key gives the same numbers, in compiled code, in CPython and in any order.

Place k of a sample is what Threefry makes of the key and k (Salmon, Moraes, Dror, Shaw: Parallel random numbers: as easy as 1, 2, 3; SC 2011), so that
`key`, `split`, `fold_in`, `bits`, `uniform`, `normal` and `exponential` are JAX's numbers up to rounding. A key is an int64 array of two 32-bit
words. Derivatives by the parameters of a distribution are those of the sample at a fixed key; `gamma` and `beta` differentiate the equation that their
distribution function is constant along the way (Figurnov, Mohamed, Mnih: Implicit reparameterization gradients; NeurIPS 2018).

All of it is ordinary Python, compiled into the programs that call it."""

# pyright: basic, reportReturnType=false, reportMissingParameterType=false

from __future__ import annotations

import math

import numpy as np

from oneform.api import grad, stop_gradient
from oneform.frontend.written.incomplete import gammainc
from oneform.frontend.written.special import erfinv
from oneform.rules import custom_jvp

WORD = 0xFFFFFFFF

# ---------------------------------------------------------------- keys


def key(seed):
    """The key of an integer."""
    return np.array([(seed >> 32) & WORD, seed & WORD])


def split(key, num=2):
    """`num` keys, one a row, that have nothing to do with each other."""
    out = np.empty((num, 2), dtype=np.int64)
    for k in range(num):
        out[k, 0], out[k, 1] = threefry(key[0], key[1], k >> 32, k & WORD)
    return out


def fold_in(key, data):
    """Another key for each integer."""
    x, y = threefry(key[0], key[1], (data >> 32) & WORD, data & WORD)
    return np.array([x, y])


def threefry(k, l, x, y):
    """Threefry-2x32 with 20 rounds: two words of two words, under the key of two words k and l."""
    m = k ^ l ^ 0x1BD11BDA
    x = (x + k) & WORD
    y = (y + l) & WORD
    x, y = _rounds(x, y, 13, 15, 26, 6)
    x, y = _rounds((x + l) & WORD, (y + m + 1) & WORD, 17, 29, 16, 24)
    x, y = _rounds((x + m) & WORD, (y + k + 2) & WORD, 13, 15, 26, 6)
    x, y = _rounds((x + k) & WORD, (y + l + 3) & WORD, 17, 29, 16, 24)
    x, y = _rounds((x + l) & WORD, (y + m + 4) & WORD, 13, 15, 26, 6)
    return (x + m) & WORD, (y + k + 5) & WORD


def _rounds(x, y, a, b, c, d):
    x = (x + y) & WORD
    y = _turned(y, a) ^ x
    x = (x + y) & WORD
    y = _turned(y, b) ^ x
    x = (x + y) & WORD
    y = _turned(y, c) ^ x
    x = (x + y) & WORD
    y = _turned(y, d) ^ x
    return x, y


def _turned(x, r):
    return ((x << r) & WORD) | (x >> (32 - r))


# ---------------------------------------------------------------- one number


def fraction(key, k):
    """Place k of a sample that is uniform in [0, 1): a multiple of 2**-52."""
    x, y = threefry(key[0], key[1], k >> 32, k & WORD)
    return ((x << 20) | (y >> 12)) * 2.0**-52


def fraction32(key, k):
    """In single precision: a multiple of 2**-23."""
    x, y = threefry(key[0], key[1], k >> 32, k & WORD)
    return ((x ^ y) >> 9) * 2.0**-23


def gaussian(key, k):
    """Place k of a normal sample, by the inverse of the distribution function."""
    return math.sqrt(2.0) * erfinv(max(2.0 * fraction(key, k) - 1.0, -1.0 + 2.0**-53))


def gaussian32(key, k):
    return math.sqrt(2.0) * erfinv(max(2.0 * fraction32(key, k) - 1.0, -1.0 + 2.0**-24))


# ---------------------------------------------------------------- samples


def _size(shape):
    n = 1
    for length in shape:
        n *= length
    return n


def bits(key, shape=()):
    """32 random bits in each place, as an int64."""
    flat = np.empty(_size(shape), dtype=np.int64)
    for k in range(flat.shape[0]):
        x, y = threefry(key[0], key[1], k >> 32, k & WORD)
        flat[k] = x ^ y
    return flat.reshape(shape)


def uniform(key, shape=(), dtype=np.float64, minval=0.0, maxval=1.0):
    """Uniform in [minval, maxval), in double or single precision; the bounds may be arrays, and have derivatives."""
    flat = np.empty(_size(shape), dtype=dtype)
    for k in range(flat.shape[0]):
        flat[k] = fraction32(key, k) if dtype == np.float32 else fraction(key, k)
    return minval + flat.reshape(shape) * (maxval - minval)


def normal(key, shape=(), dtype=np.float64):
    """Normal with mean 0 and variance 1: mu + sigma * normal(key) has derivatives by both."""
    flat = np.empty(_size(shape), dtype=dtype)
    for k in range(flat.shape[0]):
        flat[k] = gaussian32(key, k) if dtype == np.float32 else gaussian(key, k)
    return flat.reshape(shape)


def exponential(key, shape=()):
    """Exponential with rate 1."""
    return -np.log1p(-uniform(key, shape))


def bernoulli(key, p=0.5, shape=()):
    """True with probability p."""
    return uniform(key, shape) < p


def randint(key, shape, minval, maxval):
    """Integers in [minval, maxval), all as likely: what would favour the small ones is drawn again."""
    flat = np.empty(_size(shape), dtype=np.int64)
    span = maxval - minval
    if span < 1:
        raise ValueError("randint takes maxval > minval")
    most = 2**62 - 2**62 % span
    for k in range(flat.shape[0]):
        again = 0
        r = most
        while r >= most:
            x, y = threefry(key[0], key[1], again, k)
            r = (x << 30) | (y >> 2)
            again += 1
        flat[k] = minval + r % span
    return flat.reshape(shape)


def gumbel(key, shape=()):
    """Gumbel with location 0 and scale 1."""
    return -np.log(exponential(key, shape))


def categorical(key, logits, shape=()):
    """Numbers of classes, with probabilities softmax(logits), a vector."""
    weights = np.exp(stop_gradient(logits) - np.max(stop_gradient(logits)))
    return _chosen(key, weights, shape)


def _chosen(key, weights, shape):
    if np.ndim(weights) != 1:
        raise ValueError("the probabilities of classes are a vector")
    ends = np.cumsum(weights)
    flat = np.empty(_size(shape), dtype=np.int64)
    n = ends.shape[0]
    for k in range(flat.shape[0]):
        flat[k] = min(np.searchsorted(ends, fraction(key, k) * ends[n - 1], side="right"), n - 1)
    return flat.reshape(shape)


def permutation(key, x):
    """The rows of an array in random order; of an integer n, the numbers below n."""
    if np.ndim(x) == 0:
        return np.argsort(uniform(key, (x,)), kind="stable")
    return x[np.argsort(uniform(key, (x.shape[0],)), kind="stable")]


def choice(key, a, shape=(), replace=True, p=None):
    """Elements of a vector, or numbers below an integer a; with probabilities p; no place twice if not `replace`."""
    n = a if np.ndim(a) == 0 else a.shape[0]
    if not replace:
        count = _size(shape)
        if count > n:
            raise ValueError("Cannot take a larger sample than population when 'replace=False'")
        rates = uniform(key, (n,)) if p is None else exponential(key, (n,)) / p
        at = np.argsort(rates, kind="stable")[:count].reshape(shape)
    elif p is None:
        at = randint(key, shape, 0, n)
    else:
        at = _chosen(key, stop_gradient(p), shape)
    return at if np.ndim(a) == 0 else a[at]


# ---------------------------------------------------------------- gamma and what is made of it


@custom_jvp
def gamma_number(key, k, a):
    """Place k of a sample of the gamma distribution with shape a, by Marsaglia and Tsang (2000); below 1 from that of a + 1."""
    own = fold_in(key, k)
    more = a + 1.0 if a < 1.0 else a
    d = more - 1.0 / 3.0
    c = 1.0 / math.sqrt(9.0 * d)
    v = 0.0
    turn = 0
    done = False
    while not done:
        x = gaussian(own, 2 * turn + 1)
        v = (1.0 + c * x) ** 3
        u = 1.0 - fraction(own, 2 * turn + 2)
        done = v > 0.0 and math.log(u) < 0.5 * x * x + d - d * v + d * math.log(max(v, 1e-300))
        turn += 1
    return d * v * (1.0 - fraction(own, 0)) ** (1.0 / a) if a < 1.0 else d * v


@gamma_number.defjvp
def _(primals, tangents):
    """F(a, z) does not change along the way: dz = -(dF/da) da / p(z), with p = dF/dz the density."""
    key, k, a = primals
    z = gamma_number(key, k, a)
    by_a, by_z = grad(gammainc, argnums=(0, 1))(a, z)
    return z, -by_a / by_z * tangents[2]


def gamma(key, a, shape=()):
    """Gamma with shape a, a number, and scale 1; with a derivative by a."""
    flat = np.empty(_size(shape))
    for k in range(flat.shape[0]):
        flat[k] = gamma_number(key, k, a)
    return flat.reshape(shape)


def beta(key, a, b, shape=()):
    """Beta with shapes a and b: x / (x + y) of two gamma samples."""
    keys = split(key)
    x = gamma(keys[0], a, shape)
    return x / (x + gamma(keys[1], b, shape))


def poisson(key, lam, shape=()):
    """Poisson with mean lam, a number: how many exponential waiting times fit into it, by halves where it is large (a Poisson number with a
    large mean is found from a gamma sample, Ahrens and Dieter 1974)."""
    flat = np.empty(_size(shape), dtype=np.int64)
    for k in range(flat.shape[0]):
        flat[k] = _poisson_number(fold_in(key, k), lam)
    return flat.reshape(shape)


def _poisson_number(own, lam):
    found = 0
    left = stop_gradient(lam) * 1.0
    turn = 0
    while left > 12.0:  # the m-th event is at a gamma time: before `left`, or after it
        m = int(left * 7 / 8)
        turn += 1
        t = gamma_number(own, turn, m * 1.0)
        if t > left:
            return found + _binomial(fold_in(own, turn), m - 1, left / t)
        found += m
        left -= t
    last = fold_in(own, turn)
    k = 0
    while True:
        left += math.log(1.0 - fraction(last, k + 1))
        if left < 0.0:
            return found + k
        k += 1


def _binomial(own, n, p):
    """How many of n hit, one after the other."""
    found = 0
    for k in range(n):
        if fraction(own, k + 2**31) < p:
            found += 1
    return found

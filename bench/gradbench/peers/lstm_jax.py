"""The LSTM in JAX: `scan` over the characters, a Python loop over the layers."""

import jax
import jax.numpy as jnp

jax.config.update("jax_enable_x64", True)


def build(main_params, extra_params, state, sequence):
    layers, (count, bits) = len(state) // 2, sequence.shape

    def objective(main_params, extra_params, state, sequence):
        params = main_params.reshape(layers, 2, 4, bits)

        def step(carry, characters):
            hidden, cell = carry
            now, following = characters
            signal, hiddens, cells = now * extra_params[0], [], []
            for layer in range(layers):
                weight, bias = params[layer]
                forget = jax.nn.sigmoid(signal * weight[0] + bias[0])
                ingate = jax.nn.sigmoid(hidden[layer] * weight[1] + bias[1])
                outgate = jax.nn.sigmoid(signal * weight[2] + bias[2])
                change = jnp.tanh(hidden[layer] * weight[3] + bias[3])
                cells.append(cell[layer] * forget + ingate * change)
                signal = outgate * jnp.tanh(cells[-1])
                hiddens.append(signal)
            prediction = signal * extra_params[1] + extra_params[2]
            score = jnp.sum(following * (prediction - jnp.log(2.0 + jnp.sum(jnp.exp(prediction)))))
            return (jnp.stack(hiddens), jnp.stack(cells)), score

        scores = jax.lax.scan(step, (state[0::2], state[1::2]), (sequence[:-1], sequence[1:]))[1]
        return -jnp.sum(scores) / ((count - 1) * bits)

    args = tuple(jnp.asarray(a) for a in (main_params, extra_params, state, sequence))
    value, gradient = jax.jit(objective), jax.jit(jax.grad(objective, argnums=(0, 1)))
    return {"value": lambda: value(*args).block_until_ready(), "derivative": lambda: jax.block_until_ready(gradient(*args))}

"""lstm: layers of LSTM cells with diagonal weights predict each character of a text, given by its bits, from those before it."""

import numpy as np

import oneform as of


def sigmoid(x):
    return 1.0 / (1.0 + np.exp(-x))


def objective(main_params, extra_params, state, sequence):
    """Rows of `main_params` are weights and biases of each layer in turn, for its forget, input and output gates and the change,
    side by side; rows of `state` are hidden state and cell of each layer in turn."""
    layers, (count, bits) = state.shape[0] // 2, sequence.shape
    params = main_params.reshape(layers, 2, 4, bits)
    hidden, cell = state[0::2].copy(), state[1::2].copy()
    signal = np.empty(bits)
    total = 0.0
    for t in range(count - 1):
        for i in range(bits):
            signal[i] = sequence[t, i] * extra_params[0, i]
        for layer in range(layers):
            weight, bias = params[layer, 0], params[layer, 1]
            for i in range(bits):
                forget = sigmoid(signal[i] * weight[0, i] + bias[0, i])
                ingate = sigmoid(hidden[layer, i] * weight[1, i] + bias[1, i])
                outgate = sigmoid(signal[i] * weight[2, i] + bias[2, i])
                change = np.tanh(hidden[layer, i] * weight[3, i] + bias[3, i])
                cell[layer, i] = cell[layer, i] * forget + ingate * change
                hidden[layer, i] = outgate * np.tanh(cell[layer, i])
                signal[i] = hidden[layer, i]
        prediction = signal * extra_params[1] + extra_params[2]
        normaliser = np.log(2.0 + np.sum(np.exp(prediction)))
        total += np.sum(sequence[t + 1] * (prediction - normaliser))
    return -total / ((count - 1) * bits)


jacobian = of.grad(objective, argnums=(0, 1))


def example():
    from bench.gradbench import wire  # which imports programs

    return wire.example("lstm")

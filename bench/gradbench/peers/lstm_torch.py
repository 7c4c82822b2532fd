"""The LSTM in PyTorch, eager: loops over characters and layers."""

import torch


def build(main_params, extra_params, state, sequence):
    layers, (count, bits) = len(state) // 2, sequence.shape
    leaves = [torch.from_numpy(a).requires_grad_() for a in (main_params, extra_params)]
    start, text = torch.from_numpy(state), torch.from_numpy(sequence)

    def objective():
        params, extra = leaves[0].reshape(layers, 2, 4, bits), leaves[1]
        hidden, cell = list(start[0::2]), list(start[1::2])
        total = torch.zeros((), dtype=torch.float64)
        for t in range(count - 1):
            signal = text[t] * extra[0]
            for layer in range(layers):
                weight, bias = params[layer]
                forget = torch.sigmoid(signal * weight[0] + bias[0])
                ingate = torch.sigmoid(hidden[layer] * weight[1] + bias[1])
                outgate = torch.sigmoid(signal * weight[2] + bias[2])
                change = torch.tanh(hidden[layer] * weight[3] + bias[3])
                cell[layer] = cell[layer] * forget + ingate * change
                signal = hidden[layer] = outgate * torch.tanh(cell[layer])
            prediction = signal * extra[1] + extra[2]
            total = total + (text[t + 1] * (prediction - torch.log(2.0 + prediction.exp().sum()))).sum()
        return -total / ((count - 1) * bits)

    def value():
        with torch.no_grad():
            return objective()

    return {"value": value, "derivative": lambda: torch.autograd.grad(objective(), leaves)}

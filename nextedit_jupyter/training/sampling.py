"""Samples answers from a decoder in training, with their log-probabilities.

All answers to one prompt share it: it is read once, and its keys and values are copied to each. The
answers to all prompts are then sampled together, one token per pass. The gradient uses the same
sharing: one pass reads a prompt and all of its answers, each of which sees the prompt and itself.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor

from nextedit_jupyter.training.network import DecoderModule, Layer, rotate


@dataclass(frozen=True, slots=True)
class Sample:
    """The sampled ids, including the one that stopped them, and the log-probability of each, in
    nats.

    `stopped` is False for an answer that was cut off at the maximum number of tokens.
    """

    ids: tuple[int, ...]
    logprobs: tuple[float, ...]
    stopped: bool


@torch.no_grad()
def sample(
    model: DecoderModule,
    prompts: Sequence[Sequence[int]],
    stops: Sequence[frozenset[int]],
    *,
    each: int = 1,
    max_new: int = 64,
    temperature: float = 1.0,
    generator: torch.Generator | None = None,
) -> list[list[Sample]]:
    """`each` answers to every prompt, of at most `max_new` ids; the most likely ones at temperature
    0.

    `generator` is on the model's device. Log-probabilities are those at the temperature (at 1 for
    temperature 0). Raises ValueError for no prompt, an empty one, or one that leaves no room in the
    model's context.
    """
    if not prompts or not all(prompts):
        raise ValueError("there is a prompt with at least one id")
    if max(map(len, prompts)) + max_new > model.shape.context:
        raise ValueError(f"prompt and answer exceed the context of {model.shape.context} tokens")
    device = model.embedding.weight.device
    cache, hidden = _read(model, prompts, each, max_new)
    rows = len(prompts) * each
    ids: list[list[int]] = [[] for _ in range(rows)]
    logprobs: list[list[float]] = [[] for _ in range(rows)]
    done = [False] * rows
    live = list(range(rows))  # the answer that each row of the cache writes
    for step in range(max_new):
        logits = F.linear(hidden, model.embedding.weight).float()
        scores = F.log_softmax(logits / (temperature or 1.0), -1)
        if temperature:
            chosen = torch.multinomial(scores.exp(), 1, generator=generator)
        else:
            chosen = scores.argmax(-1, keepdim=True)
        taken = scores.gather(-1, chosen)[:, 0].tolist()
        for row, id, logprob in zip(live, chosen[:, 0].tolist(), taken, strict=True):
            if not done[row]:
                ids[row].append(id)
                logprobs[row].append(logprob)
                done[row] = id in stops[row // each]
        left = [at for at, row in enumerate(live) if not done[row]]
        if not left or step + 1 == max_new:
            break
        if len(left) <= len(live) // 2:  # most have stopped: continue with the others
            keep = torch.tensor(left, device=device)
            cache.keep(keep)
            chosen, live = chosen[keep], [live[at] for at in left]
        hidden = _step(model, chosen[:, 0], cache)
    samples = [
        Sample(tuple(ids[row]), tuple(logprobs[row]), bool(done[row])) for row in range(rows)
    ]
    return [samples[at : at + each] for at in range(0, rows, each)]


def answer_logprobs(
    model: DecoderModule,
    prompt: Sequence[int],
    answers: Sequence[Sequence[int]],
    *,
    temperature: float = 1.0,
) -> list[Tensor]:
    """Log-probabilities of each answer's ids after the prompt, float32 [length of the answer].

    One pass for all, with the same results and gradients as a separate pass for each answer.
    """
    device = model.embedding.weight.device
    size = len(prompt)
    ids, owners, positions = list(prompt), [-1] * size, list(range(size))
    rows: list[int] = []  # the rows that predict each answer's ids
    for number, answer in enumerate(answers):
        rows += [size - 1, *range(len(ids), len(ids) + len(answer) - 1)]
        ids += answer[:-1]
        owners += [number] * (len(answer) - 1)
        positions += range(size, size + len(answer) - 1)
    owner = torch.tensor(owners, device=device)
    unseen = (owner[None] >= 0) & (owner[None] != owner[:, None])
    unseen |= torch.ones_like(unseen).triu(1)
    place = torch.tensor(positions, device=device)
    cos, sin = _tables(model)
    cos, sin = cos[place], sin[place]
    foretold = torch.tensor(rows, device=device)
    x = model.embedding(torch.tensor([ids], device=device))
    layers = _layers(model)
    for layer in layers:
        q, k, v = _heads(layer, x, cos, sin)
        if layer is layers[-1]:  # other positions are needed only for their keys and values
            q, x, unseen = q[:, :, foretold], x[:, foretold], unseen[foretold]
        x = _mixed(layer, x, _attend(q, k, v, unseen))
    hidden = model.norm(x[0])
    logits = F.linear(hidden, model.embedding.weight).float() / temperature
    wanted = torch.tensor([id for answer in answers for id in answer], device=device)
    taken = F.log_softmax(logits, -1).gather(-1, wanted[:, None])[:, 0]
    return list(torch.split(taken, [len(answer) for answer in answers]))


@dataclass(slots=True)
class _Cache:
    """Keys (rotated) and values, [rows, kv_heads, capacity, head_dim] per layer.

    Prompts are right-aligned: all end at the same column, `first` [rows] is where each begins.
    """

    keys: list[Tensor]
    values: list[Tensor]
    first: Tensor
    end: int

    def keep(self, rows: Tensor) -> None:
        self.keys = [keys[rows] for keys in self.keys]
        self.values = [values[rows] for values in self.values]
        self.first = self.first[rows]


def _read(
    model: DecoderModule, prompts: Sequence[Sequence[int]], each: int, max_new: int
) -> tuple[_Cache, Tensor]:
    """The cache after the prompts, and the last hidden states [rows, width]."""
    shape, device = model.shape, model.embedding.weight.device
    widest = max(map(len, prompts))
    size = (len(prompts) * each, shape.kv_heads, widest + max_new, shape.head_dim)
    keys = [torch.zeros(size, device=device) for _ in range(shape.layers)]
    values = [torch.zeros(size, device=device) for _ in range(shape.layers)]
    hidden = []
    cos, sin = _tables(model)
    layers = _layers(model)
    for number, prompt in enumerate(prompts):
        rows = slice(number * each, (number + 1) * each)
        columns = slice(widest - len(prompt), widest)
        later = torch.ones(len(prompt), len(prompt), dtype=torch.bool, device=device).triu(1)
        x = model.embedding(torch.tensor([list(prompt)], device=device))
        for index, layer in enumerate(layers):
            q, k, v = _heads(layer, x, cos[: len(prompt)], sin[: len(prompt)])
            keys[index][rows, :, columns] = k
            values[index][rows, :, columns] = v
            if layer is layers[-1]:
                q, x, later = q[:, :, -1:], x[:, -1:], later[-1:]
            x = _mixed(layer, x, _attend(q, k, v, later))
        hidden.append(model.norm(x[:, -1]).expand(each, -1))
    first = torch.tensor([widest - len(prompt) for prompt in prompts], device=device)
    return _Cache(keys, values, first.repeat_interleave(each), widest), torch.cat(hidden)


def _step(model: DecoderModule, ids: Tensor, cache: _Cache) -> Tensor:
    """Read one more id per row, int64 [rows]; returns the hidden states [rows, width]."""
    at = cache.end
    cos, sin = _tables(model)
    place = at - cache.first
    cos, sin = cos[place][:, None, None], sin[place][:, None, None]
    columns = torch.arange(at + 1, device=ids.device)
    unseen = (columns < cache.first[:, None])[:, None, None]
    x = model.embedding(ids[:, None])
    for index, layer in enumerate(_layers(model)):
        q, k, v = _heads(layer, x, cos, sin)
        cache.keys[index][:, :, at] = k[:, :, 0]
        cache.values[index][:, :, at] = v[:, :, 0]
        keys, values = cache.keys[index][:, :, : at + 1], cache.values[index][:, :, : at + 1]
        x = _mixed(layer, x, _attend(q, keys, values, unseen))
    cache.end += 1
    return cast(Tensor, model.norm(x[:, 0]))


# A layer of `training.network` in two halves, before and after attention.


def _heads(layer: Layer, x: Tensor, cos: Tensor, sin: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Queries, keys and values [rows, heads, length, head_dim] of x [rows, length, width]."""
    shape = layer.shape
    rows, length, _ = x.shape
    qkv = layer.qkv(layer.norm_attention(x)).view(rows, length, -1, shape.head_dim)
    q, k, v = qkv.transpose(1, 2).split((shape.heads, shape.kv_heads, shape.kv_heads), dim=1)
    return rotate(q, cos, sin), rotate(k, cos, sin), v


def _attend(q: Tensor, k: Tensor, v: Tensor, unseen: Tensor) -> Tensor:
    """Attention of queries [rows, heads, length, head_dim] to keys and values [rows, kv_heads, …].

    `unseen` is True for masked positions, [length, keys], optionally with a dimension for the rows.
    Heads that share keys are rows of one product, so nothing is copied.
    """
    rows, heads, length, size = q.shape
    kv_heads = k.shape[1]
    shared = q.reshape(rows, kv_heads, -1, size) / math.sqrt(size)
    scores = (shared @ k.mT).view(rows, kv_heads, -1, length, k.shape[2])
    unseen = unseen if unseen.ndim == 2 else unseen[:, :, None]
    weights = scores.masked_fill(unseen, -math.inf).softmax(-1)
    mixed = weights.view(rows, kv_heads, -1, k.shape[2]) @ v
    return mixed.view(rows, heads, length, size)


def _mixed(layer: Layer, x: Tensor, mixed: Tensor) -> Tensor:
    """The residual stream after the layer; `mixed` [rows, heads, length, head_dim] is attention's
    output."""
    rows, length, _ = x.shape
    x = x + layer.out(mixed.transpose(1, 2).reshape(rows, length, -1))
    y = layer.norm_mlp(x)
    return cast(Tensor, x + layer.down(F.silu(layer.gate(y)) * layer.up(y)))


def _layers(model: DecoderModule) -> list[Layer]:
    return cast("list[Layer]", list(model.layers))


def _tables(model: DecoderModule) -> tuple[Tensor, Tensor]:
    return cast(Tensor, model.cos), cast(Tensor, model.sin)

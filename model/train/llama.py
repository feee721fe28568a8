"""The network: Llama 2's architecture in the shape of stories260K, and llama2.c's file of its weights."""

import math
import struct

import torch
from torch import nn
from torch.nn import functional as F

DIM, HIDDEN, LAYERS, HEADS, KV_HEADS, VOCAB, CONTEXT = 64, 172, 5, 8, 4, 512, 512
HEAD_DIM = DIM // HEADS
GROUP = HEADS // KV_HEADS       # query heads that share one key and value head
BLOCK = 64                      # queries per piece of attention: spares most of what the causal mask would throw away


class Norm(nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(DIM))

    def forward(self, x):
        return x * (torch.rsqrt(x.square().mean(-1, keepdim=True) + 1e-5)) * self.weight


class Layer(nn.Module):
    def __init__(self):
        super().__init__()
        linear = lambda rows, columns: nn.Linear(columns, rows, bias=False)
        self.attention_norm, self.ffn_norm = Norm(), Norm()
        self.wq, self.wo = linear(DIM, DIM), linear(DIM, DIM)
        self.wk, self.wv = linear(KV_HEADS * HEAD_DIM, DIM), linear(KV_HEADS * HEAD_DIM, DIM)
        self.w1, self.w2, self.w3 = linear(HIDDEN, DIM), linear(DIM, HIDDEN), linear(HIDDEN, DIM)

    def attend(self, x, rotation, mask):
        batch, length, _ = x.shape
        q = rotate(self.wq(x).view(batch, length, HEADS, HEAD_DIM), rotation) * HEAD_DIM ** -0.5
        k = rotate(self.wk(x).view(batch, length, KV_HEADS, HEAD_DIM), rotation).permute(0, 2, 3, 1)
        v = self.wv(x).view(batch, length, KV_HEADS, HEAD_DIM).transpose(1, 2)
        # The query heads of one group lie one below the other, so that keys and values need no copies.
        q = q.view(batch, length, KV_HEADS, GROUP, HEAD_DIM).permute(0, 2, 3, 1, 4)
        parts = []
        for start in range(0, length, BLOCK):
            end = min(start + BLOCK, length)
            rows = q[:, :, :, start:end].reshape(batch, KV_HEADS, GROUP * (end - start), HEAD_DIM)
            scores = (rows @ k[..., :end]).add_(mask[start:end, :end].repeat(GROUP, 1))
            parts.append((torch.softmax(scores, -1) @ v[:, :, :end]).view(batch, HEADS, end - start, HEAD_DIM))
        return self.wo(torch.cat(parts, 2).transpose(1, 2).reshape(batch, length, DIM))

    def forward(self, x, rotation, mask):
        x = x + self.attend(self.attention_norm(x), rotation, mask)
        h = self.ffn_norm(x)
        return x + self.w2(F.silu(self.w1(h)) * self.w3(h))


def rotate(x, rotation):
    """RoPE on adjacent pairs: (x0, x1) is the complex number x0 + i x1."""
    pairs = torch.view_as_complex(x.view(*x.shape[:-1], HEAD_DIM // 2, 2))
    return torch.view_as_real(pairs * rotation).flatten(-2)


class Llama(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(VOCAB, DIM)       # the output matrix, too
        self.layers = nn.ModuleList(Layer() for _ in range(LAYERS))
        self.norm = Norm()
        frequency = 10000.0 ** (-torch.arange(0, HEAD_DIM, 2) / HEAD_DIM)
        self.angles = torch.outer(torch.arange(CONTEXT), frequency)
        for name, weight in self.named_parameters():
            if weight.dim() == 2:
                last = name.endswith(("wo.weight", "w2.weight"))    # what is added to the residual stream
                nn.init.normal_(weight, std=0.02 / math.sqrt(2 * LAYERS) if last else 0.02)

    def forward(self, tokens):
        length = tokens.shape[1]
        angles = self.angles[:length, None]
        rotation = torch.polar(torch.ones_like(angles), angles)
        mask = torch.full((length, length), -math.inf).triu(1)
        x = self.embedding(tokens)
        for layer in self.layers:
            x = layer(x, rotation, mask)
        return F.linear(self.norm(x), self.embedding.weight)

    def export(self, path):
        """Writes llama2.c's first checkpoint format: header, weights, and the tables of RoPE that it carries."""
        each = lambda pick: [pick(layer) for layer in self.layers]
        weights = [self.embedding.weight,
                   *each(lambda l: l.attention_norm.weight),
                   *each(lambda l: l.wq.weight), *each(lambda l: l.wk.weight),
                   *each(lambda l: l.wv.weight), *each(lambda l: l.wo.weight),
                   *each(lambda l: l.ffn_norm.weight),
                   *each(lambda l: l.w1.weight), *each(lambda l: l.w2.weight), *each(lambda l: l.w3.weight),
                   self.norm.weight, self.angles.cos(), self.angles.sin()]
        with open(path, "wb") as file:
            # A positive vocabulary size says that embedding and output share one matrix.
            file.write(struct.pack("<7i", DIM, HIDDEN, LAYERS, HEADS, KV_HEADS, VOCAB, CONTEXT))
            for weight in weights:
                file.write(weight.detach().numpy().astype("<f4").tobytes())

"""The models in PyTorch, with the parameter names and shapes of the operators in TypeScript.

`form` says how a computation is written: `fused`, whether a compiler will fuse elementwise products (short convolutions
are then shifted products instead of nn.Conv1d), and `scan`, a name of RECURRENCES, for Mamba. Long convolutions are
FFTs of the next power of two, attention is scaled_dot_product_attention, linear attention its quadratic form.
"""

import math

import torch
import torch.nn.functional as F
from measuring import ARCHITECTURES, HEADS, swiglu_width
from torch import nn


class RMSNorm(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))

    def forward(self, x):
        if hasattr(F, "rms_norm"):
            return F.rms_norm(x, (x.shape[-1],), self.weight, 1e-5)
        return x * torch.rsqrt(x.square().mean(-1, keepdim=True) + 1e-5) * self.weight


class SwiGLU(nn.Module):
    def __init__(self, width):
        super().__init__()
        inner = swiglu_width(width)
        self.w1 = nn.Linear(width, inner, bias=False)
        self.w2 = nn.Linear(width, inner, bias=False)
        self.w3 = nn.Linear(inner, width, bias=False)

    def forward(self, x):
        return self.w3(F.silu(self.w1(x)) * self.w2(x))


class Attention(nn.Module):
    """Causal softmax attention with rotary positions over whole heads, half-split."""

    def __init__(self, width, length, _):
        super().__init__()
        self.Wqkv = nn.Linear(width, 3 * width)
        self.out_proj = nn.Linear(width, width)
        size = width // HEADS
        frequency = 10000.0 ** (-torch.arange(0, size, 2) / size)
        angle = torch.arange(length)[:, None] * frequency
        self.register_buffer("cos", angle.cos()[:, None, None], persistent=False)  # [L, 1, 1, K/2]
        self.register_buffer("sin", angle.sin()[:, None, None], persistent=False)

    def forward(self, x):
        batch, length, width = x.shape
        qkv = self.Wqkv(x).view(batch, length, 3, HEADS, -1)
        qk, v = qkv[:, :, :2], qkv[:, :, 2]
        cos, sin = self.cos[:length].to(qk.dtype), self.sin[:length].to(qk.dtype)
        a, b = qk.chunk(2, -1)
        qk = torch.cat([a * cos - b * sin, b * cos + a * sin], -1)
        q, k = qk.permute(2, 0, 3, 1, 4).unbind(0)  # [B, H, T, K]
        y = causal_attention(q, k, v.transpose(1, 2))
        return self.out_proj(y.transpose(1, 2).reshape(batch, length, width))


def causal_attention(q, k, v):
    if hasattr(F, "scaled_dot_product_attention"):
        return F.scaled_dot_product_attention(q, k, v, is_causal=True)
    mask = torch.full((q.shape[2], q.shape[2]), -1e9).triu(1)
    return F.softmax(q @ k.transpose(-1, -2) / math.sqrt(q.shape[-1]) + mask, -1) @ v


class ProductMap(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.layer1 = nn.Linear(width, width)
        self.layer2 = nn.Linear(width, width)

    def forward(self, z):
        return self.layer1(z) * self.layer2(z)


class LinearAttention(nn.Module):
    def __init__(self, width, length, _):
        super().__init__()
        self.feature_map_q = ProductMap(width // HEADS)
        self.feature_map_k = ProductMap(width // HEADS)
        self.proj_q = nn.Linear(width, width, bias=False)
        self.proj_k = nn.Linear(width, width, bias=False)
        self.proj_v = nn.Linear(width, width, bias=False)
        self.out_proj = nn.Linear(width, width, bias=False)

    def forward(self, x):
        batch, length, width = x.shape
        heads = (batch, length, HEADS, -1)
        q = self.feature_map_q(self.proj_q(x).view(heads).transpose(1, 2))
        k = self.feature_map_k(self.proj_k(x).view(heads).transpose(1, 2))
        v = self.proj_v(x).view(heads).transpose(1, 2)
        scores = torch.tril(q @ k.transpose(-1, -2))
        y = (scores @ v) / (scores.sum(-1, keepdim=True) + 1e-12)
        return self.out_proj(y.to(x.dtype).transpose(1, 2).reshape(batch, length, width))


class ShortConvolution(nn.Conv1d):
    """Depthwise and causal; x [B, C, T]."""

    def __init__(self, channels, taps, form):
        super().__init__(channels, channels, taps, groups=channels, padding=taps - 1)
        self.is_written_out = form["fused"]

    def forward(self, x):
        length, taps = x.shape[-1], self.kernel_size[0]
        if not self.is_written_out:
            return super().forward(x)[..., :length]
        past = F.pad(x, (taps - 1, 0))
        terms = [past[..., k : k + length] * self.weight[:, :, k] for k in range(taps)]
        return sum(terms) + self.bias[:, None]


def long_convolution(x, taps):
    """x [B, C, T], taps [C, T] -> [B, C, T], in float32."""
    length = x.shape[-1]
    points = 1 << (2 * length - 1).bit_length()
    spectrum = torch.fft.rfft(x.float(), points) * torch.fft.rfft(taps.float(), points)
    return torch.fft.irfft(spectrum, points)[..., :length]


class Sine(nn.Module):
    def __init__(self, order):
        super().__init__()
        self.freq = nn.Parameter(torch.ones(1, order))

    def forward(self, x):
        return torch.sin(self.freq * x)


class PositionFeatures(nn.Module):
    """Time, and cosine and minus sine of the first frequency, trained as published."""

    def __init__(self, length):
        super().__init__()
        angle = 1e-4 * 2 * math.pi * torch.arange(length) / length
        self.z = nn.Parameter(torch.stack([torch.linspace(0, 1, length), angle.cos(), -angle.sin()], -1)[None])


class HyenaFilter(nn.Module):
    """A sine network on the positions under exponential windows; one frequency vector serves all its sines."""

    def __init__(self, channels, length, order=4):
        super().__init__()
        self.pos_emb = PositionFeatures(length)
        self.implicit_filter = nn.ModuleDict(
            {
                "0": nn.Linear(3, order),
                "1": Sine(order),
                "2": nn.Linear(order, order),
                "4": nn.Linear(order, order),
                "6": nn.Linear(order, channels, bias=False),
            }
        )
        rate = torch.linspace(math.log(100) / 1.5, math.log(100) / 0.3, channels)
        window = torch.exp(-torch.linspace(0, 1, length)[:, None] * rate)
        self.register_buffer("window", window, persistent=False)  # [L, C]

    def forward(self, length):
        layers, h = self.implicit_filter, self.pos_emb.z[0, :length]
        for name in "024":
            h = layers["1"](layers[name](h))
        return (layers["6"](h) * self.window[:length]).T  # [C, T]


class LongConvolution(nn.Module):
    def __init__(self, channels, length):
        super().__init__()
        self.bias = nn.Parameter(torch.randn(channels))
        self.filter = HyenaFilter(channels, length)

    def forward(self, x):
        y = long_convolution(x, self.filter(x.shape[-1])) + x.float() * self.bias[:, None]
        return y.to(x.dtype)


class Hyena(nn.Module):
    """Order 2, 4 D inner channels, the projection made once and repeated, as mad-lab has it."""

    def __init__(self, width, length, form, factor=4, groups=4):
        super().__init__()
        inner = factor * width
        self.groups = groups
        self.in_proj = nn.Linear(width, 3 * inner // groups)
        self.short_filter = ShortConvolution(3 * inner, 3, form)
        self.long_conv = LongConvolution(inner, length)
        self.out_proj = nn.Linear(inner, width)

    def forward(self, x):
        u = self.in_proj(x).transpose(1, 2).repeat(1, self.groups, 1)  # [B, 3I, T]
        x0, x1, v = self.short_filter(u).chunk(3, 1)
        return self.out_proj((x0 * self.long_conv(x1 * v)).transpose(1, 2))


def doubling_scan(decay, h):
    """h_t <- h_t + decay_t h_{t-s}, decay_t <- decay_t decay_{t-s} for s = 1, 2, 4 ...; [B, T, E, N]."""
    step = 1
    while step < h.shape[1]:
        earlier = [F.pad(x[:, :-step], (0, 0, 0, 0, step, 0)) for x in (h, decay)]
        h, decay = h + decay * earlier[0], decay * earlier[1]
        step *= 2
    return h


def loop_scan(decay, inputs):
    states = [inputs[:, 0]]
    for t in range(1, inputs.shape[1]):
        states.append(torch.addcmul(inputs[:, t], decay[:, t], states[-1]))
    return torch.stack(states, 1)


# The recurrence h_t = decay_t h_{t-1} + input_t, with the reverse one as its gradient, so only decay and h are kept.


class DoublingRecurrence(torch.autograd.Function):
    @staticmethod
    def forward(ctx, decay, inputs):
        h = doubling_scan(decay, inputs)
        ctx.save_for_backward(decay, h)
        return h

    @staticmethod
    def backward(ctx, dh):
        return recurrence_gradients(doubling_scan, *ctx.saved_tensors, dh)


class LoopRecurrence(torch.autograd.Function):
    @staticmethod
    def forward(ctx, decay, inputs):
        h = loop_scan(decay, inputs)
        ctx.save_for_backward(decay, h)
        return h

    @staticmethod
    def backward(ctx, dh):
        return recurrence_gradients(loop_scan, *ctx.saved_tensors, dh)


def recurrence_gradients(scan, decay, h, dh):
    ahead = F.pad(decay[:, 1:], (0, 0, 0, 0, 0, 1))
    adjoint = scan(ahead.flip(1), dh.flip(1)).flip(1)
    return adjoint * F.pad(h[:, :-1], (0, 0, 0, 0, 1, 0)), adjoint


RECURRENCES = {"doubling": DoublingRecurrence, "loop": LoopRecurrence}


class Mamba(nn.Module):
    def __init__(self, width, _, form, states=4, expand=2):
        super().__init__()
        inner, self.rank, self.states = expand * width, math.ceil(width / 16), states
        self.in_proj = nn.Linear(width, 2 * inner, bias=False)
        self.conv1d = ShortConvolution(inner, 4, form)
        self.x_proj = nn.Linear(inner, self.rank + 2 * states, bias=False)
        self.dt_proj = nn.Linear(self.rank, inner)
        nn.init.constant_(self.dt_proj.bias, math.log(math.expm1(0.01)))
        self.A_log = nn.Parameter(torch.log(torch.arange(1.0, states + 1)).repeat(inner, 1))
        self.D = nn.Parameter(torch.ones(inner))
        self.out_proj = nn.Linear(inner, width, bias=False)
        self.recurrence = RECURRENCES[form["scan"]]

    def forward(self, x):
        signal, gate = self.in_proj(x).chunk(2, -1)
        u = F.silu(self.conv1d(signal.transpose(1, 2)).transpose(1, 2))  # [B, T, E]
        step, b, c = self.x_proj(u).split([self.rank, self.states, self.states], -1)
        dt = F.softplus(self.dt_proj(step))
        decay = torch.exp(dt[..., None] * -torch.exp(self.A_log))  # [B, T, E, N]
        inputs = (dt * u)[..., None] * b[:, :, None]
        h = self.recurrence.apply(decay.float(), inputs.float())
        y = (h * c[:, :, None]).sum(-1) + self.D * u
        return self.out_proj(y.to(gate.dtype) * F.silu(gate))


class S4DKernel(nn.Module):
    """The kernel in real arithmetic, because compilers fuse that: K_t = 2 Re sum_n C_n B_n (z_n - 1) / A_n z_n^t."""

    def __init__(self, width, states=32):
        super().__init__()
        self.inv_dt = nn.Parameter(torch.empty(width, 1).uniform_(math.log(1e-3), math.log(0.1)))
        self.C = nn.Parameter(torch.randn(1, width, states, 2) * math.sqrt(0.5))
        self.B = nn.Parameter(torch.tensor([1.0, 0.0]).repeat(1, width, states, 1))
        self.A_real = nn.Parameter(torch.full((width, states), math.log(0.5)))
        self.A_imag = nn.Parameter((math.pi * torch.arange(states)).repeat(width, 1))

    def forward(self, length):
        dt = torch.exp(self.inv_dt)  # [D, 1]
        a = (-torch.exp(self.A_real), -self.A_imag)  # [D, N]
        exponent = (dt * a[0], dt * a[1])
        size = torch.exp(exponent[0])
        z_less_one = (size * torch.cos(exponent[1]) - 1, size * torch.sin(exponent[1]))
        weight = complex_product(self.C[0].unbind(-1), self.B[0].unbind(-1))
        re, im = complex_product(weight, complex_quotient(z_less_one, a))
        t = torch.arange(length, device=dt.device)
        decay = torch.exp(exponent[0][..., None] * t)  # [D, N, T]
        angle = exponent[1][..., None] * t
        return 2 * (decay * (re[..., None] * torch.cos(angle) - im[..., None] * torch.sin(angle))).sum(1)  # [D, T]


def complex_product(x, y):
    return x[0] * y[0] - x[1] * y[1], x[0] * y[1] + x[1] * y[0]


def complex_quotient(x, y):
    size = y[0] ** 2 + y[1] ** 2
    return (x[0] * y[0] + x[1] * y[1]) / size, (x[1] * y[0] - x[0] * y[1]) / size


class StateSpace(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.D = nn.Parameter(torch.randn(1, width))
        self.kernel = S4DKernel(width)

    def forward(self, x):  # [B, T, D]
        u = x.transpose(1, 2)
        y = long_convolution(u, self.kernel(u.shape[-1])) + u.float() * self.D[0][:, None]
        return y.to(x.dtype).transpose(1, 2)


class S4D(nn.Module):
    def __init__(self, width, length, _):
        super().__init__()
        self.layer = StateSpace(width)
        self.output_linear = nn.Sequential(nn.Linear(width, 2 * width))

    def forward(self, x):
        return F.glu(self.output_linear(F.gelu(self.layer(x))), -1)


MIXERS = {
    "attention": Attention,
    "hyena": Hyena,
    "linear-attention": LinearAttention,
    "mamba": Mamba,
    "s4d": S4D,
}


class LanguageModel(nn.Module):
    def __init__(self, arch, width, vocabulary, length, form):
        super().__init__()
        mixers = [MIXERS[name](width, length, form) for name in ARCHITECTURES[arch]]
        layers = [layer for mixer in mixers for layer in (mixer, SwiGLU(width))]
        self.token_embeds = nn.Embedding(vocabulary, width)
        nn.init.normal_(self.token_embeds.weight, std=0.02)
        self.model = nn.ModuleList(nn.Sequential(RMSNorm(width), layer) for layer in layers)
        self.unembed = nn.Sequential(RMSNorm(width), nn.Linear(width, vocabulary))

    def forward(self, tokens):
        x = self.token_embeds(tokens)
        for layer in self.model:
            x = x + layer(x)
        return self.unembed(x)

"""The models written plainly in JAX, with the parameter names and shapes of the operators in TypeScript.

Weights are one record by name, as in PyTorch's state_dict; `compute` is the type of products and activations. Long
convolutions are FFTs of the next power of two in float32, Mamba's recurrence is jax.lax.associative_scan in float32,
S4D's kernel is complex arithmetic, linear attention its quadratic form, and embeddings are one-hot products (a bfloat16
scatter-add costs six times as much). `form["attention"]` is "plain", or an implementation of
jax.nn.dot_product_attention.
"""

import math

import jax
import jax.numpy as jnp
import numpy as np
from measuring import ARCHITECTURES, HEADS, swiglu_width


def linear(w, name, x):
    y = x @ w[f"{name}.weight"].T
    return y + w[f"{name}.bias"] if f"{name}.bias" in w else y


def within(w, module):
    return {name[len(module) + 1 :]: value for name, value in w.items() if name.startswith(module + ".")}


def rms_norm(x, weight):
    x32 = x.astype(jnp.float32)
    scale = jax.lax.rsqrt(jnp.mean(x32 * x32, -1, keepdims=True) + 1e-5)
    return (x32 * scale).astype(x.dtype) * weight


def swiglu(w, x):
    return linear(w, "w3", jax.nn.silu(linear(w, "w1", x)) * linear(w, "w2", x))


def rotate(x):
    """x [B, T, ..., K]; half-split."""
    length, half = x.shape[1], x.shape[-1] // 2
    angle = jnp.arange(length)[:, None] * 10000.0 ** (-jnp.arange(half) / half)
    angle = angle.reshape(length, *[1] * (x.ndim - 3), half)
    cos, sin = jnp.cos(angle).astype(x.dtype), jnp.sin(angle).astype(x.dtype)
    a, b = jnp.split(x, 2, -1)
    return jnp.concatenate([a * cos - b * sin, b * cos + a * sin], -1)


def attention(w, x, form):
    batch, length, width = x.shape
    qkv = linear(w, "Wqkv", x).reshape(batch, length, 3, HEADS, width // HEADS)
    q, k = jnp.moveaxis(rotate(qkv[:, :, :2]), 2, 0)
    v = qkv[:, :, 2]
    if form["attention"] == "plain":
        y = plain_attention(q, k, v)
    else:
        y = jax.nn.dot_product_attention(q, k, v, is_causal=True, implementation=form["attention"])
    return linear(w, "out_proj", y.reshape(batch, length, width))


def plain_attention(q, k, v):
    """[B, T, H, K] each."""
    scores = jnp.einsum("bthk,bshk->bhts", q, k).astype(jnp.float32) / math.sqrt(q.shape[-1])
    scores = jnp.where(jnp.tril(jnp.ones(scores.shape[-2:], bool)), scores, -1e9)
    return jnp.einsum("bhts,bshk->bthk", jax.nn.softmax(scores, -1).astype(v.dtype), v)


def linear_attention(w, x, form):
    batch, length, width = x.shape

    def heads(name):
        return linear(w, name, x).reshape(batch, length, HEADS, width // HEADS)

    def features(name, z):
        return linear(w, f"{name}.layer1", z) * linear(w, f"{name}.layer2", z)

    q, k, v = features("feature_map_q", heads("proj_q")), features("feature_map_k", heads("proj_k")), heads("proj_v")
    scores = jnp.tril(jnp.einsum("bthk,bshk->bhts", q, k))
    total = scores.astype(jnp.float32).sum(-1)[..., None].swapaxes(1, 2) + 1e-12  # [B, T, H, 1]
    y = jnp.einsum("bhts,bshk->bthk", scores, v) / total
    return linear(w, "out_proj", y.astype(x.dtype).reshape(batch, length, width))


def short_convolution(w, name, x):
    """Depthwise and causal. x [B, T, C]."""
    taps = w[f"{name}.weight"]  # [C, 1, K]
    count, length = taps.shape[-1], x.shape[1]
    past = jnp.pad(x, ((0, 0), (count - 1, 0), (0, 0)))
    return sum(past[:, k : k + length] * taps[:, 0, k] for k in range(count)) + w[f"{name}.bias"]


def long_convolution(x, taps):
    """x [B, T, C], taps [T, C], in float32."""
    length = x.shape[1]
    points = 1 << (2 * length - 1).bit_length()
    spectrum = jnp.fft.rfft(x.astype(jnp.float32), points, 1) * jnp.fft.rfft(taps.astype(jnp.float32), points, 0)
    return jnp.fft.irfft(spectrum, points, 1)[:, :length]


def hyena_filter(w, length):
    """The first taps [T, C]."""
    network = within(w, "implicit_filter")
    positions = w["pos_emb.z"]  # [1, L, 3]
    h = positions[0, :length]
    for layer in "024":
        h = jnp.sin(network["1.freq"] * linear(network, layer, h))
    taps = linear(network, "6", h)
    rate = jnp.linspace(math.log(100) / 1.5, math.log(100) / 0.3, taps.shape[-1])
    time = jnp.linspace(0, 1, positions.shape[1])[:length, None]
    return taps * jnp.exp(-time * rate)


def hyena(w, x, form):
    filters = w["short_filter.weight"]
    u = linear(w, "in_proj", x)
    u = jnp.tile(u, (1, 1, filters.shape[0] // u.shape[-1]))
    x0, x1, v = jnp.split(short_convolution(w, "short_filter", u), 3, -1)
    gated = x1 * v
    # The filter is small and its windows span orders of magnitude: made in float32 from the master weights.
    taps = hyena_filter(within(form["master"], "long_conv.filter"), x.shape[1])
    y = long_convolution(gated, taps) + gated * w["long_conv.bias"]
    return linear(w, "out_proj", x0 * y.astype(x.dtype))


def mamba(w, x, form):
    states = w["A_log"].shape[1]
    rank = w["dt_proj.weight"].shape[1]
    signal, gate = jnp.split(linear(w, "in_proj", x), 2, -1)
    u = jax.nn.silu(short_convolution(w, "conv1d", signal))  # [B, T, E]
    step, b, c = jnp.split(linear(w, "x_proj", u), [rank, rank + states], -1)
    dt = jax.nn.softplus(linear(w, "dt_proj", step).astype(jnp.float32))
    decay = jnp.exp(dt[..., None] * -jnp.exp(form["master"]["A_log"]))  # [B, T, E, N]
    inputs = (dt * u)[..., None] * b[:, :, None]

    def combine(earlier, later):
        return later[0] * earlier[0], later[0] * earlier[1] + later[1]

    _, h = jax.lax.associative_scan(combine, (decay, inputs.astype(jnp.float32)), axis=1)
    y = (h * c[:, :, None]).sum(-1) + w["D"] * u
    return linear(w, "out_proj", y.astype(x.dtype) * jax.nn.silu(gate))


def s4d_kernel(w, length):
    """K_t = 2 Re sum_n C_n B_n (z_n - 1) / A_n z_n^t, [D, T]."""
    a = -jnp.exp(w["A_real"]) - 1j * w["A_imag"]
    exponent = jnp.exp(w["inv_dt"]) * a  # [D, N]
    b, c = ((w[name][0, ..., 0] + 1j * w[name][0, ..., 1]) for name in "BC")
    weight = c * b * (jnp.exp(exponent) - 1) / a
    powers = jnp.exp(exponent[..., None] * jnp.arange(length))  # [D, N, T]
    return 2 * jnp.einsum("dn,dnt->dt", weight, powers).real


def s4d(w, x, form):
    kernel = s4d_kernel(within(form["master"], "layer.kernel"), x.shape[1])
    y = long_convolution(x, kernel.T) + x * w["layer.D"][0]
    z = linear(w, "output_linear.0", jax.nn.gelu(y.astype(x.dtype), approximate=False))
    value, gate = jnp.split(z, 2, -1)
    return value * jax.nn.sigmoid(gate)


MIXERS = {
    "attention": attention,
    "hyena": hyena,
    "linear-attention": linear_attention,
    "mamba": mamba,
    "s4d": s4d,
}


def logits_of(weights, tokens, arch, compute, form):
    """Float32 weights by name, tokens [B, T] -> logits [B, T, V] in float32."""
    w = {name: value.astype(compute) for name, value in weights.items()}
    table = w["token_embeds.weight"]
    x = jax.nn.one_hot(tokens, table.shape[0], dtype=compute) @ table
    for i, name in enumerate(layer for mixer in ARCHITECTURES[arch] for layer in (mixer, "swiglu")):
        normal = rms_norm(x, w[f"model.{i}.0.weight"])
        own = within(w, f"model.{i}.1")
        if name == "swiglu":
            x = x + swiglu(own, normal)
        else:
            x = x + MIXERS[name](own, normal, {**form, "master": within(weights, f"model.{i}.1")})
    return linear(w, "unembed.1", rms_norm(x, w["unembed.0.weight"])).astype(jnp.float32)


def initial_weights(arch, width, vocabulary, length):
    """The operators' shapes; the distributions are near enough for a training that is only timed."""
    random = np.random.default_rng(0)

    def dense(name, inputs, outputs, bias=True):
        shapes = {f"{name}.weight": (outputs, inputs), **({f"{name}.bias": (outputs,)} if bias else {})}
        return {key: random.uniform(-1, 1, shape) / math.sqrt(inputs) for key, shape in shapes.items()}

    def depthwise(name, channels, taps):
        shapes = {f"{name}.weight": (channels, 1, taps), f"{name}.bias": (channels,)}
        return {key: random.uniform(-1, 1, shape) / math.sqrt(taps) for key, shape in shapes.items()}

    def hyena_weights(inner, order=4):
        position = np.linspace(0, 1, length)
        angle = 1e-4 * 2 * math.pi * np.arange(length) / length
        network = "long_conv.filter.implicit_filter"
        return {
            **dense("in_proj", width, 3 * inner // 4),
            **depthwise("short_filter", 3 * inner, 3),
            "long_conv.bias": random.normal(size=inner),
            "long_conv.filter.pos_emb.z": np.stack([position, np.cos(angle), -np.sin(angle)], -1)[None],
            **dense(f"{network}.0", 3, order),
            f"{network}.1.freq": np.ones((1, order)),
            **dense(f"{network}.2", order, order),
            **dense(f"{network}.4", order, order),
            **dense(f"{network}.6", order, inner, False),
            **dense("out_proj", inner, width),
        }

    def mamba_weights(inner, states=4):
        rank = math.ceil(width / 16)
        return {
            **dense("in_proj", width, 2 * inner, False),
            **depthwise("conv1d", inner, 4),
            **dense("x_proj", inner, rank + 2 * states, False),
            **dense("dt_proj", rank, inner, False),
            "dt_proj.bias": np.full(inner, math.log(math.expm1(0.01))),
            "A_log": np.log(np.arange(1.0, states + 1))[None].repeat(inner, 0),
            "D": np.ones(inner),
            **dense("out_proj", inner, width, False),
        }

    def s4d_weights(states=32):
        return {
            "layer.D": random.normal(size=(1, width)),
            "layer.kernel.inv_dt": random.uniform(math.log(1e-3), math.log(0.1), (width, 1)),
            "layer.kernel.C": random.normal(size=(1, width, states, 2)) * math.sqrt(0.5),
            "layer.kernel.B": np.tile([1.0, 0.0], (1, width, states, 1)),
            "layer.kernel.A_real": np.full((width, states), math.log(0.5)),
            "layer.kernel.A_imag": np.tile(math.pi * np.arange(states), (width, 1)),
            **dense("output_linear.0", width, 2 * width),
        }

    def linear_attention_weights():
        head = width // HEADS
        weights = {}
        for name in ("feature_map_q.layer1", "feature_map_q.layer2", "feature_map_k.layer1", "feature_map_k.layer2"):
            weights.update(dense(name, head, head))
        for name in ("proj_q", "proj_k", "proj_v", "out_proj"):
            weights.update(dense(name, width, width, False))
        return weights

    inner = swiglu_width(width)
    makers = {
        "attention": lambda: {**dense("Wqkv", width, 3 * width), **dense("out_proj", width, width)},
        "hyena": lambda: hyena_weights(4 * width),
        "linear-attention": linear_attention_weights,
        "mamba": lambda: mamba_weights(2 * width),
        "s4d": s4d_weights,
        "swiglu": lambda: {
            **dense("w1", width, inner, False),
            **dense("w2", width, inner, False),
            **dense("w3", inner, width, False),
        },
    }
    weights = {"token_embeds.weight": 0.02 * random.normal(size=(vocabulary, width))}
    for i, name in enumerate(layer for mixer in ARCHITECTURES[arch] for layer in (mixer, "swiglu")):
        weights[f"model.{i}.0.weight"] = np.ones(width)
        weights.update({f"model.{i}.1.{key}": value for key, value in makers[name]().items()})
    weights["unembed.0.weight"] = np.ones(width)
    weights.update(dense("unembed.1", width, vocabulary))
    return {name: np.asarray(value, np.float32) for name, value in weights.items()}

"""One training step in JAX, AdamW included, of the architectures that `bench/engine.ts` measures.

Float32 master state, --precision compute, --steps steps in one lax.scan under jit, state donated, data set resident:
what a careful user of JAX writes, without kernels of their own. The models are ours, name by name and shape by shape:
--check prints loss and gradients. Attention is measured in each form of --attention: "plain" einsums,
or an implementation of jax.nn.dot_product_attention ("cudnn", "xla").
"""

import os
import time

os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")

import jax  # noqa: E402
import jax.numpy as jnp  # noqa: E402
import numpy as np  # noqa: E402
from jax_models import initial_weights, logits_of  # noqa: E402
from measuring import (  # noqa: E402
    ARCHITECTURES,
    IGNORED,
    LEARNING_RATE,
    WEIGHT_DECAY,
    answer_checks,
    arguments,
    batch_order,
    block_times,
    measure,
    parsed,
    recall_data,
    resident_megabytes,
    sizes,
    summary,
)


def main():
    on_gpu = jax.default_backend() == "gpu"
    parser = arguments(__doc__)
    parser.add_argument("--attention", default="plain,cudnn" if on_gpu else "plain", help="forms of softmax attention")
    parser.add_argument("--steps", type=int, default=100 if on_gpu else 2, help="training steps in one call")
    parser.add_argument("--precision", default="bfloat16" if on_gpu else "float32", choices=["bfloat16", "float32"])
    options = parsed(parser)
    if options.check:
        return check(options)
    for arch in options.archs:
        has_choice = "attention" in ARCHITECTURES[arch]
        for form in options.attention.split(",") if has_choice else [None]:
            labels = {
                **{"peer": "jax", "arch": arch, "mode": "jit" if form is None else f"jit, {form} attention"},
                "precision": options.precision,
                **sizes(options),
                "stepsPerCall": options.steps,
                **versions(),
            }
            measure(labels, options.limit, lambda: time_training(arch, form, options))  # noqa: B023


def time_training(arch, form, options):
    start = time.perf_counter()
    inputs, targets = (jax.device_put(x) for x in recall_data(options))
    order = jax.device_put(batch_order(options, options.steps))
    weights = initial_weights(arch, options.width, options.vocabulary, options.length)
    state = initial_state(jax.device_put(weights))
    compute = jnp.dtype(options.precision)

    def train(state, inputs, targets, order):
        def step(state, rows):
            loss, gradients = jax.value_and_grad(loss_of)(
                state["weights"], inputs[rows], targets[rows], arch, compute, {"attention": form}
            )
            return adamw(state, gradients), loss

        return jax.lax.scan(step, state, order)

    compiled = jax.jit(train, donate_argnums=0).lower(state, inputs, targets, order).compile()
    compile_seconds = time.perf_counter() - start
    losses = []

    def run(steps):
        nonlocal state
        for _ in range(max(1, steps // options.steps)):
            state, loss = compiled(state, inputs, targets, order)
        losses.append(np.asarray(loss))  # waits for the device

    run(options.steps)
    times = block_times(run, options.seconds, block=3 * options.steps)
    memory = compiled.memory_analysis()
    return {
        **summary(times),
        "compileSeconds": round(compile_seconds, 3),
        "parameters": sum(w.size for w in weights.values()),
        "temporaryMegabytes": memory.temp_size_in_bytes // 2**20,
        "residentMegabytes": resident_megabytes(),
        "losses": [round(float(losses[0][0]), 4), round(float(losses[-1][-1]), 4)],
    }


def loss_of(weights, tokens, targets, arch, compute, form):
    logits = logits_of(weights, tokens, arch, compute, form)
    is_scored = targets != IGNORED
    # One-hot of an ignored target is all zeros.
    surprise = -jnp.sum(jax.nn.log_softmax(logits) * jax.nn.one_hot(targets, logits.shape[-1]), -1)
    return jnp.sum(surprise) / jnp.maximum(jnp.sum(is_scored), 1)


def initial_state(weights):
    def zeros():
        return jax.tree.map(jnp.zeros_like, weights)

    return {"weights": weights, "first": zeros(), "second": zeros(), "steps": jnp.zeros(())}


def adamw(state, gradients):
    steps = state["steps"] + 1
    first = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, state["first"], gradients)
    second = jax.tree.map(lambda v, g: 0.999 * v + 0.001 * g * g, state["second"], gradients)

    def update(w, m, v):
        change = m / (1 - 0.9**steps) / (jnp.sqrt(v / (1 - 0.999**steps)) + 1e-8)
        return w * (1 - LEARNING_RATE * WEIGHT_DECAY) - LEARNING_RATE * change

    weights = jax.tree.map(update, state["weights"], first, second)
    return {"weights": weights, "first": first, "second": second, "steps": steps}


def versions():
    device = jax.devices()[0]
    platform = str(device.client.platform_version).strip().split("\n")[-1]
    return {"jax": jax.__version__, "platform": platform, "device": device.device_kind}


def check(options):
    form = {"attention": options.attention.split(",")[0]}

    def answer(arch, weights, tokens, targets):
        with jax.default_matmul_precision("highest"):
            return jax.value_and_grad(loss_of)(weights, tokens, targets, arch, jnp.float32, form)

    answer_checks(options.check, answer)


if __name__ == "__main__":
    main()

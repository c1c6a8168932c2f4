"""What the peers share: architectures, sizes, data, the clock, and the lines they print.

Standard output holds one JSON object per measurement and nothing else. Numpy is all that is needed here.
"""

import argparse
import json
import platform
import signal
import statistics
import time
from contextlib import contextmanager

import numpy as np

# The sequence mixers of the two pairs; SwiGLU follows each.
ARCHITECTURES = {
    "mh-attention+swiglu": ("attention", "attention"),
    "hyena+swiglu": ("hyena", "hyena"),
    "mh-linear-attention+swiglu": ("linear-attention", "linear-attention"),
    "mamba+swiglu": ("mamba", "mamba"),
    "s4d+swiglu": ("s4d", "s4d"),
    "striped hyena/attention+swiglu": ("hyena", "attention"),
}

IGNORED = -100  # a target that is not scored
LEARNING_RATE, WEIGHT_DECAY = 5e-4, 0.1
HEADS = 16


def arguments(documentation):
    """A parser that knows the options of every peer."""
    title, _, rest = documentation.partition("\n\n")
    parser = argparse.ArgumentParser(
        description=title, epilog=rest, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--archs", default=",".join(ARCHITECTURES), help="names, separated by commas")
    parser.add_argument("--width", type=int, default=128, help="model width D")
    parser.add_argument("--vocabulary", type=int, default=16)
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--length", type=int, default=128, help="tokens that the model is built for")
    parser.add_argument("--tokens", type=int, help="tokens T of a sequence; the length unless given")
    parser.add_argument("--rows", type=int, default=1280, help="sequences of the data set, resident on the device")
    parser.add_argument("--seconds", type=float, default=5, help="of timing for each measurement, at least 3 blocks")
    parser.add_argument("--limit", type=float, default=150, help="seconds after which a measurement is given up")
    parser.add_argument("--check", metavar="FILE", help="print loss and gradients of the cases in a file instead")
    return parser


def parsed(parser):
    options = parser.parse_args()
    options.tokens = options.tokens or options.length
    options.archs = chosen(parser, "architecture", options.archs, ARCHITECTURES)
    return options


def chosen(parser, kind, names, known):
    """The names of a list separated by commas; each must be known."""
    for name in names.split(","):
        if name not in known:
            parser.error(f'there is no {kind} "{name}"; there are: {", ".join(known)}')
    return names.split(",")


def swiglu_width(width):
    return 16 * -(-(8 * width // 3) // 16)


def recall_data(options):
    """Tokens and targets int32 [rows, T] in the shapes of in-context recall: half of the targets are scored."""
    random = np.random.default_rng(0)
    tokens = random.integers(0, options.vocabulary, (options.rows, options.tokens + 1), dtype=np.int32)
    targets = tokens[:, 1:].copy()
    targets[:, ::2] = IGNORED
    return tokens[:, :-1].copy(), targets


def batch_order(options, steps):
    """Rows [steps, B] of `steps` steps."""
    return np.random.default_rng(1).integers(0, options.rows, (steps, options.batch), dtype=np.int32)


def sizes(options):
    return {name: getattr(options, name) for name in ("batch", "tokens", "length", "width", "vocabulary")}


def block_times(run, seconds, block=None):
    """Milliseconds per step of several blocks; `run(steps)` returns when the device is done with them.

    A first block is not counted. Unless given, blocks are so long that one takes about 0.3 s.
    """
    if block is None:
        start = time.perf_counter()
        run(1)
        block = max(1, min(500, round(0.3 / (time.perf_counter() - start))))
    run(block)
    times, end = [], time.perf_counter() + seconds
    while len(times) < 3 or (time.perf_counter() < end and len(times) < 200):
        start = time.perf_counter()
        run(block)
        times.append(1000 * (time.perf_counter() - start) / block)
    return times


def summary(times):
    median = statistics.median(times)
    return {
        "medianMs": round(median, 4),
        "leastMs": round(min(times), 4),
        "stepsPerSecond": round(1000 / median, 2),
        "blocks": len(times),
    }


def resident_megabytes():
    """The most that this process has held so far. Linux lets `ru_maxrss` begin with what the parent held."""
    with open("/proc/self/status", encoding="ascii") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmHWM:")) // 1024


@contextmanager
def deadline(seconds):
    def give_up(*_):
        raise TimeoutError(f"given up after {seconds:g} s")

    previous = signal.signal(signal.SIGALRM, give_up)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, previous)


def measure(labels, limit, run):
    """Prints the labels and what `run` returns, or the error that ended it. The next measurement goes on."""
    try:
        with deadline(limit):
            found = run()
    except Exception as error:  # noqa: BLE001 - a case that fails is a result
        found = {"error": f"{type(error).__name__}: {error}"[:600]}
    line = {**labels, **found, "python": platform.python_version()}
    print(json.dumps(line), flush=True)


def answer_checks(file, answer):
    """Prints loss and flattened gradients for each case of the file; answer(arch, weights, tokens, targets) gives them.

    A case names its architecture and holds weights by name, and tokens and targets [B, T].
    """
    with open(file, encoding="utf-8") as text:
        cases = json.load(text)
    answers = []
    for case in cases:
        weights = {w["name"]: np.array(w["values"], np.float32).reshape(w["shape"]) for w in case["weights"]}
        tokens, targets = (np.array(case[name], np.int32) for name in ("inputs", "targets"))
        loss, gradients = answer(case["arch"], weights, tokens, targets)
        flat = {name: np.asarray(gradient).ravel().tolist() for name, gradient in gradients.items()}
        answers.append({"loss": float(loss), "gradients": flat})
    print(json.dumps(answers))

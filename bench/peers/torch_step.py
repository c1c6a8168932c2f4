"""One training step in PyTorch, AdamW included, of the architectures that `bench/engine.ts` measures.

modes:
  cpu           float32, eager, for each number of --threads
  cpu-compile   the same under torch.compile
  cuda          bfloat16 autocast, eager
  cuda-compile  bfloat16 autocast, torch.compile(mode="reduce-overhead")
  cuda-expert   the compiled loss, its backward and AdamW captured in one CUDA graph

A mode may take kernels that an earlier one of the same architecture compiled; alone its compilation is cold.

The models are ours, name by name and shape by shape: --check prints loss and gradients. AdamW is the
fused one where torch has it. Mamba's CUDA kernel is not used: its recurrence is a doubling scan (Hillis and Steele,
log2 T passes) on a GPU and a loop over time on the CPU, with the reverse recurrence as its gradient.
"""

import gc
import os
import tempfile
import time

# Nothing that an earlier run compiled is taken.
os.environ["TORCHINDUCTOR_CACHE_DIR"] = tempfile.mkdtemp(prefix="inductor-")

import torch  # noqa: E402
import torch.nn.functional as F  # noqa: E402
from measuring import (  # noqa: E402
    ARCHITECTURES,
    IGNORED,
    LEARNING_RATE,
    WEIGHT_DECAY,
    answer_checks,
    arguments,
    batch_order,
    block_times,
    chosen,
    measure,
    parsed,
    recall_data,
    resident_megabytes,
    sizes,
    summary,
)
from torch_models import RECURRENCES, LanguageModel  # noqa: E402

MODES = {
    "cpu": {"device": "cpu"},
    "cpu-compile": {"device": "cpu", "compile": {}},
    "cuda": {"device": "cuda"},
    "cuda-compile": {"device": "cuda", "compile": {"mode": "reduce-overhead"}},
    "cuda-expert": {"device": "cuda", "compile": {}, "is_captured": True},
}


def main():
    parser = arguments(__doc__)
    default = "cuda,cuda-compile,cuda-expert" if torch.cuda.is_available() else "cpu"
    parser.add_argument("--modes", default=default, help=f"default {default}")
    parser.add_argument("--threads", default="1,2", help="processor threads of the cpu modes")
    parser.add_argument("--scan", default="auto", choices=["auto", *RECURRENCES], help="Mamba's recurrence")
    options = parsed(parser)
    if options.check:
        return check(options)
    torch.set_float32_matmul_precision("high")
    modes = [(name, MODES[name]) for name in chosen(parser, "mode", options.modes, MODES)]
    for arch in options.archs:
        for name, mode in modes:
            for threads in map(int, options.threads.split(",")) if mode["device"] == "cpu" else [None]:
                labels = {
                    **{"peer": "torch", "arch": arch, "mode": name},
                    "precision": "float32" if mode["device"] == "cpu" else "bfloat16",
                    **({"threads": threads} if threads else {}),
                    **sizes(options),
                    **versions(mode["device"]),
                }
                if threads:
                    torch.set_num_threads(threads)
                measure(labels, options.limit, lambda: time_training(arch, mode, options))  # noqa: B023


def time_training(arch, mode, options):
    device, compiling, is_captured = mode["device"], mode.get("compile"), mode.get("is_captured", False)
    on_gpu = device == "cuda"
    if on_gpu:
        gc.collect()
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()
    torch.manual_seed(0)
    form = {"fused": compiling is not None, "scan": scan_for(device, options)}
    start = time.perf_counter()
    model = LanguageModel(arch, options.width, options.vocabulary, options.length, form).to(device)
    inputs, targets = (torch.from_numpy(x).long().to(device) for x in recall_data(options))
    order = torch.from_numpy(batch_order(options, 64)).long().to(device)
    optimizer = adamw(model, on_gpu, is_captured)

    def loss_of(rows):
        with torch.autocast(device, dtype=torch.bfloat16, enabled=on_gpu, cache_enabled=not is_captured):
            logits = model(inputs[rows])
        return cross_entropy(logits, targets[rows])

    if compiling is not None:
        torch._dynamo.reset()
        loss_of = torch.compile(loss_of, **compiling)

    def train(rows):
        if compiling and "mode" in compiling:
            torch.compiler.cudagraph_mark_step_begin()
        optimizer.zero_grad(set_to_none=True)
        loss = loss_of(rows)
        loss.backward()
        optimizer.step()
        return loss

    step = captured(train, order[0]) if is_captured else train
    losses = []
    taken = 0

    def run(steps):
        nonlocal taken
        for _ in range(steps):
            loss = step(order[taken % len(order)])
            taken += 1
        losses.append(loss.item())  # waits for the device

    run(1)
    compile_seconds = time.perf_counter() - start
    times = block_times(run, options.seconds)
    return {
        **summary(times),
        "compileSeconds": round(compile_seconds, 3),
        "parameters": sum(p.numel() for p in model.parameters()),
        **({"deviceMegabytes": torch.cuda.max_memory_allocated() // 2**20} if on_gpu else {}),
        "residentMegabytes": resident_megabytes(),
        **({"scan": form["scan"]} if "mamba" in ARCHITECTURES[arch] else {}),
        "losses": [round(losses[0], 4), round(losses[-1], 4)],
    }


def captured(train, first):
    """The whole of `train` as one CUDA graph; rows are copied into its input before each replay."""
    rows = first.clone()
    stream = torch.cuda.Stream()
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        for _ in range(3):  # compiles, and fills the optimizer's state
            train(rows)
    torch.cuda.current_stream().wait_stream(stream)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        loss = train(rows)

    def replay(given):
        rows.copy_(given)
        graph.replay()
        return loss

    return replay


def adamw(model, on_gpu, is_captured):
    rates = {"lr": LEARNING_RATE, "weight_decay": WEIGHT_DECAY}
    if on_gpu:
        return torch.optim.AdamW(model.parameters(), fused=True, capturable=is_captured, **rates)
    try:
        return torch.optim.AdamW(model.parameters(), fused=True, **rates)
    except (RuntimeError, TypeError):  # before torch 2.4 it is on GPUs only
        return torch.optim.AdamW(model.parameters(), **rates)


def cross_entropy(logits, targets):
    return F.cross_entropy(logits.float().flatten(0, 1), targets.flatten(), ignore_index=IGNORED)


def scan_for(device, options):
    return {"cpu": "loop", "cuda": "doubling"}[device] if options.scan == "auto" else options.scan


def versions(device):
    found = {"torch": torch.__version__}
    if device == "cuda":
        found.update(cuda=torch.version.cuda, cudnn=torch.backends.cudnn.version(), device=torch.cuda.get_device_name())
    return found


def check(options):
    """With the doubling scan convolutions are checked in the form for compilers as well."""
    scan = scan_for("cpu", options)
    form = {"fused": scan == "doubling", "scan": scan}

    def answer(arch, weights, tokens, targets):
        model = LanguageModel(arch, options.width, options.vocabulary, options.length, form)
        model.load_state_dict({name: torch.from_numpy(value) for name, value in weights.items()})
        loss = cross_entropy(model(torch.from_numpy(tokens).long()), torch.from_numpy(targets).long())
        loss.backward()
        return loss.item(), {name: p.grad.numpy() for name, p in model.named_parameters()}

    answer_checks(options.check, answer)


if __name__ == "__main__":
    main()

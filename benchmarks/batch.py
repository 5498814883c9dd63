"""Time the OpenVINO engine with different batch sizes, one process a processor, all at once.

    python benchmarks/batch.py [--models vggish] [--seconds 160] [--rounds 5]

The models are full-size stand-ins (fullsize_standins.py): the true architectures with random
weights; MusiCNN is the real one. Times are milliseconds a patch, mel bands included: the median of
the rounds, in which the sizes take turns and tracks differ in length. Every process starts a size
at the same moment, since they share the memory and its bandwidth, as the workers of a build do.
"""

import argparse
import multiprocessing
import os
import statistics
import tempfile
import time
from multiprocessing.synchronize import Barrier
from pathlib import Path

import numpy as np

import fullsize_standins
from artistindex.embedding import openvino, weights
from artistindex.embedding.registry import spec_of

MODELS = ("discogs-effnet", "vggish", "musicnn")
SIZES = (4, 8, 16, 32, 64)


def main() -> None:
    """Install the stand-ins, measure each model and precision, print a table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seconds", type=float, default=160, help="of audio, the longest track")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--models", nargs="+", default=MODELS, choices=MODELS)
    parser.add_argument("--precisions", nargs="+", default=["f32", "bf16"])
    options = parser.parse_args()
    print(f"| ms a patch, batch of | {' | '.join(map(str, SIZES))} |")
    print(f"|---|{'---|' * len(SIZES)}")
    with tempfile.TemporaryDirectory() as folder:
        os.environ["ARTISTINDEX_CACHE"] = folder
        writers = (fullsize_standins.write_effnet, fullsize_standins.write_vggish)
        for name, write in zip(MODELS, writers, strict=False):
            weights.install(spec_of(name), write(Path(folder) / f"{name}.pb"), unverified=True)
        for name in options.models:
            for precision in options.precisions:
                milliseconds = side_by_side(name, precision, options.seconds, options.rounds)
                print(f"| {name} {precision} | {' | '.join(f'{ms:.2f}' for ms in milliseconds)} |")


def side_by_side(name: str, precision: str, seconds: float, rounds: int) -> list[float]:
    """Milliseconds a patch for each size, as one of as many processes as processors has them."""
    context = multiprocessing.get_context("spawn")
    processes = len(os.sched_getaffinity(0))
    barrier = context.Barrier(processes)
    ours, theirs = context.Pipe(duplex=False)
    workers = [
        context.Process(target=measure, args=(barrier, theirs, name, precision, seconds, rounds))
        for _ in range(processes)
    ]
    for worker in workers:
        worker.start()
    milliseconds: list[float] = ours.recv()
    for worker in workers:
        worker.join()
    return milliseconds


def measure(
    barrier: Barrier,
    connection: "multiprocessing.connection.Connection",
    name: str,
    precision: str,
    seconds: float,
    rounds: int,
) -> None:
    """Time every size in turns; the first of the processes sends its medians."""
    installed = weights.find_installed(spec_of(name))
    models = []
    for size in SIZES:
        openvino.WIRED_BATCH = openvino.FREE_BATCH = size
        models.append(openvino.OpenVinoModel(installed, precision=precision))
    noise = np.random.default_rng(0).standard_normal(int(seconds * 16_000), np.float32)
    times: list[list[float]] = [[] for _ in SIZES]
    for turn in range(rounds + 1):
        samples = noise[: int(len(noise) * (1 - 0.07 * turn))]
        for model, taken in zip(models, times, strict=True):
            barrier.wait()
            started = time.perf_counter()
            patches = model.patches(samples)
            taken.append(1000 * (time.perf_counter() - started) / len(patches))
    if barrier.wait() == 0:
        connection.send([statistics.median(taken[1:]) for taken in times])  # the first turn warms


if __name__ == "__main__":
    main()

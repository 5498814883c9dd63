"""Time `artistindex build` beside the plain Essentia loop, on the same tracks, in turns.

    python benchmarks/extract.py MUSIC [--tracks 24] [--runs 3] [--json FILE]

MUSIC is any folder of music. Its tracks are brought into a folder of mixed formats once (as they
are, mp3, m4a, flac). The models are full-size stand-ins (fullsize_standins.py): the true
architectures with random weights. A run of each that is not timed comes first: it warms the engines
(models converted, self-check done) and has its memory watched, which costs processor time. The
plain loop is what one writes after reading Essentia's documentation: for each model and track, load
the audio, run TensorflowPredict*, average.
"""

import argparse
import json
import os
import platform
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from itertools import cycle
from pathlib import Path
from typing import Any, cast

import av
import psutil
from av.audio.stream import AudioStream

import fullsize_standins
from artistindex.embedding import weights
from artistindex.embedding.registry import spec_of
from artistindex.metadata.local_files import SUFFIXES

CODECS = {"": "", ".mp3": "mp3", ".m4a": "aac", ".flac": "flac"}
MODELS = ("discogs-effnet", "vggish")
PLAIN_LOOP = """
import json, os, sys
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import essentia
import numpy as np
essentia.log.infoActive = essentia.log.warningActive = False
import essentia.standard as es
for algorithm, graph, output in json.loads(sys.argv[1]):
    predict = getattr(es, algorithm)(graphFilename=graph, output=output)
    for path in sys.argv[2:]:
        audio = es.MonoLoader(filename=path, sampleRate=16000, resampleQuality=4)()
        np.mean(predict(audio), axis=0)
"""


@dataclass
class Measured:
    """What was measured of a program, a value a run.

    `wall` in seconds; `busy` in processors (processor time over wall time, children included);
    `spent` in seconds per stage, summed over the workers, of the last run. `memory` in MB, the most
    that all its processes held together (shared pages counted once), is of a run of its own.
    """

    name: str
    wall: list[float] = field(default_factory=list)
    busy: list[float] = field(default_factory=list)
    memory: float = 0.0
    spent: dict[str, float] = field(default_factory=dict)


def main() -> None:
    """Parse, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("music", type=Path, help="a folder of music")
    parser.add_argument("--tracks", type=int, default=24)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--longest", type=float, default=1200, help="leave out longer ones (s)")
    parser.add_argument("--precisions", nargs="+", default=["f32", "bf16"])
    parser.add_argument("--json", type=Path, help="write the figures here, too")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        figures = compare(Path(folder), options)
    show(figures)
    if options.json:
        options.json.write_text(json.dumps(figures, indent=2) + "\n")


def compare(folder: Path, options: argparse.Namespace) -> dict[str, Any]:
    """Measure the plain loop and builds of each precision in turns, `options.runs` times."""
    os.environ["ARTISTINDEX_CACHE"] = str(folder / "cache")
    graphs = install_standins(folder)
    music = mixed(options.music, folder / "music", options.tracks, options.longest)
    plain = [sys.executable, "-c", PLAIN_LOOP, json.dumps(graphs), *map(str, music)]
    measured = [Measured("plain loop"), *(Measured(f"build {p}") for p in options.precisions)]
    commands = [plain, *(build(folder, precision) for precision in options.precisions)]
    for figure, command in zip(measured, commands, strict=True):
        watch(figure, command, folder)
    for run in range(options.runs):
        for figure, command in zip(measured, commands, strict=True):
            measure(figure, command, folder)
            print(f"run {run + 1}: {figure.name} {figure.wall[-1]:.1f} s", file=sys.stderr)
    return {
        "tracks": len(music),
        "audio_seconds": round(sum(map(seconds, music)), 1),
        "processor": processor(),
        "processors": len(os.sched_getaffinity(0)),
        "measured": [asdict(figure) for figure in measured],
    }


def install_standins(folder: Path) -> list[tuple[str, str, str]]:
    """Write and install the full-size stand-ins; what the plain loop needs to know of them."""
    writers = (fullsize_standins.write_effnet, fullsize_standins.write_vggish)
    graphs = []
    for name, write in zip(MODELS, writers, strict=True):
        spec = spec_of(name)
        path = write(folder / f"{name}.pb")
        weights.install(spec, path, unverified=True)
        graphs.append((spec.algorithm or "", str(path), spec.output))
    return graphs


def mixed(music: Path, target: Path, count: int, longest: float) -> list[Path]:
    """`count` tracks of 20 to `longest` seconds in mixed formats, by three made-up artists."""
    paths = sorted(
        path
        for path in music.rglob("*")
        if path.suffix.lower() in SUFFIXES and path.is_file() and 20 < seconds(path) <= longest
    )
    if len(paths) < count:
        sys.exit(f"{music} holds {len(paths)} tracks of such length; {count} were asked for")
    written = []
    for at, (path, suffix) in enumerate(zip(paths[:count], cycle(CODECS), strict=False)):
        copy = target / f"Artist {at % 3}" / "Album" / f"{at:03}{suffix or path.suffix.lower()}"
        copy.parent.mkdir(parents=True, exist_ok=True)
        if suffix:
            transcode(path, copy, CODECS[suffix])
        else:
            shutil.copy(path, copy)
        written.append(copy)
    return written


def transcode(path: Path, target: Path, codec: str) -> None:
    """Encode the audio of `path` into `target`, without its tags."""
    with av.open(str(path)) as source, av.open(str(target), "w") as output:
        stream = cast(AudioStream, output.add_stream(codec, rate=44_100))
        for frame in source.decode(audio=0):
            frame.pts = None
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))


def seconds(path: Path) -> float:
    """The duration that a file declares."""
    with av.open(str(path)) as container:
        return (container.duration or 0) / av.time_base


def build(folder: Path, precision: str) -> list[str]:
    """The command line of a build with OpenVINO."""
    return [
        *(sys.executable, "-m", "artistindex", "--indexes", str(folder / "indexes"), "build"),
        *("--audio", str(folder / "music"), "--tracks", "1000", "--precision", precision),
        *("--format", "json"),
    ]


def measure(into: Measured, command: Sequence[str], folder: Path) -> None:
    """Run `command` on a fresh library and add its figures to `into`."""
    shutil.rmtree(folder / "indexes", ignore_errors=True)
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    started = time.perf_counter()
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    wall = time.perf_counter() - started
    if result.returncode != 0:
        sys.exit(f"{command[:6]} ended with {result.returncode}:\n{result.stderr}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    into.wall.append(round(wall, 3))
    into.busy.append(round(used / wall, 3))
    into.spent = json.loads(result.stdout).get("spent", {}) if result.stdout.startswith("{") else {}


def watch(into: Measured, command: Sequence[str], folder: Path) -> None:
    """Run `command` on a fresh library and add the memory it takes to `into`."""
    shutil.rmtree(folder / "indexes", ignore_errors=True)
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        parent = psutil.Process(process.pid)
        while process.poll() is None:
            total = 0.0
            try:
                for member in (parent, *parent.children(recursive=True)):
                    total += member.memory_full_info().pss / 1e6
            except psutil.Error:
                continue  # it ended just now
            into.memory = max(into.memory, round(total, 1))
            time.sleep(0.2)
    if process.returncode != 0:
        sys.exit(f"{command[:6]} ended with {process.returncode}")


def processor() -> str:
    """The processor's name and whether it computes in bf16."""
    text = Path("/proc/cpuinfo").read_text() if Path("/proc/cpuinfo").exists() else ""
    named = [line.partition(":")[2].strip() for line in text.splitlines() if "model name" in line]
    kinds = [kind for kind in ("amx_bf16", "avx512_bf16", "avx512f", "avx2") if kind in text]
    return f"{named[0] if named else platform.processor()} ({', '.join(kinds)})"


def show(figures: dict[str, Any]) -> None:
    """The figures as a Markdown table, medians first."""
    print(
        f"{figures['tracks']} tracks, {figures['audio_seconds']:.0f} s of audio;"
        f" {figures['processors']} processors of {figures['processor']}\n"
    )
    print("| | wall time (s) | times faster | audio s a second | processors busy | memory (MB) |")
    print("|---|---|---|---|---|---|")
    plain = statistics.median(figures["measured"][0]["wall"])
    for figure in figures["measured"]:
        wall = statistics.median(figure["wall"])
        spread = f"{min(figure['wall']):.1f}-{max(figure['wall']):.1f}"
        print(
            f"| {figure['name']} | {wall:.1f} ({spread}) | {plain / wall:.2f}"
            f" | {figures['audio_seconds'] / wall:.0f} | {statistics.median(figure['busy']):.2f}"
            f" | {figure['memory']:.0f} |"
        )
    for figure in figures["measured"][1:]:
        total = sum(figure["spent"].values()) or 1.0
        shares = ", ".join(f"{name} {100 * s / total:.0f}%" for name, s in figure["spent"].items())
        print(f"\n{figure['name']}: of the workers' {total:.1f} s: {shares}")


if __name__ == "__main__":
    main()

# /// script
# requires-python = ">=3.11,<3.14"
# dependencies = ["tensorflow-cpu>=2.19", "tf-keras>=2.19"]
# ///
"""Make the MusiCNN that artistindex ships out of the wheel of `musicnn` 0.1.0.

    pip download --no-deps musicnn==0.1.0
    uv run scripts/convert_musicnn.py musicnn-0.1.0-py3-none-any.whl

The authors' own code builds the net and TensorFlow restores the MSD_musicnn checkpoint into it;
what comes out is the part up to the batch norm that follows the 200 values of `dense/BiasAdd`,
frozen in single precision (3 MB; half precision would save half of it, and was measured to move
the embeddings of real music by 0.3 to 0.5%). Both are outputs: `dense/BiasAdd`, before ReLU and
batch norm, is bit by bit what the graph that ended there computed (sha256 fe444529...), on both
engines, so vectors of either file are the same.
Written are the graph, its licence notice, and for the tests what the restored net, before it was
frozen, makes of a few patches. It prints the size and sha256 that the registry must state.
"""

import argparse
import hashlib
import os
import sys
import tempfile
import warnings
import zipfile
from pathlib import Path
from typing import Any

os.environ["TF_USE_LEGACY_KERAS"] = "1"  # the authors' code calls tf.compat.v1.layers
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

WHEEL_SHA256 = "f38a4890c648c1ddbb141c5d96d2b0a8cfcd36746002d896989f7b88beb65cfa"
MODEL, FRAMES, BANDS, TAGS = "MSD_musicnn", 187, 96, 50
OUTPUTS = {
    "embeddings": "model/dense/BiasAdd",
    "batch_norm": "model/batch_normalization_10/batchnorm/add_1",
}
LICENCE = "musicnn-0.1.0.dist-info/LICENSE.md"

REPOSITORY = Path(__file__).resolve().parents[1]
DATA = REPOSITORY / "src/artistindex/embedding/data"
GOLDEN = REPOSITORY / "tests/embedding/data/musicnn.npz"


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def golden_patches() -> NDArray[np.float32]:
    """(6, 187, 96): noise, a ramp, a tone with partials, beats, silence, everything at its most."""
    random = np.random.default_rng(2019)
    frames, bands = np.mgrid[0:FRAMES, 0:BANDS]
    patches = [
        4 * random.random((FRAMES, BANDS)),
        4 * frames / FRAMES * (1 - bands / BANDS),
        4.0 * (bands % 12 == 3),
        3 * (frames % 16 < 2) + random.random((FRAMES, BANDS)),
        np.zeros((FRAMES, BANDS)),
        np.full((FRAMES, BANDS), 6.0),
    ]
    return np.array(patches, np.float32)


def restored_session(unpacked: Path) -> Any:
    """A session with the authors' net for inference, the checkpoint's weights in it."""
    sys.path.insert(0, str(unpacked))
    from musicnn import models

    tf.compat.v1.disable_eager_execution()
    tf.compat.v1.disable_resource_variables()
    with tf.name_scope("model"):
        patches = tf.compat.v1.placeholder(tf.float32, [None, FRAMES, BANDS])
        models.define_model(patches, False, MODEL, TAGS)
    session = tf.compat.v1.Session()
    tf.compat.v1.train.Saver().restore(session, f"{unpacked}/musicnn/{MODEL}/")
    return session


def frozen(session: Any) -> bytes:
    meta = tf.compat.v1.train.export_meta_graph(clear_devices=True, strip_default_attrs=True)
    graph = tf.compat.v1.graph_util.convert_variables_to_constants(
        session, meta.graph_def, list(OUTPUTS.values())
    )
    content: bytes = graph.SerializeToString(deterministic=True)
    return content


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n\n")[0])
    parser.add_argument("wheel", type=Path)
    wheel = parser.parse_args().wheel
    if sha256(wheel) != WHEEL_SHA256:
        sys.exit(f"{wheel} is not the wheel of musicnn 0.1.0: its sha256 is {sha256(wheel)}")
    with tempfile.TemporaryDirectory() as unpacked, zipfile.ZipFile(wheel) as archive:
        warnings.simplefilter("ignore", UserWarning)  # the authors' code is of 2019
        archive.extractall(unpacked)
        session = restored_session(Path(unpacked))
        tensors = {name: f"{output}:0" for name, output in OUTPUTS.items()}
        golden = session.run(tensors, {"model/Placeholder:0": golden_patches()})
        graph = DATA / "msd-musicnn.pb"
        graph.write_bytes(frozen(session))
        notice = (Path(unpacked) / LICENCE).read_text("utf-8")
    (DATA / "msd-musicnn-LICENSE.txt").write_text(
        f"{graph.name} holds weights of MusiCNN from the Python package musicnn 0.1.0.\n\n{notice}",
        "utf-8",
    )
    GOLDEN.parent.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(GOLDEN, patches=golden_patches(), **golden)
    print(
        f"{graph.relative_to(REPOSITORY)}: {graph.stat().st_size:,} bytes, sha256 {sha256(graph)}"
    )


if __name__ == "__main__":
    main()

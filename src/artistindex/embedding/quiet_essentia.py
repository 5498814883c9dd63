"""Essentia without its chatter: the one place that imports it."""

import os
from types import ModuleType

from artistindex.errors import EngineError


def essentia_standard() -> ModuleType:
    """`essentia.standard`, with Essentia's and TensorFlow's messages to the terminal switched off.

    Importing it takes seconds and the TensorFlow inside hangs in a forked process, so call this
    where the work is done. Raises EngineError where Essentia is not installed.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    try:
        import essentia

        essentia.log.infoActive = False  # before essentia.standard, whose import logs
        essentia.log.warningActive = False
        import essentia.standard
    except ImportError as error:
        raise EngineError(
            f"Essentia is not usable here ({error}); "
            "install essentia-tensorflow, or use --engine openvino"
        ) from error
    module: ModuleType = essentia.standard
    return module

"""Makes the decoder of worker processes fail as the name of a file demands.

Python imports this when it starts, where this folder is in PYTHONPATH; only spawned workers are
touched. A file called segfault.wav reads address zero, killed.wav is killed as for want of memory,
exits.wav leaves the process, endless.wav never ends, and sleepy.wav takes two seconds. The trouble
is told by an empty file beside it first, with ".begun" at its end.

In the trial of new weights ARTISTINDEX_TEST_TRIAL names the trouble instead.
"""

import os
import sys

TRIAL = os.environ.get("ARTISTINDEX_TEST_TRIAL")
IS_WORKER = "--multiprocessing-fork" in sys.orig_argv
IS_TRIAL = TRIAL is not None and any("run_standard_input" in word for word in sys.orig_argv)

if IS_WORKER or IS_TRIAL:
    import ctypes
    import signal
    import time

    TROUBLES = {
        "segfault": lambda: ctypes.string_at(0),
        "killed": lambda: os.kill(os.getpid(), signal.SIGKILL),
        "exits": lambda: os._exit(7),
        "endless": lambda: time.sleep(3600),
        "sleepy": lambda: time.sleep(2),
    }

if IS_TRIAL:
    from artistindex.embedding import engine

    vars(engine)["load_model"] = lambda *_, **__: TROUBLES[str(TRIAL)]()

if IS_WORKER:
    import artistindex.embedding.embed as worker
    from artistindex.audio.decode import decode

    def sabotaged(path, **options):
        if path.stem in TROUBLES:
            path.with_name(f"{path.name}.begun").touch()
            TROUBLES[path.stem]()
        return decode(path, **options)

    vars(worker)["decode"] = sabotaged

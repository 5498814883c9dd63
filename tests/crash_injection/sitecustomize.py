"""Makes the decoder of worker processes fail as the name of a file demands.

Python imports this when it starts, where this folder is in PYTHONPATH; only spawned workers are
touched. A file called segfault.wav reads address zero, killed.wav is killed as for want of memory,
exits.wav leaves the process, endless.wav never ends, and sleepy.wav takes two seconds. The trouble
is told by an empty file beside it first, with ".begun" at its end.
"""

import sys

if "--multiprocessing-fork" in sys.orig_argv:
    import ctypes
    import os
    import signal
    import time

    import artistindex.embedding.embed as worker

    decode = worker.decode
    TROUBLES = {
        "segfault": lambda: ctypes.string_at(0),
        "killed": lambda: os.kill(os.getpid(), signal.SIGKILL),
        "exits": lambda: os._exit(7),
        "endless": lambda: time.sleep(3600),
        "sleepy": lambda: time.sleep(2),
    }

    def sabotaged(path, **options):
        if path.stem in TROUBLES:
            path.with_name(f"{path.name}.begun").touch()
            TROUBLES[path.stem]()
        return decode(path, **options)

    worker.decode = sabotaged

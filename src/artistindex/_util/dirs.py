"""Where things are kept that can always be fetched or made again."""

import os
from pathlib import Path


def cache_folder(name: str = "") -> Path:
    """The folder `name` inside the cache: $ARTISTINDEX_CACHE, else the user's cache directory.

    Does not create it.
    """
    from platformdirs import user_cache_path

    chosen = os.environ.get("ARTISTINDEX_CACHE")
    base = Path(chosen).expanduser() if chosen else user_cache_path("artistindex")
    return base / name if name else base

"""Where things are kept that can always be fetched or made again, and models."""

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


def models_folder() -> Path:
    """The folder of weights: $ARTISTINDEX_MODELS, else "models" in the cache.

    Does not create it.
    """
    chosen = os.environ.get("ARTISTINDEX_MODELS")
    return Path(chosen).expanduser() if chosen else cache_folder("models")

"""Loading a package that comes with an extra of ours, when a function needs it."""

import importlib
from types import ModuleType

from artistindex.errors import MissingExtra


def load_extra(module: str, extra: str) -> ModuleType:
    """Return the module called `module`, which the extra `extra` installs.

    Raises MissingExtra, which names the extra, where it is not installed.
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        package = module.partition(".")[0]
        if error.name != package:
            raise
        raise MissingExtra(
            f"this needs the package {package}, which is not installed", extra
        ) from error

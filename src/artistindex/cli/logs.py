"""What the library logs, for the person at the terminal."""

import logging

from artistindex.cli.output import message
from artistindex.cli.remedies import words_for

_LEVELS = (logging.WARNING, logging.INFO, logging.DEBUG)


class _Handler(logging.Handler):
    """Prints records to standard error, a remedy that comes with one in words."""

    def emit(self, record: logging.LogRecord) -> None:
        remedy, details = getattr(record, "remedy", None), getattr(record, "details", None)
        message(words_for(record.getMessage(), remedy, details))


def set_up(*, quiet: bool, verbosity: int) -> None:
    """Print what is logged from now on: warnings, with --verbose steps too, twice tracks too."""
    other_libraries = logging.NullHandler() if quiet else _Handler(logging.WARNING)
    logging.lastResort = other_libraries
    logger = logging.getLogger("artistindex")
    for handler in logger.handlers[:]:
        if isinstance(handler, _Handler):
            logger.removeHandler(handler)
    logger.setLevel(_LEVELS[min(verbosity, len(_LEVELS) - 1)])
    if not quiet:
        logger.addHandler(_Handler())

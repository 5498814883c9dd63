"""Everything that artistindex raises on purpose.

ArtistIndexError            one line that names the thing, and a `Remedy`: what to do next
+-- Misuse                  an option, a name or a file that cannot be meant
+-- UnknownArtist           no artist of that name; carries the closest names
+-- UnknownTrack            no track of that title; carries the closest titles
+-- AmbiguousArtist         several artists share the folded name; carries them all
+-- WeightsError            a model's weights are missing, altered, unsafe or not its own
+-- EngineError             an inference engine is missing or failed to load the weights
+-- BrokenIndex             an index that cannot be read, with the part that is wrong
|   +-- NewerIndex          ... since a newer version wrote it
+-- BrokenLibrary           a library that cannot be read or written
+-- PackError               a pack that cannot be read, or does not go with what is here
+-- MissingExtra            a package of an extra that is not installed
+-- ClusterError            a cluster cannot be reached, or its machines cannot do the work
+-- Busy                    another process is writing; names it
+-- ServiceError            a web service refused or cannot be reached
|   +-- StatusError         ... answered with an HTTP status that is no success
|   +-- ServiceEnded        ... and is not to be asked again in this run
+-- TrackError              one track cannot be used; becomes a `Failure` row, never a crash
"""

from collections.abc import Sequence
from enum import StrEnum, auto


class Remedy(StrEnum):
    """What to do about an error; whoever shows the error says it in the words of its own surface.

    The command line names commands and options for it (cli/remedies.py).
    """

    BUILD_FIRST = auto()
    BUILD_AGAIN = auto()
    CHOOSE_INDEX = auto()
    FETCH_LISTS = auto()
    IMPORT_ELSEWHERE = auto()
    OVERWRITE = auto()
    PRUNE = auto()
    UNIGNORE = auto()
    USE_DEEZER = auto()
    ALLOW_PRIVATE = auto()
    NAME_AN_ARTIST = auto()
    WEIGH_WHO_IS_ASKED = auto()
    NAME_ARTISTS = auto()
    NAME_ARTISTS_TO_BUILD = auto()
    NAME_THE_MODEL = auto()
    SEE_FAILURES = auto()
    INSTALL_EXTRA = auto()
    INSTALL_ESSENTIA = auto()
    INSTALL_ESSENTIA_ALONE = auto()
    INSTALL_OPENVINO = auto()
    USE_ESSENTIA = auto()
    USE_OPENVINO = auto()
    USE_ONNXRUNTIME = auto()
    USE_CPU = auto()
    USE_F32 = auto()
    FEWER_WORKERS = auto()
    MORE_FILES = auto()
    GET_WEIGHTS = auto()
    REPLACE_WEIGHTS = auto()
    ADD_UNVERIFIED = auto()
    ADD_WEIGHTS = auto()
    ADD_OWN_WEIGHTS = auto()
    GIVE_COOKIES = auto()
    CHOOSE_AUDIO_FOLDER = auto()
    UPGRADE = auto()
    INSTALL_ITS_WEIGHTS = auto()
    ADD_ARTISTS = auto()
    START_SCHEDULER = auto()
    START_WORKERS = auto()
    SAME_VERSION = auto()
    GO_ON = auto()
    PUSH_FIRST = auto()
    GIVE_TOKEN = auto()


class ArtistIndexError(Exception):
    """The base of every error that artistindex raises on purpose.

    `str(error)` is one line for a person: what, and what was expected. `remedy` is what to do next
    and `details` are the words that go into it, such as the name of a model.
    """

    def __init__(self, message: str, *, remedy: Remedy | None = None, **details: str) -> None:
        super().__init__(message)
        self.remedy = remedy
        self.details = details


class Misuse(ArtistIndexError):
    """An option, a name or a file that cannot be meant."""


class UnknownArtist(ArtistIndexError):
    """No artist of that name is in the index or library."""

    def __init__(self, message: str, closest: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.closest = tuple(closest)


class UnknownTrack(ArtistIndexError):
    """No track of that title stands behind the artist; carries the closest titles."""

    def __init__(self, message: str, closest: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.closest = tuple(closest)


class AmbiguousArtist(ArtistIndexError):
    """Several artists share the folded name that was asked for."""

    def __init__(self, message: str, candidates: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.candidates = tuple(candidates)


class WeightsError(ArtistIndexError):
    """A model's weights are missing, altered, unsafe or not its own."""


class EngineError(ArtistIndexError):
    """An inference engine is missing or failed to load the weights."""


class BrokenIndex(ArtistIndexError):
    """An index that cannot be read."""


class NewerIndex(BrokenIndex):
    """An index that a newer version wrote; it is left alone."""


class BrokenLibrary(ArtistIndexError):
    """A library that cannot be read or written."""


class PackError(ArtistIndexError):
    """A pack that cannot be read or made, or that does not go with the indexes that are here."""


class MissingExtra(ArtistIndexError):
    """What was asked for needs a package of an extra that is not installed."""

    def __init__(self, message: str, extra: str) -> None:
        super().__init__(message, remedy=Remedy.INSTALL_EXTRA, extra=extra)
        self.extra = extra


class ClusterError(ArtistIndexError):
    """A cluster that cannot be reached, or whose machines cannot do the work."""


class Busy(ArtistIndexError):
    """Another process is writing to the same library."""


class ServiceError(ArtistIndexError):
    """A web service refused, answered nonsense or cannot be reached."""


class StatusError(ServiceError):
    """A service answered with an HTTP status that is no success; `status` says which."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


class ServiceEnded(ServiceError):
    """A web service that must not be asked again in this run: quota, bot check, no network."""


class TrackError(ArtistIndexError):
    """One track cannot be used.

    `stage` is where it happened: "catalogue", "match", "fetch", "read", "decode" or
    "embed".
    `retryable` says whether trying again later could help.
    """

    def __init__(
        self, stage: str, reason: str, *, retryable: bool = False, remedy: Remedy | None = None
    ) -> None:
        super().__init__(reason, remedy=remedy)
        self.stage = stage
        self.reason = reason
        self.retryable = retryable

    def __reduce__(self) -> tuple[object, ...]:
        return _track_error, (self.stage, self.reason, self.retryable, self.remedy)


def _track_error(stage: str, reason: str, retryable: bool, remedy: Remedy | None) -> TrackError:
    return TrackError(stage, reason, retryable=retryable, remedy=remedy)

"""What to do next, in the words of the command line."""

from artistindex.errors import ArtistIndexError, Remedy

_WORDS = {
    Remedy.BUILD_FIRST: "run `artistindex build` first",
    Remedy.BUILD_AGAIN: "run `artistindex build` again",
    Remedy.CHOOSE_INDEX: "choose which with --index",
}


def line_for(error: ArtistIndexError) -> str:
    """Return the one line that a person reads: what is wrong, and the way on."""
    if error.remedy is None:
        return str(error)
    return f"{error}: {_WORDS[error.remedy].format_map(error.details)}"

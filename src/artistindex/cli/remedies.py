"""What to do next, in the words of the command line."""

from artistindex.errors import ArtistIndexError, Remedy

_WORDS = {
    Remedy.BUILD_FIRST: "run `artistindex build` first",
    Remedy.BUILD_AGAIN: "run `artistindex build` again",
    Remedy.CHOOSE_INDEX: "choose which with --index",
    Remedy.FETCH_LISTS: "fetch lists of the index's artists with `artistindex musicmap`",
    Remedy.USE_DEEZER: "--catalogue deezer needs none",
    Remedy.NAME_AN_ARTIST: "ask with at least one ARTIST, or a sound (--audio FILE)",
    Remedy.WEIGH_WHO_IS_ASKED: "--weight names {artist}, who is not asked about",
}


def line_for(error: ArtistIndexError) -> str:
    """Return the one line that a person reads: what is wrong, and the way on."""
    if error.remedy is None:
        return str(error)
    return f"{error}: {_WORDS[error.remedy].format_map(error.details)}"

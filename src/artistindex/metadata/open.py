"""The choice between the catalogues."""

from artistindex.errors import Misuse, Remedy
from artistindex.metadata.provider import MetadataProvider


def open_provider(choice: str | None = None) -> MetadataProvider:
    """Open the catalogue named "spotify" or "deezer"; None is Spotify where there are credentials.

    Raises Misuse where Spotify is asked for and there are none, or they cannot be read.
    """
    from artistindex.metadata import spotify
    from artistindex.metadata.deezer import Deezer

    if choice == "deezer":
        return Deezer()
    if choice not in (None, "spotify"):
        raise Misuse(f"unknown catalogue {choice}; there are spotify and deezer")
    credentials = spotify.find_credentials()
    if credentials is not None:
        return spotify.Spotify(credentials)
    if choice is None:
        return Deezer()
    raise Misuse(
        "no Spotify credentials: set SPOTIPY_CLIENT_ID and SPOTIPY_CLIENT_SECRET, or name a "
        "spotify-config.json in ARTISTINDEX_SPOTIFY_CONFIG",
        remedy=Remedy.USE_DEEZER,
    )

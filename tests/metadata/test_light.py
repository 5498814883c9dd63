import subprocess
import sys

HEAVY = ("requests", "urllib3", "spotipy", "sqlite3", "rich")


def test_the_catalogues_import_nothing_heavy() -> None:
    modules = ", ".join(
        f"artistindex.{name}"
        for name in ("metadata.provider", "metadata.open", "metadata.deezer", "metadata.artist_ids",
                     "metadata.track_selection", "metadata.musicbrainz", "metadata.resolver",
                     "metadata.spotify", "listeners.favourites", "_util.urls",
                     "_util.strict_json")
    )  # fmt: skip
    program = f"import sys, {modules}; print(*[m for m in {HEAVY!r} if m in sys.modules])"
    result = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert result.stdout.strip() == ""

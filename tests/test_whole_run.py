"""From names to answers: the command line against one local server that plays all services.

yt-dlp itself downloads real audio from it. What takes long in a process of its own is run in this
one; what kills or interrupts is not.
"""

import json
import os
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

import online as places
import services
import sounds
import video_site
from artistindex.index.reader import verify
from artistindex.library.library import FILE_NAME, Library
from conftest import Run
from online import Online, Process, stages, video_id, wait_until

MODEL = ("--model", "musicnn", "--engine", "openvino", "--workers", 1)


@pytest.fixture(scope="module")
def audio(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Three pieces of 4 s, in the containers that YouTube delivers."""
    folder = tmp_path_factory.mktemp("audio")
    suffixes = (".m4a", ".webm", ".ogg")
    return [
        sounds.write(folder / f"{n}{s}", sounds.music(4, seed=n)) for n, s in enumerate(suffixes)
    ]


@pytest.fixture
def online(monkeypatch: pytest.MonkeyPatch) -> Iterator[Online]:
    with places.serving() as served:
        for name, value in served.environment.items():
            monkeypatch.setenv(name, value)
        yield served


@pytest.fixture
def audio_cache(tmp_path: Path) -> Path:
    return tmp_path / "audio-cache"


def library(run: Run) -> Library:
    return Library.open(run.indexes / FILE_NAME, read_only=True)


def only_audio(folder: Path) -> list[Path]:
    return [p for p in folder.rglob("*") if p.suffix in (*video_site.TYPES, ".opus", ".part")]


# -- the run ---------------------------------------------------------------------------------


def test_from_names_to_answers(
    online: Online, run: Run, audio: list[Path], audio_cache: Path
) -> None:
    """As a user runs it: one process for each command."""
    online.add("Rezz", ["Edge", "Diluvium"], audio)
    online.add("deadmau5", ["Strobe", "Ghosts 'n' Stuff"], audio[1:])
    online.add("Sabrina Carpenter", ["Espresso", "Nonsense"], audio[::-1])
    names = ("Rezz", "deadmau5", "Sabrina Carpenter")
    options = (*names, *MODEL, "--tracks", 2, "--audio-cache", audio_cache, "--format", "json")
    build = Process("--indexes", run.indexes, "build", *options, environment=online.environment)
    code, out, err = build.finish()
    assert code == 0, err
    report = json.loads(out)
    assert (report["requested"], report["indexed"], report["failed"]) == (3, 3, [])
    assert (report["tracks"], report["extracted"], report["failed_tracks"]) == (6, 6, 0)
    (index,) = report["indexes"]
    assert (index["index"], index["artists"], index["dimension"]) == ("musicnn", 3, 200)
    assert "6 tracks embedded" in err
    assert "3 of 3 artists are in every index" in err
    assert len(only_audio(audio_cache)) == 6
    assert {path.read_bytes() for path in only_audio(audio_cache)} == {
        p.read_bytes() for p in audio
    }
    with library(run) as opened:
        assert opened.stages() == {"embedded": 6}
        rezz = opened.find_artist("rezz")
        assert rezz.artist.ids.get("deezer") == "1"
        (edge, _) = opened.tracks_of(rezz.id)
        assert edge.match is not None
        assert (edge.match.source, edge.match.source_id) == ("youtube", "v0000001_00")
        assert edge.match.score > 90
        assert "artist" in edge.match.reason

    answer = Process("query", "REZZ", "--format", "json", environment=environment(run))
    code, out, err = answer.finish()
    assert code == 0, err
    neighbours = json.loads(out)["neighbours"]
    assert {neighbour["artist"] for neighbour in neighbours} == {"deadmau5", "Sabrina Carpenter"}
    assert all(neighbour["tracks"] == 2 for neighbour in neighbours)

    code, out, err = run("info", "--verify", "--format", "json")
    assert code == 0
    info = json.loads(out)
    assert info["library"]["stages"] == {"embedded": 6}
    assert info["indexes"][0]["state"] == "verified"
    assert run("failures", "--format", "json") == (0, "[]\n", "")


def environment(run: Run) -> dict[str, str]:
    return {"ARTISTINDEX_INDEXES": str(run.indexes)}


def test_names_from_files_and_pinned_ids(
    online: Online, run: Run, audio: list[Path], tmp_path: Path
) -> None:
    """`--artists FILE` and `-`, `--ids`, hostile names, and each folded name once."""
    online.add("Calibre 50", ["Corrido"], audio[0])
    online.add("Vril", ["Torus"], audio[0])
    pinned = online.add("Calibre", ["Even If"], audio[1])
    namesake = online.add("Calibre", ["Another"], audio[2])
    online.add("AC/DC", ["T.N.T."], audio[2])
    online.add("Мумий Тролль", ["Владивосток 2000"], audio[0])
    hostile = ["../../x", "Robert'); DROP TABLE artists;--", "🎧", "مرحبا", "x" * 10_000]
    ids = tmp_path / "ids.json"
    ids.write_text(json.dumps({"mapping": {"Calibre": {"deezer": namesake.deezer_id}}}))
    listing = "\n".join(
        ["# a line-up", "Vril", "vril", "Calibre", "ac/dc", "МУМИЙ ТРОЛЛЬ", *hostile[1:]]
    )
    # in a list of names a path is refused with the whole list; on the command line it is a name
    options = (
        hostile[0],
        "--artists",
        "-",
        "--ids",
        ids,
        *MODEL,
        "--tracks",
        1,
        "--format",
        "json",
    )
    build = Process("build", *options, environment=online.environment | environment(run))
    code, out, err = build.finish(listing)
    assert code == 3, err
    report = json.loads(out)
    assert (report["requested"], report["indexed"]) == (9, 4)
    assert [failure["artist"] for failure in report["failed"]] == hostile
    assert {failure["stage"] for failure in report["failed"]} == {"catalogue"}
    assert "DROP TABLE" in err
    with library(run) as opened:
        assert opened.find_artist("Calibre").artist.ids.get("deezer") == namesake.deezer_id
        assert opened.counts()["failures"] == 5
    assert online.asked[video_id(pinned, 0)] == 0

    listed = tmp_path / "more.csv"
    listed.write_text("day,artist\n1,Vril\n2,AC/DC\n")
    code, out, err = run("build", "--artists", listed, *MODEL, "--tracks", 1, "--format", "json")
    assert code == 0, err
    report = json.loads(out)
    assert (report["requested"], report["indexed"], report["extracted"]) == (2, 2, 0)
    assert report["indexes"][0]["artists"] == 4


def test_a_dry_run_shows_who_is_meant_and_writes_nothing(
    online: Online, run: Run, audio: list[Path], audio_cache: Path, tmp_path: Path
) -> None:
    online.add("Calibre 50", ["Corrido"], audio[0])
    online.add("Rezz", ["Edge", "Diluvium"], audio[0])
    names = tmp_path / "names.txt"
    names.write_text("Calibre\n")
    options = ("Rezz", "--artists", names, "--dry-run", "--audio-cache", audio_cache)
    code, out, err = run("build", *options)
    assert code == 3
    assert "Rezz" in out
    assert "exact" in out
    assert "Edge; Diluvium" in out
    assert "only Calibre 50 (id 1)" in err
    code, out, _ = run("build", *options, "--format", "json")
    assert code == 3
    report = json.loads(out)
    assert report["catalogue"] == "deezer"
    (planned,) = report["artists"]
    assert (planned["artist"], planned["id"], planned["how"]) == ("Rezz", "2", "exact")
    assert [track["title"] for track in planned["tracks"]] == ["Edge", "Diluvium"]
    assert report["failed"][0]["artist"] == "Calibre"
    assert not run.indexes.exists()
    assert not audio_cache.exists()
    assert not online.site.requests


def test_previews_instead_of_videos(online: Online, run: Run, audio: list[Path]) -> None:
    from werkzeug import Request, Response

    def preview(request: Request) -> Response:
        return Response(audio[0].read_bytes(), content_type="audio/mpeg")

    online.add("Rezz", ["Edge"], audio[0])
    online.world.previews = online.server.url_for("/previews")
    online.server.expect_request("/previews/1000.mp3").respond_with_handler(preview)
    options = ("Rezz", "--audio-source", "preview", *MODEL, "--format", "json")
    code, out, err = run("build", *options)
    assert code == 0, err
    assert json.loads(out)["extracted"] == 1
    with library(run) as opened:
        (track,) = opened.tracks_of(opened.find_artist("Rezz").id)
        assert track.match is not None
        assert (track.match.source, track.match.source_id) == ("preview", "deezer:1000")
    assert not online.site.requests
    home = Path(os.environ["ARTISTINDEX_CACHE"])
    assert only_audio(home) == []
    assert not any(b"hdnea" in path.read_bytes() for path in (*run.indexes.rglob("*.*"),))


def test_what_the_cache_keeps(
    online: Online, run: Run, audio: list[Path], audio_cache: Path, tmp_path: Path
) -> None:
    """The experiment's `<video id>.wav` is used; `--no-audio-cache` leaves nothing behind."""
    rezz = online.add("Rezz", ["Edge", "Diluvium"], audio)
    wav = sounds.write(audio_cache / f"{video_id(rezz, 0)}.wav", sounds.music(4, seed=8))
    options = ("Rezz", *MODEL, "--audio-cache", audio_cache, "--no-audio-cache", "--format", "json")
    code, out, err = run("build", *options)
    assert code == 0, err
    assert json.loads(out)["extracted"] == 2
    assert online.asked[video_id(rezz, 0)] == 0
    assert online.asked[video_id(rezz, 1)] > 0
    assert [p for p in audio_cache.rglob("*") if p.is_file()] == [wav]
    assert sorted(p.name for p in audio_cache.iterdir()) == [wav.name]


# -- resuming --------------------------------------------------------------------------------


@pytest.mark.slow
def test_a_run_killed_at_every_stage_does_only_what_is_unfinished(
    online: Online, run: Run, audio: list[Path], audio_cache: Path, tmp_path: Path
) -> None:
    """Killed while it waits for each thing in turn; no answer of a service is kept in between."""
    rezz = online.add("Rezz", ["Edge", "Diluvium", "Someone Else"], audio)
    videos = [video_id(rezz, at) for at in range(3)]
    options = (*MODEL, "--tracks", 3, "--audio-cache", audio_cache, "--format", "json")

    def start(*names: str, hold: str = "") -> Process:
        online.asked.clear()
        if hold:
            online.hold(hold)
        afresh = {"ARTISTINDEX_CACHE": str(tmp_path / f"cache-{hold.replace('/', '-')}")}
        here = online.environment | environment(run) | afresh
        return Process("build", *names, *options, environment=here)

    def kill(process: Process, *, at: str, after: Sequence[str] = (), **reached: int) -> None:
        online.wait_for(at)
        assert list(online.asked) == [*after, at]
        assert stages(run.indexes) == reached
        process.kill()
        online.release()

    searches = ["search:Rezz Edge", "search:Rezz Diluvium", "search:Rezz Someone Else"]
    artist_search, listed = "search/artist:Rezz", "artist/1/top"
    kill(start("Rezz", hold=artist_search), at=artist_search)
    kill(start(hold=listed), at=listed, after=[artist_search])
    kill(start(hold=searches[0]), at=searches[0], after=[artist_search, listed], listed=3)
    kill(start(hold=videos[0]), at=videos[0], after=searches[:1], matched=1, listed=2)

    process = start(hold=videos[1])
    process.suspend_workers()  # downloads do not wait for them
    after = [videos[0], searches[1]]
    kill(process, at=videos[1], after=after, fetched=1, matched=1, listed=1)

    process = start()
    wait_until(lambda: stages(run.indexes)["embedded"] > 0)
    process.kill()
    assert videos[0] not in online.asked
    reached = stages(run.indexes)

    online.asked.clear()
    code, out, err = run("build", *options)
    assert code == 0, err
    assert json.loads(out)["extracted"] == 3 - reached["embedded"]
    unfetched = reached["listed"] + reached["matched"]
    assert [video for video in videos if online.asked[video]] == videos[3 - unfetched :]
    assert stages(run.indexes) == {"embedded": 3}
    verify(run.indexes / "musicnn")


@pytest.mark.parametrize("waits_for", ["artist/1/top", "search:Rezz Edge", "v0000001_01"])
def test_an_interrupt_during_a_wait_for_the_network_ends_at_once(
    online: Online, run: Run, audio: list[Path], audio_cache: Path, waits_for: str
) -> None:
    rezz = online.add("Rezz", ["Edge", "Diluvium"], audio)
    online.hold(waits_for)
    options = ("build", "Rezz", *MODEL, "--audio-cache", audio_cache)
    process = Process(*options, environment=online.environment | environment(run))
    online.wait_for(waits_for)
    if waits_for == video_id(rezz, 1):
        wait_until(process.workers)
    began = time.monotonic()
    process.interrupt()
    code, out, err = process.finish()
    assert time.monotonic() - began < 10  # the network's own patience is longer
    assert code == 130
    assert out == ""
    assert err.splitlines()[-1].startswith("Error: interrupted; what was finished is kept")
    assert "Traceback" not in err


# -- failures --------------------------------------------------------------------------------


def test_a_bot_check_ends_fetching_and_keeps_what_is_done(
    online: Online, run: Run, audio: list[Path]
) -> None:
    online.add("Rezz", ["Edge"], audio[0])
    deadmau5 = online.add("deadmau5", ["Strobe"], audio[1])
    vril = online.add("Vril", ["Torus"], audio[2])
    online.site.fail(video_id(deadmau5, 0), video_site.BOT)
    options = ("build", "Rezz", "deadmau5", "Vril", *MODEL, "--format", "json")
    code, out, err = run(*options)
    assert code == 3
    report = json.loads(out)
    assert (report["requested"], report["indexed"], report["extracted"]) == (3, 1, 1)
    assert [failure["artist"] for failure in report["failed"]] == ["deadmau5", "Vril"]
    assert all("not a bot" in failure["reason"] for failure in report["failed"])
    assert "--cookies FILE or --cookies-from-browser NAME" in err
    assert online.asked[video_id(vril, 0)] == 0
    assert stages(run.indexes) == {"embedded": 1, "matched": 1, "listed": 1}
    assert run("failures", "--format", "json")[1] == "[]\n"  # pending is not failed

    code, out, err = run("build", *MODEL, "--format", "json")
    assert code == 0, err
    report = json.loads(out)
    assert (report["requested"], report["indexed"], report["extracted"]) == (3, 3, 2)


def test_a_bot_check_before_anything_was_had_is_a_failure(
    online: Online, run: Run, audio: list[Path]
) -> None:
    rezz = online.add("Rezz", ["Edge"], audio[0])
    online.site.fail("search", video_site.BOT)
    code, out, err = run("build", "Rezz", *MODEL)
    assert code == 1
    assert "musicnn" not in out
    assert "0 of 1 artists" in err
    assert online.asked[video_id(rezz, 0)] == 0


def test_what_fails_is_told_with_stage_and_reason_and_can_be_retried(
    online: Online, run: Run, audio: list[Path], tmp_path: Path
) -> None:
    rezz = online.add("Rezz", ["Edge"], audio[0])
    online.site.add("another_one", "REZZ - Edge (lyrics)", audio[1], duration=4)
    online.videos["Rezz Edge"].append(online.site.videos["another_one"])
    online.add("deadmau5", ["Strobe"], sounds.truncate(copy(audio[0], tmp_path / "half.m4a")))
    vril = online.add("Vril", ["Torus"], audio[2])
    online.videos["Vril Torus"] = [online.site.videos[video_id(rezz, 0)]]
    online.site.fail(video_id(rezz, 0), *[video_site.GONE] * 9)
    options = ("build", "Rezz", "deadmau5", "Vril", "Nobody", *MODEL, "--format", "json")
    code, out, err = run(*options)
    assert code == 3
    report = json.loads(out)
    assert (report["indexed"], report["extracted"], report["failed_tracks"]) == (1, 1, 2)
    assert report["failures"] == {"match": 1, "decode": 1}
    stage = {failure["artist"]: failure["stage"] for failure in report["failed"]}
    assert stage == {"Nobody": "catalogue", "deadmau5": "decode", "Vril": "match"}
    assert "2 tracks failed (extraction rate 33%)" in err
    assert "1 x match: none of 1 videos is the track; nearest: 'Rezz - Edge'" in err
    rows = json.loads(run("failures", "--format", "json")[1])
    assert {(row["artist"], row["stage"]) for row in rows} == set(stage.items())
    assert all(row["reason"] for row in rows)
    with library(run) as opened:
        (track,) = opened.tracks_of(opened.find_artist("Rezz").id)
        assert track.match is not None
        assert track.match.source_id == "another_one"

    online.site.videos["v0000002_00"].audio = audio[1]
    online.videos["Vril Torus"] = [online.site.videos[video_id(vril, 0)]]
    online.asked.clear()
    code, out, _ = run("build", *MODEL, "--format", "json")
    report = json.loads(out)
    assert (code, report["indexed"], report["extracted"]) == (3, 1, 0)
    assert not online.asked  # what failed is left alone until it is asked for
    code, out, _ = run("build", *MODEL, "--retry-failed", "--format", "json")
    report = json.loads(out)
    assert (code, report["indexed"], report["extracted"]) == (3, 3, 2)
    assert [failure["artist"] for failure in report["failed"]] == ["Nobody"]


def copy(source: Path, target: Path) -> Path:
    target.write_bytes(source.read_bytes())
    return target


def test_a_missing_javascript_runtime_says_how_to_get_one(
    online: Online,
    run: Run,
    audio: list[Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rezz = online.add("Rezz", ["Edge"], audio[0])
    online.site.fail(video_id(rezz, 0), *[video_site.NO_FORMAT] * 9)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("sysconfig.get_path", lambda *_, **__: str(tmp_path))
    code, _, err = run("build", "Rezz", *MODEL)
    assert code == 1
    assert "pip install 'artistindex[youtube]'" in err


@pytest.mark.parametrize("missing", ["catalogue", "videos"])
def test_without_a_network_it_ends_soon(
    online: Online, run: Run, audio: list[Path], missing: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    online.add("Rezz", ["Edge"], audio[0])
    nowhere = services.unused_url()
    if missing == "catalogue":
        monkeypatch.setenv("ARTISTINDEX_DEEZER_URL", nowhere)
    else:
        monkeypatch.setenv("ARTISTINDEX_YOUTUBE_SEARCH", f"{nowhere}/?q={{query}}")
    began = time.monotonic()
    code, _, err = run("build", "Rezz", *MODEL)
    assert time.monotonic() - began < 20
    assert code == 1
    assert "is there a network?" in err or "cannot be reached" in err
    assert "Rezz: " in err
    monkeypatch.undo()


# -- strangers -------------------------------------------------------------------------------


def test_a_strangers_track_is_flagged_and_left_out_only_if_asked(
    online: Online, run: Run, tmp_path: Path
) -> None:
    own = [sounds.write(tmp_path / f"{n}.m4a", sounds.music(6, seed=n)) for n in range(4)]
    stranger = sounds.write(tmp_path / "stranger.m4a", sounds.noise(6, level=0.4))
    titles = ["Torus", "Haus", "Portal", "Anima", "Free World"]
    online.add("Vril", titles, [*own, stranger])
    code, out, err = run("build", "Vril", *MODEL, "--format", "json")
    assert code == 0, err
    report = json.loads(out)
    assert (report["tracks"], report["outliers"]) == (5, 1)
    assert "1 track may be somebody else's" in err
    (row,) = json.loads(run("failures", "--format", "json")[1])
    assert (row["stage"], row["artist"]) == ("outlier", "Vril")
    assert "Free World" in row["what"]
    assert "times as far" in row["reason"]
    (odd,) = json.loads(run("info", "--format", "json")[1])["library"]["outliers"]
    assert "Free World" in odd["what"]
    code, out, _ = run("build", *MODEL, "--drop-outliers", "--format", "json")
    report = json.loads(out)
    assert (code, report["tracks"], report["outliers"], report["extracted"]) == (0, 4, 1, 0)

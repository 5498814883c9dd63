"""What to do next, in the words of the command line."""

from collections.abc import Mapping

from artistindex.errors import ArtistIndexError, Remedy

_WORDS = {
    Remedy.BUILD_FIRST: "run `artistindex build` first",
    Remedy.BUILD_AGAIN: "run `artistindex build` again",
    Remedy.CHOOSE_INDEX: "choose which with --index",
    Remedy.FETCH_LISTS: "fetch lists of the index's artists with `artistindex musicmap`",
    Remedy.IMPORT_ELSEWHERE: "to have it beside, import it into another folder with --indexes DIR",
    Remedy.OVERWRITE: "name another file, or give --overwrite",
    Remedy.ALLOW_PRIVATE: "--allow-private fetches it all the same",
    Remedy.PRUNE: "if they are gone for good, give --prune",
    Remedy.UNIGNORE: "`artistindex ignore --remove NAME` takes one in again",
    Remedy.USE_DEEZER: "--catalogue deezer needs none",
    Remedy.NAME_AN_ARTIST: "ask with at least one ARTIST, or a sound (--audio FILE)",
    Remedy.GIVE_COOKIES: "give it your cookies (--cookies FILE or --cookies-from-browser NAME), or "
    "wait a day; then run this again",
    Remedy.CHOOSE_AUDIO_FOLDER: "name another folder with --audio-cache, or make room, then run "
    "this again",
    Remedy.WEIGH_WHO_IS_ASKED: "--weight names {artist}, who is not asked about",
    Remedy.NAME_ARTISTS: "name some, or give --audio DIR",
    Remedy.NAME_ARTISTS_TO_BUILD: "name artists, or give --audio DIR, to build of others",
    Remedy.NAME_THE_MODEL: "`--model {model}` makes it anew with these",
    Remedy.SEE_FAILURES: "`artistindex failures` says why",
    Remedy.INSTALL_EXTRA: "install it with `pip install 'artistindex[{extra}]'`",
    Remedy.INSTALL_ESSENTIA: "install essentia-tensorflow, or use --engine openvino",
    Remedy.INSTALL_ESSENTIA_ALONE: "install essentia-tensorflow, or build without this model",
    Remedy.INSTALL_OPENVINO: "install openvino, or use --engine essentia",
    Remedy.USE_ESSENTIA: "try --engine essentia",
    Remedy.USE_OPENVINO: "use --engine openvino",
    Remedy.USE_ONNXRUNTIME: "try --engine onnxruntime",
    Remedy.USE_CPU: "use --device cpu",
    Remedy.USE_F32: "use --precision f32",
    Remedy.FEWER_WORKERS: "is there enough memory? (--workers 1 needs the least)",
    Remedy.MORE_FILES: "raise `ulimit -n`, or use fewer --workers",
    Remedy.GET_WEIGHTS: (
        "with a network run `artistindex models fetch {model}`, with the file at hand "
        "`artistindex models add {model} FILE`, or use `--model musicnn`, which needs neither"
    ),
    Remedy.REPLACE_WEIGHTS: (
        "delete it and run `artistindex models fetch {model}`, or `artistindex models add {model} "
        "FILE`"
    ),
    Remedy.ADD_UNVERIFIED: (
        "a file of your own is taken by `artistindex models add {model} FILE --unverified`"
    ),
    Remedy.ADD_WEIGHTS: "install the file with `artistindex models add {model} FILE`",
    Remedy.ADD_OWN_WEIGHTS: (
        "install it with `artistindex models add --spec {model}.toml FILE`, or forget the model"
        " with `artistindex models remove {model}`"
    ),
    Remedy.UPGRADE: "upgrade artistindex",
    Remedy.INSTALL_ITS_WEIGHTS: (
        "install those with `artistindex models add {model} FILE`, or build the index again with"
        " the installed ones"
    ),
    Remedy.START_SCHEDULER: "start one with `dask scheduler`, or use --cluster local:N",
    Remedy.START_WORKERS: "start some with `artistindex worker ADDRESS`",
    Remedy.SAME_VERSION: "install the same version on every machine",
    Remedy.PUSH_FIRST: "put one there with `artistindex push`",
    Remedy.GO_ON: "what was finished is kept, the same command goes on from there",
    Remedy.GIVE_TOKEN: "give a token that they must know with --token-file FILE",
    Remedy.ADD_ARTISTS: "build without --transform, or add artists",
}


def line_for(error: ArtistIndexError) -> str:
    """Return the one line that a person reads: what is wrong, and the way on."""
    text = str(error)
    setting = error.details.get("setting")
    if setting:
        text = text.replace(setting, f"--{setting.replace('_', '-')}", 1)
    return words_for(text, error.remedy, error.details)


def words_for(text: str, remedy: Remedy | None, details: Mapping[str, str] | None = None) -> str:
    """Return `text` with the words of `remedy` behind it."""
    if remedy is None:
        return text
    return f"{text}: {_WORDS[remedy].format_map(details or {})}"

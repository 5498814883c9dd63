"""The file of lists: read as the truth, written as the experiment wrote it."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from artistindex.errors import Misuse
from artistindex.listeners.truth_files import ListFile, Similar, read_truth
from truths import entry, write_truth


def test_the_experiments_file_is_written_as_it_was_read(shared, tmp_path):
    source = shared / "musicmap" / "similar_artists_map.json"
    copy = tmp_path / "copy.json"
    copy.write_bytes(source.read_bytes())
    file = ListFile(copy)
    file.put("An artist nobody had", [Similar("Rezz", 2.5), Similar("IMANU", None)])
    file.save()
    before, after = source.read_text("utf-8"), copy.read_text("utf-8")
    assert after.startswith(before.removesuffix("\n}"))
    assert json.loads(after)["An artist nobody had"] == {
        "status": "success",
        "similar_artists": [
            {"name": "Rezz", "rank": 1, "relationship_strength": 2.5},
            {"name": "IMANU", "rank": 2, "relationship_strength": -1.0},
        ],
        "total_count": 2,
    }


def test_the_experiments_file_is_understood(shared):
    truth = read_truth(shared / "musicmap" / "similar_artists_map.json")
    assert len(truth.lists) == 903  # of 904 lists, one is of an artist spelled twice
    assert truth.unknown_strengths == 9
    assert truth.lists["Vril"][0] == Similar("Prince of Denmark", 8.03662)
    assert "Bambii" not in truth.repeated or "BAMBII" not in truth.repeated


def test_saving_merges_with_what_another_process_wrote(tmp_path):
    path = write_truth(tmp_path / "t.json", {"A": ["B"], "Lost": None})
    first, second = ListFile(path), ListFile(path)
    first.put("C", [Similar("D", 1.0)])
    second.put("E", [Similar("F", 1.0)])
    first.save()
    second.save()
    assert list(json.loads(path.read_text())) == ["A", "Lost", "C", "E"]


def test_a_list_is_never_replaced_by_none(tmp_path):
    path = write_truth(tmp_path / "t.json", {"Rezz": ["B"], "Lost": None})
    file = ListFile(path)
    file.put_unknown("REZZ", "gone")
    file.put_unknown("Lost", "still")
    file.put("lost", [Similar("X", 1.0)])
    file.save()
    entries = json.loads(path.read_text())
    assert entries["Rezz"] == entry(["B"])
    assert entries["Lost"]["status"] == "success"
    assert len(entries) == 2


def test_nothing_new_leaves_the_file_alone(tmp_path):
    path = tmp_path / "t.json"
    path.write_text('{"A":{"status":"error","error":"x","own":1}}')
    ListFile(path).save()
    assert path.read_text() == '{"A":{"status":"error","error":"x","own":1}}'


def test_what_the_file_says_more_is_kept(tmp_path):
    path = tmp_path / "t.json"
    path.write_text(r'{"\ud800":{"status":"error","error":"x","own":[1,NaN]}}')
    file = ListFile(path)
    file.put("B", [])
    file.save()
    entries = json.loads(path.read_text())
    assert entries["\ud800"]["own"][0] == 1
    assert list(entries) == ["\ud800", "B"]


@given(name=st.text(min_size=1, max_size=40), other=st.text(max_size=40))
def test_any_name_survives(tmp_path_factory, name, other):
    path = tmp_path_factory.mktemp("lists") / "t.json"
    file = ListFile(path)
    file.put(name, [Similar(other, 1.0)])
    file.save()
    assert ListFile(path).status(name) == "success"


BAD = {
    "no JSON": "{",
    "no UTF-8": b"\xff\xfe\x00",
    "a list": "[]",
    "another file of the experiment": '{"mapping": {"Rezz": "4aKdmOXdUKX07HVd3sGgzw"}}',
    "no status": '{"A": {"similar_artists": []}}',
    "no list": '{"A": {"status": "success"}}',
    "no name": '{"A": {"status": "success", "similar_artists": [{"rank": 1}]}}',
    "a number": '{"A": {"status": "success", "similar_artists": [3]}}',
    "twice": '{"A": {"status": "error"}, "A": {"status": "error"}}',
    "deep": "[" * 100_000,
    "long number": '{"A": ' + "9" * 5000 + "}",
}


@pytest.mark.parametrize("text", BAD.values(), ids=BAD.keys())
def test_files_of_another_shape_are_refused_and_left_alone(tmp_path, text):
    path = tmp_path / "t.json"
    content = text if isinstance(text, bytes) else text.encode()
    path.write_bytes(content)
    for use in (read_truth, ListFile):
        with pytest.raises(Misuse, match=r"t\.json .*expected music-map lists") as raised:
            use(path)
        assert "\n" not in str(raised.value)
    assert path.read_bytes() == content


@pytest.mark.parametrize("lists", [{}, {"A": None}])
def test_a_truth_without_a_list(tmp_path, lists):
    with pytest.raises(Misuse, match="holds no list"):
        read_truth(write_truth(tmp_path / "t.json", lists))


def test_oddities_of_a_truth_are_counted(tmp_path):
    path = write_truth(
        tmp_path / "t.json",
        {
            "Rezz": {"B": 3.0, "b": 2.0, "REZZ": 1.0, "C": float("nan"), "D": None, "E": -1.0},
            "REZZ": ["X"],
            "rezz": None,
            "Lost": None,
        },
    )
    truth = read_truth(path)
    assert [similar.name for similar in truth.lists["Rezz"]] == ["B", "C", "D", "E"]
    assert truth.repeated == ("b", "REZZ", "REZZ")
    assert truth.unknown_strengths == 3
    assert truth.without_list == ("Lost",)


def test_ranks_order_a_list(tmp_path):
    entries = entry(["A", "B", "C"])
    entries["similar_artists"].reverse()
    path = tmp_path / "t.json"
    path.write_text(json.dumps({"X": entries}))
    assert [similar.name for similar in read_truth(path).lists["X"]] == ["A", "B", "C"]


def test_an_out_that_cannot_be_written(tmp_path):
    with pytest.raises(Misuse, match="is a folder"):
        ListFile(tmp_path)
    (tmp_path / "file").touch()
    file = ListFile(tmp_path / "file" / "t.json")
    file.put("A", [])
    with pytest.raises(Misuse, match="cannot write"):
        file.save()

"""The picture of a terminal: what a command shows there, and nothing from elsewhere."""

import pytest

import make_terminal_picture


@pytest.mark.process
def test_the_picture_shows_what_the_command_shows_and_loads_nothing(tmp_path):
    picture = tmp_path / "picture.svg"
    command = "test -t 1 && printf '\\033[1;32mAC/DC & <b>\\033[0m'"
    assert make_terminal_picture.main([command, "--out", str(picture)]) == 0
    text = picture.read_text("utf-8")
    assert "AC/DC&#160;&amp;&#160;&lt;b&gt;" in text
    assert 'url("http' not in text
    assert "font-weight: bold" in text


def test_a_command_that_fails_leaves_the_picture_alone(tmp_path):
    picture = tmp_path / "picture.svg"
    picture.write_text("old")
    with pytest.raises(SystemExit, match="exit code 3"):
        make_terminal_picture.main(["exit 3", "--out", str(picture)])
    assert picture.read_text() == "old"

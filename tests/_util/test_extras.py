import pytest

from artistindex._util.extras import load_extra
from artistindex.cli.remedies import line_for
from artistindex.errors import MissingExtra


def test_an_installed_package_is_loaded():
    assert load_extra("json.decoder", "serve").__name__ == "json.decoder"


def test_a_missing_package_names_its_extra():
    with pytest.raises(MissingExtra) as caught:
        load_extra("no_such_package.part", "cluster")
    assert "no_such_package" in str(caught.value)
    assert "pip install 'artistindex[cluster]'" in line_for(caught.value)


def test_a_package_that_lacks_its_own_parts_is_an_error_of_its_own(tmp_path, monkeypatch):
    (tmp_path / "broken_extra.py").write_text("import no_such_part\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ModuleNotFoundError, match="no_such_part"):
        load_extra("broken_extra", "serve")

"""Thirty rounds of the soak; docs/reliability.md says what hundreds found."""

from pathlib import Path

import pytest

from soak import soak


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_thirty_rounds_lose_nothing(tmp_path: Path) -> None:
    run = soak(tmp_path / "work", rounds=30, seed=30)
    assert run.faults == []
    assert run.rounds.total() == 30
    assert run.killed.total() > 0

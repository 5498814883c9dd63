"""Recipes of vectors: what is given, what an index remembers, and what is usual."""

from pathlib import Path
from typing import Any

import pytest

from artistindex.embedding.registry import MODELS
from artistindex.entities import Pooling
from artistindex.errors import Misuse
from artistindex.index.recipes import RECIPES, VectorRecipe, name_of, recipe_of, recipes_of
from artistindex.ingest.config import BuildConfig, IndexSettings


def settings(folder: Path, **options: Any) -> IndexSettings:
    (only,) = BuildConfig(indexes=folder, models=["musicnn"], **options).index_settings()
    return only


def vectors_of(only: IndexSettings) -> tuple[str, str, str]:
    return only.layer, only.pooling, only.transform


def test_every_model_has_the_plain_recipe_and_those_of_its_layers() -> None:
    for model, spec in MODELS.items():
        assert spec.recipe in recipes_of(model)
        assert ("batch-norm" in recipes_of(model)) == (model == "musicnn")
    with pytest.raises(Misuse, match="vggish has no recipe 'batch-norm'; there are plain"):
        recipe_of("vggish", "batch-norm")


def test_a_recipe_has_a_name_if_it_is_one_of_them() -> None:
    assert [name_of(recipe) for recipe in RECIPES.values()] == list(RECIPES)
    assert name_of(VectorRecipe(transform="centre")) is None


def test_a_new_index_has_the_usual_recipe_unless_another_is_given(tmp_path: Path) -> None:
    assert vectors_of(settings(tmp_path)) == ("", Pooling.MEAN, "none")
    assert vectors_of(settings(tmp_path, recipe="batch-norm")) == (
        "batch-norm",
        Pooling.MEAN_STD,
        "whiten-tracks",
    )
    assert vectors_of(settings(tmp_path, recipe="spread", transform="centre")) == (
        "",
        Pooling.MEAN_STD,
        "centre",
    )


def test_a_recipe_that_a_model_lacks_is_refused_at_once() -> None:
    with pytest.raises(Misuse, match="no recipe 'batch-norm'"):
        BuildConfig(models=["vggish"], recipe="batch-norm")

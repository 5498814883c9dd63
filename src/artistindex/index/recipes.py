"""What can be made of the patches of a model: named recipes of vectors, for every model alike.

plain        the mean over the patches, no transform: the vectors of the original experiment
whitened     the same, in the space in which the tracks are spread alike (`whiten-tracks`)
spread       mean and standard deviation over the patches, whitened so
batch-norm   the same, of MusiCNN's layer after the batch norm

docs/quality.md says what each is worth.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from artistindex.embedding.registry import spec_of
from artistindex.entities import Pooling
from artistindex.errors import Misuse
from artistindex.index.transforms import WHITEN_TRACKS

PLAIN = "plain"


@dataclass(frozen=True, slots=True)
class VectorRecipe:
    """Which `layer` of a model, how its patches become one vector, and the `transform` of all."""

    layer: str = ""
    pooling: str = Pooling.MEAN
    transform: str = "none"


RECIPES: Mapping[str, VectorRecipe] = {
    PLAIN: VectorRecipe(),
    "whitened": VectorRecipe(transform=WHITEN_TRACKS),
    "spread": VectorRecipe(pooling=Pooling.MEAN_STD, transform=WHITEN_TRACKS),
    "batch-norm": VectorRecipe("batch-norm", Pooling.MEAN_STD, WHITEN_TRACKS),
}


def recipes_of(model: str) -> dict[str, VectorRecipe]:
    """Return the recipes that `model` has the layers for, by name."""
    layers = {"", *spec_of(model).layers}
    return {name: recipe for name, recipe in RECIPES.items() if recipe.layer in layers}


def recipe_of(model: str, name: str) -> VectorRecipe:
    """Return the recipe called `name`; raises Misuse where `model` has none of that name."""
    recipes = recipes_of(model)
    if name not in recipes:
        raise Misuse(f"{model} has no recipe {name!r}; there are {', '.join(recipes)}")
    return recipes[name]


def name_of(recipe: VectorRecipe) -> str | None:
    """Return what the recipe is called; None where it has no name."""
    return next((name for name, named in RECIPES.items() if named == recipe), None)

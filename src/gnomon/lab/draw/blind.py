"""Fifty prompts for a drawer that has never been asked them.

Written before any model of ours had drawn one, and not changed since: single things first, then
colours, pairs, places and counts. ``Blind.names`` are what must be seen in the picture, each as the
sets call it, so that a judge can look for them.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Blind:
    prompt: str
    names: tuple[str, ...]


PROMPTS = (
    Blind("a smiling sun over a blue house", ("sun with face", "house")),
    Blind("a red apple", ("red apple",)),
    Blind("a cat", ("cat",)),
    Blind("a green frog", ("frog",)),
    Blind("a birthday cake", ("birthday cake",)),
    Blind("a bicycle", ("bicycle",)),
    Blind("a purple heart", ("purple heart",)),
    Blind("a rocket in the sky", ("rocket",)),
    Blind("a mushroom on the grass", ("mushroom",)),
    Blind("a crescent moon at night", ("crescent moon",)),
    Blind("a yellow umbrella", ("umbrella",)),
    Blind("a dog and a bone", ("dog", "bone")),
    Blind("a ship by the sea", ("ship",)),
    Blind("a snowman in the snow", ("snowman",)),
    Blind("a slice of pizza", ("pizza",)),
    Blind("a red car above a green tree", ("automobile", "deciduous tree")),
    Blind("three strawberries", ("strawberry",)),
    Blind("a cactus in the desert", ("cactus",)),
    Blind("a blue fish", ("fish",)),
    Blind("a key on a yellow background", ("key",)),
    Blind("a pumpkin next to a ghost", ("jack-o-lantern", "ghost")),
    Blind("a clock", ("mantelpiece clock",)),
    Blind("一只熊猫", ("panda",)),
    Blind("夜晚的城堡", ("castle",)),
    Blind("a banana", ("banana",)),
    Blind("a pink flower", ("cherry blossom",)),
    Blind("an owl", ("owl",)),
    Blind("a guitar", ("guitar",)),
    Blind("a cup of coffee", ("hot beverage",)),
    Blind("a robot", ("robot",)),
    Blind("a bus on the grass", ("bus",)),
    Blind("a crying face", ("crying face",)),
    Blind("a star on a blue background", ("star",)),
    Blind("a hammer", ("hammer",)),
    Blind("a butterfly and a sunflower", ("butterfly", "sunflower")),
    Blind("a lemon to the left of a cherry", ("lemon", "cherries")),
    Blind("two yellow stars", ("star",)),
    Blind("an airplane in the sky", ("airplane",)),
    Blind("a balloon", ("balloon",)),
    Blind("a crab by the sea", ("crab",)),
    Blind("a crown", ("crown",)),
    Blind("a green book", ("green book",)),
    Blind("a light bulb on a black background", ("light bulb",)),
    Blind("a camel in the desert", ("camel",)),
    Blind("a burger with fries", ("hamburger", "french fries")),
    Blind("a soccer ball on the grass", ("soccer ball",)),
    Blind("a smiling face with sunglasses", ("smiling face with sunglasses",)),
    Blind("红色的汽车", ("automobile",)),
    Blind("一棵树和一座房子", ("deciduous tree", "house")),
    Blind("海边的螃蟹", ("crab",)),
)
IN_DOCS = 24
"""The first so many are shown in the documentation, as they came out."""

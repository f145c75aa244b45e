"""Which photos look alike, from the features that they have anyway: no vocabulary to download.

Every photo becomes one vector: the sums of how its descriptors differ from the nearest of a few
words (VLAD: Jégou et al., "Aggregating local descriptors into a compact image representation",
CVPR 2010), with words that are learned from the set itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pycolmap
from numpy.typing import NDArray

from gpu.geometry.pairs import Pair
from gpu.geometry.rigs import moment_of
from gpu.ingest.photos import Photo

Array = NDArray[np.float32]

#: Words, descriptors per photo that are looked at, and descriptors from which the words come.
WORDS, PER_PHOTO, SAMPLE = 64, 1000, 20_000
ROUNDS = 8


def similar_pairs(file: Path, photos: Sequence[Photo], most: int, seed: int) -> set[Pair]:
    """Pair every photo of the database at `file` with the `most` others that look most alike.

    Views of one 360 degree photo do not count as others.
    """
    descriptors = _descriptors(file, photos)
    vectors = describe(descriptors, seed)
    alike = vectors @ vectors.T
    moments = np.array([moment_of(photo) for photo in photos])
    alike[moments[:, None] == moments] = -np.inf
    order = np.argsort(-alike, axis=1, kind="stable")[:, : min(most, len(photos) - 1)]
    return {(min(i, int(j)), max(i, int(j))) for i, row in enumerate(order) for j in row}


def describe(descriptors: Sequence[Array], seed: int) -> Array:
    """Return one vector of length 1 for each photo's descriptors [n, 128]: [N, WORDS * 128]."""
    words = _words(np.concatenate(list(descriptors)), np.random.default_rng(seed))
    return np.stack([_vlad(some, words) for some in descriptors])


def _descriptors(file: Path, photos: Sequence[Photo]) -> list[Array]:
    """Read the descriptors of each photo's largest features (COLMAP puts them first)."""
    with pycolmap.Database.open(file) as database:
        numbers = {image.name: image.image_id for image in database.read_all_images()}
        found = [database.read_descriptors(numbers[p.image]).data[:PER_PHOTO] for p in photos]
    return [np.float32(1 / 512) * one.astype(np.float32) for one in found]  # COLMAP stores 512-fold


def _words(sample: Array, random: np.random.Generator) -> Array:
    """Find WORDS centres by k-means from a random start."""
    sample = sample[random.permutation(len(sample))[:SAMPLE]]
    words = sample[:WORDS].copy()
    for _ in range(ROUNDS):
        nearest = _nearest(sample, words)
        for word in range(len(words)):
            mine = sample[nearest == word]
            if len(mine):
                words[word] = mine.mean(axis=0)
    return words


def _nearest(descriptors: Array, words: Array) -> NDArray[np.intp]:
    near: NDArray[np.intp] = ((words**2).sum(axis=1) / 2 - descriptors @ words.T).argmin(axis=1)
    return near


def _vlad(descriptors: Array, words: Array) -> Array:
    """Sum the residuals by word, each word's sum brought to length 1 ("intra-normalised":
    Arandjelović and Zisserman, "All about VLAD", CVPR 2013), then the whole."""
    sums = np.zeros((WORDS, words.shape[1]), np.float32)
    if len(descriptors):
        nearest = _nearest(descriptors, words)
        np.add.at(sums, nearest, descriptors - words[nearest])
    sums /= np.maximum(np.linalg.norm(sums, axis=1, keepdims=True), 1e-9)
    vector: Array = sums.ravel() / max(float(np.linalg.norm(sums)), 1e-9)
    return vector

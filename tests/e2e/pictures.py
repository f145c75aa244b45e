"""Looks at screenshots."""

from collections import Counter

from PIL import Image


def share_of_background(image: Image.Image) -> float:
    """The share (0 to 1) of the most frequent colour: near 1 when nothing is drawn."""
    small = image.resize((160, 100))
    colours = Counter((r // 16, g // 16, b // 16) for r, g, b in small.get_flattened_data())
    return max(colours.values()) / (160 * 100)

"""Reads colours out of what the browser shows."""

import io
from collections.abc import Callable
from statistics import median

from PIL import Image
from playwright.sync_api import Page

from tests.waiting import await_that

from .scene import Colour


def picture(page: Page) -> Image.Image:
    """The page as it is seen.

    A Chromium without windows shows the frame before the last one once, but never twice.
    """
    page.screenshot()
    return Image.open(io.BytesIO(page.screenshot())).convert("RGB")


def looks(page: Page, holds: Callable[[Image.Image], bool], what: str) -> None:
    """Waits until the page looks so; `what` says how.

    What is seen follows what was done: on a slow machine seconds later, and coarse until then.
    """
    await_that(lambda: holds(picture(page)), what)


def share_near(image: Image.Image, colour: Colour, tolerance: int = 40) -> float:
    """The share of pixels whose every channel is within `tolerance` of `colour`."""
    raw = image.resize((160, 100)).tobytes()
    pixels = zip(raw[0::3], raw[1::3], raw[2::3], strict=True)
    return sum(near(pixel, colour, tolerance) for pixel in pixels) / (160 * 100)


def colour_at(image: Image.Image, right: float, down: float) -> Colour:
    """The median colour of a small patch; the place in shares of the width and height."""
    x, y = int(right * image.width), int(down * image.height)
    patch = image.crop((x - 4, y - 4, x + 5, y + 5))
    red, green, blue = (int(median(patch.getchannel(channel).tobytes())) for channel in "RGB")
    return red, green, blue


def near(a: Colour, b: Colour, tolerance: int = 45) -> bool:
    return all(abs(x - y) <= tolerance for x, y in zip(a, b, strict=True))

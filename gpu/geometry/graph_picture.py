"""The match graph as a picture: the photos in a ring, a line between those that match."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from math import cos, pi, sin
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from gpu.geometry.connections import SURE, Connections

WIDTH, HEIGHT, FOOT = 1100, 860, 54
BACKGROUND, INK, FAINT = (18, 20, 24), (225, 228, 232), (120, 126, 134)
STRONG, WEAK, PLACED, LEFT_OUT = (90, 200, 140), (210, 160, 60), (90, 200, 140), (255, 110, 100)
#: Matches from which a line is drawn at its full width.
MANY = 400
#: Letters of a name that are shown, its end.
LETTERS = 18
#: Photos beyond which dots stand for them, and pixels of a photo from which it has its name.
PICTURES, LABELLED = 60, 64


def draw_graph(
    file: Path,
    pictures: Sequence[Path],
    names: Sequence[str],
    connections: Connections,
    placed: Collection[int],
) -> None:
    """Draw photo i from `pictures[i]` over `names[i]`; those in `placed` are framed in green.

    Photos of one group stand side by side, in their own order.
    """
    order = [photo for group in connections.groups() for photo in group]
    ring = dict(zip(order, _ring(len(order)), strict=True))
    canvas = Image.new("RGB", (WIDTH, HEIGHT), BACKGROUND)
    _lines(canvas, connections, ring)
    size = _size(len(order))
    for photo, place in ring.items():
        colour = PLACED if photo in placed else LEFT_OUT
        _photo(canvas, pictures[photo], place, size, colour)
        if size >= LABELLED:
            _label(canvas, Path(names[photo]).name, place, size)
    _legend(canvas, connections, len(placed))
    file.parent.mkdir(parents=True, exist_ok=True)
    canvas.save(file, quality=88)


def _size(photos: int) -> int:
    """Return the pixels of a thumbnail's long side so that neighbours barely touch."""
    return 10 if photos > PICTURES else max(34, min(130, round(2300 / max(photos, 1))))


def _ring(photos: int) -> list[tuple[float, float]]:
    margin = _size(photos) / 2 + 18
    across, along = WIDTH / 2 - margin, (HEIGHT - FOOT) / 2 - margin
    turns = [2 * pi * i / max(photos, 1) - pi / 2 for i in range(photos)]
    return [(WIDTH / 2 + across * cos(t), (HEIGHT - FOOT) / 2 + along * sin(t)) for t in turns]


def _lines(
    canvas: Image.Image, connections: Connections, ring: dict[int, tuple[float, float]]
) -> None:
    """Draw the weakest first, so that the strongest are on top."""
    pen = ImageDraw.Draw(canvas)
    for (one, other), matches in sorted(connections.matches.items(), key=lambda item: item[1]):
        strength = min(matches / MANY, 1.0)
        base = STRONG if matches >= SURE else WEAK
        fade = 0.35 + 0.65 * strength
        colour = tuple(round(b + fade * (c - b)) for c, b in zip(base, BACKGROUND, strict=True))
        pen.line((*ring[one], *ring[other]), fill=colour, width=1 + round(4 * strength))


def _photo(
    canvas: Image.Image,
    picture: Path,
    place: tuple[float, float],
    size: int,
    colour: tuple[int, int, int],
) -> None:
    x, y = place
    pen = ImageDraw.Draw(canvas)
    if size < 30:
        pen.ellipse((x - size / 2, y - size / 2, x + size / 2, y + size / 2), fill=colour)
        return
    with Image.open(picture) as photo:
        photo.draft("RGB", (size, size))
        photo.thumbnail((size, size))
        corner = (round(x - photo.width / 2), round(y - photo.height / 2))
        canvas.paste(photo.convert("RGB"), corner)
        frame = (*corner, corner[0] + photo.width, corner[1] + photo.height)
    pen.rectangle(frame, outline=colour, width=3)


def _label(canvas: Image.Image, name: str, place: tuple[float, float], size: int) -> None:
    pen, font = ImageDraw.Draw(canvas), ImageFont.load_default(12)
    short = name if len(name) <= LETTERS else f"…{name[1 - LETTERS :]}"
    place = (place[0], place[1] + 0.375 * size + 9)
    pen.text(place, short, fill=INK, font=font, anchor="mm", stroke_width=2, stroke_fill=BACKGROUND)


def _matching(pairs: int) -> str:
    return "1 pair matches" if pairs == 1 else f"{pairs} pairs match"


def _legend(canvas: Image.Image, connections: Connections, placed: int) -> None:
    pen, font, y = ImageDraw.Draw(canvas), ImageFont.load_default(15), HEIGHT - FOOT // 2 - 8
    total, x = len(connections.features), 24.0
    entries = (
        (PLACED, f"{placed} placed"),
        (LEFT_OUT, f"{total - placed} left out"),
        (STRONG, _matching(len(connections.sure()))),
        (WEAK, f"fewer than {SURE} matches: by chance, perhaps"),
    )
    for colour, text in entries:
        pen.rectangle((x, y + 2, x + 14, y + 16), fill=colour)
        pen.text((x + 22, y), text, fill=INK, font=font)
        x += 22 + pen.textlength(text, font) + 34

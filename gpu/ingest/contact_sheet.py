"""A picture of all photos: what was kept, and what was left out and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageDraw, ImageEnhance, ImageFont

from gpu.ingest.photos import Photos
from gpu.job import JobPaths

CELL, LABEL, GAP, COLUMNS = 150, 18, 6, 6
MOST = 60
#: Pixels of a letter, about.
LETTER = 7
#: A photo that was left out is shown this dark behind its reason, and so is what masks hide.
FADED = 0.25
MASKED = "What masks hide is violet."
BACKGROUND, INK, RED = (24, 26, 30), (225, 228, 232), (255, 110, 100)
VIOLET = (120, 50, 190)


@dataclass(frozen=True)
class _Cell:
    """One photo of the sheet; `reason` says why it was left out, `mask` what of it counts."""

    label: str
    file: Path | None
    reason: str = ""
    mask: Path | None = None


def draw_contact_sheet(
    paths: JobPaths, photos: Photos, images: Mapping[str, Path], note: str = ""
) -> str:
    """Write `previews/photos.jpg`; return its path relative to the job's folder.

    `images` has the photos that could be read by name, the kept and the dropped; `note` is
    written below them.
    """
    kept = [
        _Cell(
            Path(photo.name).name,
            images[photo.name],
            mask=paths.masks / f"{photo.image}.png" if photo.masked else None,
        )
        for photo in photos.photos
    ]
    if any(cell.mask for cell in kept):
        note = f"{MASKED} {note}".strip()
    dropped = [_Cell(Path(n).name, images.get(n), why) for n, why in photos.dropped.items()]
    cells = dropped[: MOST // 2] + _spread(kept, MOST - len(dropped[: MOST // 2]))
    step = CELL + GAP
    columns, rows = min(COLUMNS, len(cells)), -(-len(cells) // COLUMNS)
    lines = wrap(note, round(columns * step / LETTER)) if note else ""
    height = rows * (step + LABEL) + GAP
    foot = (lines.count("\n") + 1) * LABEL + GAP if lines else 0
    sheet = Image.new("RGB", (columns * step + GAP, height + foot), BACKGROUND)
    pen = ImageDraw.Draw(sheet)
    pen.multiline_text((GAP, height), lines, fill=INK, font=ImageFont.load_default(12))
    for number, cell in enumerate(cells):
        corner = (GAP + number % COLUMNS * step, GAP + number // COLUMNS * (step + LABEL))
        _draw(sheet, corner, cell)
    paths.previews.mkdir(parents=True, exist_ok=True)
    sheet.save(paths.previews / "photos.jpg", quality=85)
    return "previews/photos.jpg"


def _spread(cells: Sequence[_Cell], most: int) -> list[_Cell]:
    step = max(len(cells) / most, 1.0)
    return [cells[int(i * step)] for i in range(min(len(cells), most))]


def _draw(sheet: Image.Image, corner: tuple[int, int], cell: _Cell) -> None:
    """Draw one photo, or the reason for its absence, with its name below."""
    pen, font = ImageDraw.Draw(sheet), ImageFont.load_default(12)
    x, y = corner
    if cell.file is not None:
        with Image.open(cell.file) as photo:
            photo.draft("RGB", (CELL, CELL))
            photo.thumbnail((CELL, CELL))
            dark = ImageEnhance.Brightness(photo).enhance(FADED)
            shown = dark if cell.reason else _masked(photo, dark, cell.mask)
            sheet.paste(shown, (x + (CELL - photo.width) // 2, y + (CELL - photo.height) // 2))
    if cell.reason:
        pen.rectangle((x, y, x + CELL, y + CELL), outline=RED, width=3)
        pen.multiline_text((x + 8, y + 8), wrap(cell.reason), fill=RED, font=font)
    pen.text((x, y + CELL + 2), cell.label[-22:], fill=RED if cell.reason else INK, font=font)


def _masked(photo: Image.Image, dark: Image.Image, mask: Path | None) -> Image.Image:
    """Return a small photo, dark and violet where its mask hides it."""
    if mask is None:
        return photo
    with Image.open(mask) as opened:
        tinted = Image.blend(dark, Image.new("RGB", photo.size, VIOLET), 0.5)
        return Image.composite(photo, tinted, opened.convert("L").resize(photo.size))


def wrap(text: str, width: int = 20) -> str:
    lines = [""]
    for word in text.split():
        if lines[-1] and len(lines[-1]) + len(word) >= width:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".strip()
    return "\n".join(lines)

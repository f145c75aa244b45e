"""What can be said of photos before a job: how many, where from, how sharp. A guess, and quick.

It needs Pillow, as thumbnails do; a bot without it counts, and says no more.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from typing import IO, Any, TypeVar

from bot.storage.base import Storage
from bot.storage.flight import Place, flight_of, height_of
from bot.storage.names import is_photo, is_video

T = TypeVar("T")

#: Photos of a set that are looked at, evenly spread, and bytes of one in an archive.
LOOKED_AT, MOST_BYTES = 24, 60_000_000

#: Pixels of the long side at which sharpness is compared.
SIDE = 640

#: A photo counts as blurred when its sharpness is below this share of the set's median. Of 278
#: photos of 13 real sets the least has 0.49; blurred by two pixels at 640 the most has 0.33.
BLURRED = 0.4

#: The tags of EXIF's directories, and of a latitude and the focal length in them (CIPA DC-008).
GPS, LATITUDE, DETAIL, FOCAL_35MM = 0x8825, 2, 0x8769, 0xA405


@dataclass(frozen=True)
class Look:
    """One photo: whether it says where it was taken, and how sharp it is (any unit).

    `place` latitude and longitude, `height` metres above the take-off, `focal` on 35 mm film.
    """

    name: str
    gps: bool
    sharpness: float
    place: Place | None = None
    height: float | None = None
    focal: float | None = None


@dataclass(frozen=True)
class Found:
    """What is in a dataset. `looked_at` of its photos were opened; the rest is said of these.

    Of a drone's photos: the ground (square metres), the height above the start (metres) and the
    overlap (0 to 1), all guessed.
    """

    photos: int
    bytes: int
    videos: int = 0
    looked_at: int = 0
    gps: int = 0
    blurred: tuple[str, ...] = ()
    unreadable: tuple[str, ...] = ()
    ground: float | None = None
    height: float | None = None
    overlap: float | None = None


def look_at(storage: Storage, dataset: str) -> Found:
    """Look at a dataset's photos in the storage; only count where it is an archive."""
    keys = storage.photos(dataset)
    known = next((each for each in storage.datasets(dataset) if each.name == dataset), None)
    opened = ((key.rsplit("/", 1)[-1], io.BytesIO(storage.get(key))) for key in _spread(keys))
    bytes_, videos = (known.bytes, known.videos) if known else (0, 0)
    return _found(Found(len(keys), bytes_, videos), opened)


def look_into_archive(file: Path) -> Found:
    """Look at the photos in a .zip; raises zipfile.BadZipFile when it is none."""
    with zipfile.ZipFile(file) as archive:
        names = [(i, i.filename.rsplit("/", 1)[-1]) for i in archive.infolist()]
        inside = [i for i, name in names if is_photo(name)]
        videos = sum(is_video(name) for _, name in names)
        small = [each for each in _spread(inside) if each.file_size <= MOST_BYTES]
        opened = ((each.filename, io.BytesIO(archive.read(each))) for each in small)
        return _found(Found(len(inside), file.stat().st_size, videos), opened)


def _found(there: Found, opened: Iterator[tuple[str, IO[bytes]]]) -> Found:
    if find_spec("PIL") is None:
        return there
    looks, unreadable = [], []
    for name, content in opened:
        with closing(content):
            look = _look(name, content)
        if look is None:
            unreadable.append(name)
        else:
            looks.append(look)
    usual = median(look.sharpness for look in looks) if looks else 0.0
    blurred = tuple(look.name for look in looks if look.sharpness < BLURRED * usual)
    gps = sum(look.gps for look in looks)
    flight = flight_of(
        [look.place for look in looks if look.place],
        [look.height for look in looks if look.height],
        [look.focal for look in looks if look.focal],
        there.photos,
    )
    return replace(
        there,
        looked_at=len(looks) + len(unreadable),
        gps=gps,
        blurred=blurred,
        unreadable=tuple(unreadable),
        **(vars(flight) if flight else {}),
    )


def _look(name: str, content: IO[bytes]) -> Look | None:
    """Open one photo; None when it can not be read, whatever is wrong with it."""
    from PIL import Image

    try:
        with Image.open(content) as photo:
            tags = photo.getexif()
            gps, detail = tags.get_ifd(GPS), tags.get_ifd(DETAIL)
            height = height_of(photo.info.get("xmp"))
            photo.draft("RGB", (2 * SIDE, 2 * SIDE))  # lets the JPEG decoder skip detail
            grey = photo.convert("L")
            grey.thumbnail((SIDE, SIDE))
            focal = float(detail.get(FOCAL_35MM) or 0) or None
            sharpness = _sharpness(grey)
            return Look(name, LATITUDE in gps, sharpness, _place(gps), height, focal)
    except Exception:  # noqa: BLE001 - damaged files make Pillow raise anything
        return None


def _place(gps: Mapping[int, Any]) -> Place | None:
    """Return latitude and longitude in degrees."""
    signs = [-1 if str(gps.get(tag)).upper().startswith(("S", "W")) else 1 for tag in (1, 3)]
    try:
        first, second = (
            sign * sum(float(part) / 60**i for i, part in enumerate(gps[tag]))
            for sign, tag in zip(signs, (LATITUDE, 4), strict=True)
        )
    except (KeyError, TypeError, ValueError, ZeroDivisionError):
        return None
    return first, second


def _sharpness(grey: object) -> float:
    """The variance of the Laplacian (Pech-Pacheco et al., ICPR 2000)."""
    from PIL import Image, ImageFilter, ImageStat

    assert isinstance(grey, Image.Image)
    laplacian = ImageFilter.Kernel((3, 3), [0, 1, 0, 1, -4, 1, 0, 1, 0], scale=1, offset=128)
    return float(ImageStat.Stat(grey.filter(laplacian)).var[0])


def _spread(items: Sequence[T]) -> list[T]:
    step = max(len(items) / LOOKED_AT, 1.0)
    return [items[int(i * step)] for i in range(min(len(items), LOOKED_AT))]

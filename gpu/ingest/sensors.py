"""How wide the sensors of cameras are that write millimetres but no 35 mm equivalent."""

from __future__ import annotations

from collections.abc import Mapping

#: Millimetres by maker and model as EXIF has them, lower case; from the makers' data sheets.
WIDTH_MM: Mapping[str, float] = {
    "dji fc220": 6.17,
    "dji fc300c": 6.17,
    "dji fc300s": 6.17,
    "dji fc300x": 6.17,
    "dji fc330": 6.17,
    "dji fc350": 6.17,
    "dji fc550": 17.3,
    "dji fc6310": 13.2,
    "dji fc6310r": 13.2,
    "dji fc6310s": 13.2,
    "dji fc6510": 13.2,
    "dji fc6520": 17.3,
    "dji fc6540": 23.5,
    "dji fc7203": 6.17,
    "dji fc7303": 6.17,
    "dji zenmusep1": 35.9,
    "hasselblad l1d-20c": 13.2,
    "hasselblad l2d-20c": 17.3,
    "canon canon powershot s100": 7.44,
    "canon canon powershot sx260 hs": 6.17,
    "gopro hero4 black": 6.17,
    "gopro hero8 black": 6.17,
    "sensefly s.o.d.a.": 12.75,
    "sony dsc-rx1rm2": 35.9,
    "sony dsc-wx220": 6.17,
    "sony ilce-6000": 23.5,
    "sony ilce-7rm2": 35.9,
}


def sensor_width(make: str, model: str) -> float | None:
    """Return the sensor's width (mm) along the photo's longer side, None where it is unknown."""
    return WIDTH_MM.get(f"{make} {model}".lower().strip())

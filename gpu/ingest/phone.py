"""Which way an iPhone's accelerometer says is up, from the notes that it writes into the EXIF.

Tag 8 of Apple's notes is the acceleration in units of g (ExifTool, Apple.pm: AccelerationVector),
in the axes of Core Motion: x to the right of the phone held upright, y to its top, z out of the
screen. At rest it points where gravity pulls. The camera of the back looks along -z, and its
sensor's rows run from the top of the phone to its bottom.
"""

from __future__ import annotations

import math
import struct

from gpu.ingest.xmp import Triple

#: What Apple's notes begin with; a version follows, then the byte order and one directory.
BEGIN, ORDER_AT, COUNT_AT, ENTRIES_AT, ENTRY = b"Apple iOS\0", 12, 14, 16, 12
ACCELERATION, SIGNED_RATIONAL = 8, 10
#: A hand that moves adds to gravity: beyond this share of it the direction says nothing.
SHAKEN = 0.1

#: A picture's rows and columns, turned upright by EXIF's orientation: the quarter turns
#: (clockwise). Mirrored pictures are of no camera that looks ahead.
QUARTERS = {1: 0, 6: 1, 3: 2, 8: 3}


def up_of_phone(notes: object, orientation: int) -> Triple | None:
    """Return the unit vector up in the upright photo's camera (x right, y down, z ahead).

    None where the notes are not Apple's, or say nothing, or the phone was shaken.
    """
    quarters = QUARTERS.get(orientation)
    pulled = _acceleration(notes) if isinstance(notes, bytes) else None
    if pulled is None or quarters is None:
        return None
    size = math.hypot(*pulled)
    if abs(size - 1) > SHAKEN:
        return None
    x, y, z = (-part / size for part in pulled)
    right, down = -y, -x
    for _ in range(quarters):
        right, down = -down, right
    return right, down, -z


def _acceleration(notes: bytes) -> Triple | None:
    """Read the one tag; None where notes are malformed."""
    if not notes.startswith(BEGIN):
        return None
    order = "<" if notes[ORDER_AT:COUNT_AT] == b"II" else ">"
    try:
        (count,) = struct.unpack_from(f"{order}H", notes, COUNT_AT)
        for at in range(ENTRIES_AT, ENTRIES_AT + ENTRY * count, ENTRY):
            tag, kind, values, where = struct.unpack_from(f"{order}HHII", notes, at)
            if (tag, kind, values) == (ACCELERATION, SIGNED_RATIONAL, 3):
                x, over_x, y, over_y, z, over_z = struct.unpack_from(f"{order}6i", notes, where)
                return x / over_x, y / over_y, z / over_z
    except (struct.error, ZeroDivisionError):
        pass
    return None

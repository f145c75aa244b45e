"""A hundred things that somebody may send: each a file or two beside four good photos."""

import io
import random
import struct
import zipfile
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
from PIL import ExifTags, Image

from tests.gpu.photos_on_disk import picture

#: Names below the folder that is given, and what is in them.
Files = Mapping[str, bytes]


def saved(seed: int = 77, kind: str = "JPEG", **options: object) -> bytes:
    """A picture as a file of some kind."""
    out = io.BytesIO()
    picture(seed, (320, 240)).save(out, kind, **options)  # type: ignore[arg-type]
    return out.getvalue()


def fuzzed(data: bytes, seed: int, start: int, end: int, part: float) -> bytes:
    """The same with a part of its bytes replaced, between two places."""
    chance, changed = random.Random(seed), bytearray(data)
    for i in range(start, min(end, len(data))):
        if chance.random() < part:
            changed[i] = chance.randrange(256)
    return bytes(changed)


def with_exif() -> bytes:
    exif = Image.Exif()
    exif[ExifTags.Base.Make], exif[ExifTags.Base.Orientation] = "DJI", 6
    exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.FocalLength] = 8.8
    exif.get_ifd(ExifTags.IFD.GPSInfo).update(
        {1: "N", 2: (52.0, 30.0, 0.0), 3: "E", 4: (13.0, 24.0, 0.0), 6: 80.0}
    )
    xmp = b'<x:xmpmeta><a drone-dji:GimbalPitchDegree="-90" drone-dji:RtkStdLon="0.01"/>'
    return saved(exif=exif, xmp=xmp + b"</x:xmpmeta>")


def with_xmp(xmp: bytes) -> bytes:
    return saved(xmp=xmp[:65000])


def png_of(width: int, height: int) -> bytes:
    """The head of a PNG of that size, and nothing more."""
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunk = b"IHDR" + head
    body = struct.pack(">I", 13) + chunk + struct.pack(">I", zlib.crc32(chunk))
    return b"\x89PNG\r\n\x1a\n" + body


def inflating_png() -> bytes:
    """A PNG whose text would unpack to 64 MB."""
    text = b"zTXt" + b"Comment\0\0" + zlib.compress(bytes(64 << 20), 9)
    chunk = struct.pack(">I", len(text) - 4) + text + struct.pack(">I", zlib.crc32(text))
    whole = saved(kind="PNG")
    return whole[:33] + chunk + whole[33:]


def zipped(members: Mapping[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return out.getvalue()


def nested(depth: int, inside: bytes) -> bytes:
    for _ in range(depth):
        inside = zipped({"more.zip": inside})
    return inside


def sized(mode: str) -> bytes:
    out = io.BytesIO()
    values = np.random.default_rng(5).integers(0, 256, (240, 320), dtype=np.uint8)
    Image.fromarray(values).convert(mode).save(out, "TIFF")
    return out.getvalue()


JPEG, EXIF, PNG = saved(), with_exif(), saved(kind="PNG")
_EXIF_AT = EXIF.index(b"Exif")

LONG = "a" * 240
ODD_NAMES = (
    " .jpg", "-rf.jpg", "a\nb.jpg", "a;rm -rf.jpg", "$(reboot).jpg", "`x`.jpg", "%00.jpg",
    "Ünïcode-写真.jpg", "\u202egpj.exe.jpg", "a..jpg.jpg", "CON.jpg", "a'\"b.jpg", "*.jpg",
    "a b.jpg", f"{LONG}.jpg",
)  # fmt: skip


def _cases() -> dict[str, Files]:
    made: dict[str, Files] = {}
    for seed in range(15):
        made[f"fuzzed EXIF {seed}"] = {
            "x.jpg": fuzzed(EXIF, seed, _EXIF_AT + 6, _EXIF_AT + 260, 0.02 * (seed + 1))
        }
    for seed in range(10):
        made[f"fuzzed whole {seed}"] = {"x.jpg": fuzzed(EXIF, seed, 2, len(EXIF), 0.002)}
        made[f"fuzzed PNG {seed}"] = {"x.png": fuzzed(PNG, seed, 8, len(PNG), 0.002)}
    for number, xmp in enumerate(
        (
            b"<" * 60000,
            b'<!DOCTYPE a [<!ENTITY a "' + b"a" * 1000 + b'">]>' + b"&a;" * 9000,
            b'<a drone-dji:GimbalPitchDegree="' + b"9" * 50000 + b'"/>',
            b'<a drone-dji:GimbalYawDegree="1e999" drone-dji:GimbalPitchDegree="-" />',
            b'<a Camera:AboveGroundAltitude="1/0"/>',
            b"\xff\xfe\x00" * 9000,
            b"GPano:ProjectionType=equirectangular" * 900,
            b'<a GPano:ProjectionType="equirectangular"/>',
        )
    ):
        made[f"XMP {number}"] = {"x.jpg": with_xmp(xmp)}
    for part in (0, 1, 2, 20, 200, 1000, len(JPEG) // 2, len(JPEG) - 2):
        made[f"truncated to {part}"] = {"x.jpg": JPEG[:part]}
    for name in ODD_NAMES:
        made[f"name {name[:12]!r}"] = {name: JPEG}
    for size in ((60000, 60000), (2**31 - 1, 2**31 - 1), (1, 10**6), (0, 0), (10**6, 100)):
        made[f"PNG of {size[0]}x{size[1]}"] = {"x.png": png_of(*size)}
    made |= {
        "text that inflates": {"x.png": inflating_png()},
        "JPEG called PNG": {"x.png": JPEG},
        "zip behind a JPEG": {"x.jpg": JPEG + zipped({"../../evil.jpg": JPEG})},
        "HTML before a JPEG": {"x.jpg": b"<script>alert(1)</script>" + JPEG},
        "HTML": {"x.jpg": b"<html><body>404 Not Found</body></html>"},
        "SVG": {"x.png": b'<svg xmlns="http://www.w3.org/2000/svg"/>'},
        "PDF": {"x.tif": b"%PDF-1.7\n%%EOF"},
        "EPS": {"x.jpg": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 99 99\n(/etc/passwd) run"},
        "GIF": {"x.jpg": saved(kind="GIF")},
        "ELF": {"x.jpg": b"\x7fELF" + bytes(400)},
        "zeros": {"x.jpg": bytes(100_000)},
        "TIFF of no mode": {"x.tif": b"II*\0\x08\0\0\0\xff\xff" + bytes(300)},
        "TIFF that points at itself": {"x.tif": b"II*\0\x08\0\0\0\0\0\x08\0\0\0"},
        "1-bit TIFF": {"x.tif": sized("1")},
        "HEIC of nothing": {"x.heic": b"\0\0\0\x18ftypheic" + bytes(200)},
        "HEIC that is a JPEG": {"x.heic": JPEG},
        "MP4 of nothing": {"x.mp4": b"\0\0\0\x18ftypmp42" + bytes(2000)},
        "MP4 that is a JPEG": {"x.mp4": JPEG},
        "playlist": {"x.mp4": b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n"},
        "concat script": {"x.mov": b"ffconcat version 1.0\nfile /etc/passwd\n"},
        "mask of nothing": {"masks/x.png": JPEG[:300], "x.jpg": JPEG},
        "mask of another size": {"masks/good_0.png": saved(kind="PNG")},
        "cameras of nothing": {"transforms.json": b"{", "sparse/0/images.bin": b"\xff" * 100},
        "deep cameras": {"transforms.json": b"[" * 100_000},
    }
    return made


def _archives() -> dict[str, bytes]:
    good = {f"good_{i}.jpg": saved(i) for i in range(4)}
    bomb = zipped({"x.jpg": bytes(80 << 20)})
    return {
        "path outside": zipped({**good, "../evil.jpg": JPEG}),
        "absolute path": zipped({**good, "/tmp/evil.jpg": JPEG}),
        "Windows path outside": zipped({**good, "..\\evil.jpg": JPEG}),
        "drive": zipped({**good, "C:\\evil.jpg": JPEG}),
        "Windows folders": zipped({f"June\\{name}": data for name, data in good.items()}),
        "bomb": bomb,
        "bomb in a zip": zipped({**good, "more.zip": bomb}),
        "too many levels": nested(5, zipped(good)),
        "three levels": nested(3, zipped(good)),
        "a name twice": zipped(good)[:-22] + zipped(good)[-22:],
        "file and folder of one name": zipped({**good, "a.jpg": JPEG, "a.jpg/b.jpg": JPEG}),
        "long names": zipped({f"{'d' * 250}/{n}{LONG}{LONG}.jpg": d for n, d in good.items()}),
        "cut off": zipped(good)[:-30],
        "code page 437": zipped({n.replace("good", "grXn"): d for n, d in good.items()}).replace(
            b"grXn", b"gr\x81n"
        ),
        "empty": zipped({}),
        "Mac": zipped({**good, "__MACOSX/._good_0.jpg": b"fork", "._x.jpg": b"", ".DS_Store": b""}),
    }  # fmt: skip


CASES: dict[str, Files] = _cases()
ARCHIVES: dict[str, bytes] = _archives()


def write(folder: Path, files: Files, make_name: Callable[[str], str] = str) -> None:
    """Write the files of a case beside four good photos."""
    for i in range(4):
        (folder / f"good_{i}.jpg").write_bytes(saved(i))
    for name, data in files.items():
        target = folder / make_name(name)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)

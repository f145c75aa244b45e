"""`python -m gpu.parcel OUT_DIR`: make the demo photos."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from gpu.job import InvalidValue, SplatError
from gpu.parcel.render import generate, write_truth


def main(arguments: list[str] | None = None) -> int:
    """Run the command; return its exit status."""
    options = _parser().parse_args(arguments)
    try:
        size = _size(options.size)
        generate(options.out_dir, options.photos, size, options.seed, _say)
        if options.truth:
            write_truth(options.truth, options.photos, size, options.seed)
    except SplatError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("gpu.parcel", description="Photograph a synthetic parcel.")
    parser.add_argument("out_dir", type=Path, help="folder for the JPEGs")
    parser.add_argument("--photos", type=int, default=36)
    parser.add_argument("--size", default="960x720", help="WIDTHxHEIGHT in pixels")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--truth", type=Path, help="write true poses and heights to this JSON file")
    return parser


def _size(text: str) -> tuple[int, int]:
    width, _, height = text.partition("x")
    if not (width.isdigit() and height.isdigit()):
        raise InvalidValue("size", text, "WIDTHxHEIGHT, such as 960x720")
    return int(width), int(height)


def _say(fraction: float, message: str) -> None:
    sys.stdout.write(f"{fraction:4.0%} {message}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())

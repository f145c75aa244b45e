"""A network in ONNX's form, as small as can be, written without ONNX's own library.

The field numbers are those of onnx.proto3 (github.com/onnx/onnx); the form is Protocol Buffers'.
"""

from pathlib import Path

FLOAT, INT, INTS = 1, 2, 7


def mean_of_colours(file: Path, side: int = 64) -> Path:
    """Write a network whose answer [1, 1, H, W] is the mean of its input's colours."""
    axes = _text(1, "axes") + _number(8, 1) + _number(20, INTS)
    keep = _text(1, "keepdims") + _number(3, 1) + _number(20, INT)
    node = _text(1, "photo") + _text(2, "found") + _text(4, "ReduceMean")
    node += _part(5, axes) + _part(5, keep)
    graph = _part(1, node) + _text(2, "mean")
    graph += _part(11, _value("photo", (1, 3, side, side)))
    graph += _part(12, _value("found", (1, 1, side, side)))
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(_number(1, 8) + _part(7, graph) + _part(8, _number(2, 13)))
    return file


def _value(name: str, shape: tuple[int, ...]) -> bytes:
    dims = b"".join(_part(1, _number(1, size)) for size in shape)
    return _text(1, name) + _part(2, _part(1, _number(1, FLOAT) + _part(2, dims)))


def _number(field: int, value: int) -> bytes:
    return _varint(field << 3) + _varint(value)


def _text(field: int, value: str) -> bytes:
    return _part(field, value.encode())


def _part(field: int, value: bytes) -> bytes:
    return _varint(field << 3 | 2) + _varint(len(value)) + value


def _varint(value: int) -> bytes:
    low, rest = value & 0x7F, value >> 7
    return bytes([low | 0x80]) + _varint(rest) if rest else bytes([low])

"""LPIPS: how unlike two pictures look to a network (Zhang et al., CVPR 2018), version 0.1, AlexNet.

Only where its weights are: the file that SPLATBOT_LPIPS_WEIGHTS names, or, where that is not set,
/mnt/splatbot/learned/lpips/weights/alex.pt (see gpu.geometry.installed). Nothing is downloaded.
`python -m gpu.training.lpips ALEXNET LINEAR OUT` makes the file from torchvision's
alexnet-owt-7be5be79.pth and LPIPS's lpips/weights/v0.1/alex.pth.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor
from torch.nn.functional import conv2d, max_pool2d

from gpu.geometry.installed import folder_of
from gpu.job import SplatError

VARIABLE = "SPLATBOT_LPIPS_WEIGHTS"
#: AlexNet's convolutions: torchvision's number, stride, padding, and the shape of the weights.
LAYERS = (
    (0, 4, 2, (64, 3, 11, 11)),
    (3, 1, 2, (192, 64, 5, 5)),
    (6, 1, 1, (384, 192, 3, 3)),
    (8, 1, 1, (256, 384, 3, 3)),
    (10, 1, 1, (256, 256, 3, 3)),
)
POOLED = (3, 6)  #: the convolutions that a max-pooling goes before
SMALLEST = 31  #: pixels of a side that survive both
#: Of the pictures with values -1 to 1: ImageNet's mean and deviation, as LPIPS has them.
SHIFT, SCALE = (-0.030, -0.088, -0.188), (0.458, 0.448, 0.450)
EPSILON = 1e-10

SHAPES: Mapping[str, tuple[int, ...]] = {
    **{f"features.{n}.weight": shape for n, _, _, shape in LAYERS},
    **{f"features.{n}.bias": shape[:1] for n, _, _, shape in LAYERS},
    **{f"lin{i}.model.1.weight": (1, layer[3][0], 1, 1) for i, layer in enumerate(LAYERS)},
}


class BadWeights(SplatError):
    """The file with LPIPS's weights can not be read, or holds something else."""

    lasting = True

    def __init__(self, file: Path, problem: str) -> None:
        super().__init__(
            f"The weights of LPIPS can not be read from {file}: {problem}.",
            hint=f"Make the file anew with `python -m gpu.training.lpips`, or unset {VARIABLE}.",
        )


@dataclass(frozen=True)
class Lpips:
    """The measure with its weights (SHAPES), which stay in the CPU's memory between calls."""

    weights: Mapping[str, Tensor]

    @classmethod
    def installed(cls) -> Lpips | None:
        """Return the measure where its weights are there, else None. Raises BadWeights."""
        named = os.environ.get(VARIABLE)
        file = Path(named) if named else folder_of("lpips") / "weights" / "alex.pt"
        return cls(read_weights(file, SHAPES)) if named or file.is_file() else None

    @torch.no_grad()
    def __call__(self, images: Tensor, references: Tensor) -> Tensor:
        """Return the mean distance of pictures [B, 3, H, W] with values 0 to 1, a scalar.

        0 is alike. Raises ValueError when a side has fewer than SMALLEST pixels.
        """
        if images.shape != references.shape or min(images.shape[-2:]) < SMALLEST:
            raise ValueError(f"LPIPS needs pictures of one size, {SMALLEST} pixels or more a side")
        weights = {name: t.to(images.device) for name, t in self.weights.items()}
        total = images.new_zeros(())
        # TF32, which cuDNN takes unless told otherwise, would blur the third decimal.
        with torch.backends.cudnn.flags(enabled=True, allow_tf32=False):
            pairs = zip(_features(images, weights), _features(references, weights), strict=True)
            for i, (a, b) in enumerate(pairs):
                total += conv2d((a - b).square(), weights[f"lin{i}.model.1.weight"]).mean()
        return total


def _features(images: Tensor, weights: Mapping[str, Tensor]) -> list[Tensor]:
    """Return what AlexNet sees after each ReLU, of length 1 across the channels."""
    shift, scale = (images.new_tensor(t).view(1, 3, 1, 1) for t in (SHIFT, SCALE))
    x, found = (2 * images - 1 - shift) / scale, []
    for number, stride, padding, _ in LAYERS:
        x = max_pool2d(x, 3, 2) if number in POOLED else x
        kernel, bias = (weights[f"features.{number}.{part}"] for part in ("weight", "bias"))
        x = conv2d(x, kernel, bias, stride, padding).relu()
        found.append(x / (x.norm(dim=1, keepdim=True) + EPSILON))
    return found


def read_weights(file: Path, shapes: Mapping[str, tuple[int, ...]]) -> dict[str, Tensor]:
    """Read the tensors that `shapes` names, and no others. Raises BadWeights."""
    try:
        held = torch.load(file, map_location="cpu", weights_only=True)
    except OSError as wrong:
        raise BadWeights(file, wrong.strerror or "it is damaged") from None
    except Exception as wrong:  # noqa: BLE001 - whatever a damaged file makes of the reader
        raise BadWeights(file, f"it is damaged ({type(wrong).__name__})") from None
    for name, shape in shapes.items():
        tensor = held.get(name) if isinstance(held, dict) else None
        if not isinstance(tensor, Tensor) or tuple(tensor.shape) != shape:
            raise BadWeights(file, f"it has no {name} of the shape {shape}")
    return {name: held[name].float().clone() for name in shapes}


def main(alexnet: str, linear: str, out: str) -> None:
    """Write AlexNet's feature layers and LPIPS's linear ones into one file of 10 MB."""
    lin = {name: shape for name, shape in SHAPES.items() if name.startswith("lin")}
    features = {name: shape for name, shape in SHAPES.items() if name not in lin}
    found = read_weights(Path(alexnet), features) | read_weights(Path(linear), lin)
    torch.save(found, out)


if __name__ == "__main__":
    if len(sys.argv) != 4:
        raise SystemExit("usage: python -m gpu.training.lpips ALEXNET LINEAR OUT")
    try:
        main(*sys.argv[1:])
    except SplatError as wrong:
        raise SystemExit(str(wrong)) from None

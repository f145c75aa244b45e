"""Gaussians survive the way through a .ply file, and damage is said in words."""

from pathlib import Path

import numpy as np
import pytest
import torch
from plyfile import PlyData

from gpu.export.ply import DamagedPly, read_ply, write_ply
from gpu.gaussians import Gaussians


def gaussians(n: int = 7, degree: int = 1) -> Gaussians:
    make = torch.Generator().manual_seed(3)
    shape = {"means": (3,), "quats": (4,), "log_scales": (3,), "logit_opacities": (), "sh0": (1, 3)}
    higher = {"shN": ((degree + 1) ** 2 - 1, 3)}
    return Gaussians(
        **{k: torch.randn(n, *tail, generator=make) for k, tail in {**shape, **higher}.items()}
    )


@pytest.mark.parametrize("degree", [0, 1, 2, 3])
def test_what_is_read_is_what_was_written(tmp_path: Path, degree: int) -> None:
    written = gaussians(degree=degree)
    write_ply(written, tmp_path / "scene.ply")
    read = read_ply(tmp_path / "scene.ply")
    assert read.sh_degree == degree
    for name, tensor in written.tensors().items():
        assert torch.equal(tensor, read.tensors()[name]), name


def test_the_file_says_how_it_was_trained(tmp_path: Path) -> None:
    write_ply(gaussians(), tmp_path / "scene.ply")
    assert PlyData.read(str(tmp_path / "scene.ply")).comments == ["SplatRenderMode: mip"]


def test_the_layout_is_the_one_that_every_viewer_reads(tmp_path: Path) -> None:
    scene = gaussians(degree=1)
    write_ply(scene, tmp_path / "scene.ply")
    vertex = PlyData.read(str(tmp_path / "scene.ply"))["vertex"].data
    rest = [f"f_rest_{i}" for i in range(9)]
    assert list(vertex.dtype.names) == [
        *("x", "y", "z", "nx", "ny", "nz", "f_dc_0", "f_dc_1", "f_dc_2"),
        *rest,
        *("opacity", "scale_0", "scale_1", "scale_2", "rot_0", "rot_1", "rot_2", "rot_3"),
    ]
    # Channel-major: f_rest_0..2 are red's three coefficients.
    assert np.array_equal(vertex["f_rest_1"], scene.shN[:, 1, 0].numpy())
    assert np.array_equal(vertex["f_rest_3"], scene.shN[:, 0, 1].numpy())


def test_no_gaussians_are_a_valid_file(tmp_path: Path) -> None:
    write_ply(gaussians(n=0), tmp_path / "scene.ply")
    assert len(read_ply(tmp_path / "scene.ply")) == 0


def test_nothing_is_left_beside_the_file(tmp_path: Path) -> None:
    write_ply(gaussians(), tmp_path / "scene.ply")
    assert [p.name for p in tmp_path.iterdir()] == ["scene.ply"]


def test_damage_is_said_in_one_sentence(tmp_path: Path) -> None:
    path = tmp_path / "scene.ply"
    with pytest.raises(DamagedPly, match=r"scene\.ply.*does not exist"):
        read_ply(path)
    path.write_bytes(b"not a ply")
    with pytest.raises(DamagedPly, match=r"scene\.ply is not a readable"):
        read_ply(path)
    write_ply(gaussians(), path)
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(DamagedPly, match=r"scene\.ply is not a readable"):
        read_ply(path)


def test_a_mesh_is_refused_by_the_property_it_lacks(tmp_path: Path) -> None:
    path = tmp_path / "mesh.ply"
    path.write_text(
        "ply\nformat ascii 1.0\nelement vertex 1\nproperty float x\nproperty float y\n"
        "property float z\nend_header\n0 0 0\n"
    )
    with pytest.raises(DamagedPly, match="property rot_0 is missing"):
        read_ply(path)


def test_values_that_are_not_finite_are_refused(tmp_path: Path) -> None:
    scene = gaussians()
    scene.means[2, 1] = float("nan")
    write_ply(scene, tmp_path / "scene.ply")
    with pytest.raises(DamagedPly, match="not finite"):
        read_ply(tmp_path / "scene.ply")

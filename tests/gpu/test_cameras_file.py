"""cameras.json: where the photos were taken, and their pixels only when somebody asked for them."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image

from gpu.export import photos
from gpu.export.photos import HIDDEN, evenly, write_cameras
from gpu.gaussians import rotation_matrices
from gpu.job import JobPaths
from gpu.training.dataset import Dataset, View
from tests.gpu.photographed import FOCAL, HEIGHT, WIDTH, looking_down


def seen(name: str, x: float, colour: int) -> View:
    view = looking_down(name, x, 2.0, 8.0, tilt=0.3)
    return replace(view, image=torch.full((HEIGHT, WIDTH, 3), colour, dtype=torch.uint8))


def dataset(*train: View) -> Dataset:
    held_out = (seen("b.jpg", 1.0, 80),)
    return Dataset(train, held_out, torch.zeros(0, 3), torch.zeros(0, 3))


def written(root: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((root / "cameras.json").read_text())
    return content


def test_every_photo_has_its_pose_and_lens_in_the_order_of_names(tmp_path: Path) -> None:
    taken = dataset(seen("c.jpg", 5.0, 9), seen("a.jpg", -3.0, 200))
    names = {"a.jpg": "flight 1/DSC1.JPG", "b.jpg": "DSC2.JPG"}
    told = write_cameras(JobPaths(tmp_path), taken, names, photos=False)
    content = written(tmp_path)
    size = (tmp_path / "cameras.json").stat().st_size
    assert told == {"url": "cameras.json", "bytes": size, "count": 3, "photos": 0}
    assert content["photos"] == 3
    assert [each["name"] for each in content["cameras"]] == ["DSC1.JPG", "DSC2.JPG", "c.jpg"]
    first = content["cameras"][0]
    assert first["position"] == pytest.approx([-3.0, 2.0, 8.0])
    assert (first["size"], first["focal"]) == ([WIDTH, HEIGHT], [FOCAL, FOCAL])
    assert first["centre"] == [WIDTH / 2, HEIGHT / 2]
    turned = rotation_matrices(torch.tensor([first["rotation"]]))[0]
    assert torch.allclose(turned, taken.train[1].viewmat[:3, :3].T, atol=1e-5)
    assert not (tmp_path / "photos").exists()


def test_photos_are_published_small_without_what_a_mask_hides(tmp_path: Path) -> None:
    large = torch.full((1000, 3000, 3), 200, dtype=torch.uint8)
    mask = torch.ones(1000, 3000, dtype=torch.bool)
    mask[:, :1500] = False
    taken = dataset(replace(seen("a.jpg", 0.0, 0), image=large, mask=mask), seen("c.jpg", 5.0, 9))
    paths = JobPaths(tmp_path)
    assert write_cameras(paths, taken, {}, photos=True)["photos"] == 3
    with Image.open(tmp_path / written(tmp_path)["cameras"][0]["photo"]) as photo:
        assert (photo.size, len(photo.getexif())) == ((1024, 341), 0)
        left, right = photo.getpixel((100, 100)), photo.getpixel((900, 100))
    assert left == pytest.approx((HIDDEN,) * 3, abs=3)
    assert right == pytest.approx((200,) * 3, abs=3)
    # The same job, asked to keep them to itself after all.
    write_cameras(paths, taken, {}, photos=False)
    assert not paths.published_photos.exists()
    assert "photo" not in written(tmp_path)["cameras"][0]


def test_of_very_many_some_are_left_out_evenly(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert evenly(range(10), 4) == [0, 2, 5, 7]
    monkeypatch.setattr(photos, "MOST", 2)
    told = write_cameras(
        JobPaths(tmp_path), dataset(seen("a.jpg", 0.0, 0), seen("c.jpg", 1.0, 0)), {}, photos=False
    )
    assert told["count"] == len(written(tmp_path)["cameras"]) == 2
    assert written(tmp_path)["photos"] == 3

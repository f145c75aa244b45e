"""The animation for the thread: a loop of the published scene, or nothing at all."""

from pathlib import Path

import pytest
import torch
from PIL import Image

from gpu.export import turntable
from gpu.export.cameras import Camera
from gpu.export.turntable import FRAMES, draw_turntable
from gpu.training.dataset import View
from tests.gpu.photographed import truth

CAMERA = Camera((0.0, -4.0, 1.0), (0.0, 0.0, 0.0))


@pytest.fixture
def like(monkeypatch: pytest.MonkeyPatch) -> View:
    monkeypatch.setattr(turntable, "LONG_SIDE", 48)
    K = torch.tensor([[90.0, 0, 50], [0, 90, 40], [0, 0, 1]])
    return View("a.jpg", torch.zeros(80, 100, 3, dtype=torch.uint8), torch.eye(4), K)


@pytest.mark.parametrize("turn", [True, False])
def test_it_loops_and_shows_what_the_camera_looks_at(
    tmp_path: Path, like: View, turn: bool
) -> None:
    file = tmp_path / "previews" / "turntable.gif"
    assert draw_turntable(truth(), CAMERA, like, file, turn=turn)
    with Image.open(file) as made:
        assert made.size == (48, 38)
        assert 2 <= made.n_frames <= FRAMES  # frames that are alike are one, shown longer
        assert made.info["loop"] == 0
        colours = made.convert("RGB").getcolors(10_000)
    assert colours is not None
    assert len(colours) > 5


def test_the_middle_of_every_view_is_what_the_camera_looks_at(like: View) -> None:
    for view in turntable._views(CAMERA, like, turn=True):
        at = view.viewmat[:3, :3] @ torch.tensor(CAMERA.look_at) + view.viewmat[:3, 3]
        assert torch.allclose(at[:2], torch.zeros(2), atol=1e-5)
        assert at[2] > 0  # before the camera
        assert float(view.viewmat[1, 2]) < 0  # up is up: y of a picture goes down


def test_a_machine_that_is_too_slow_makes_none(tmp_path: Path, like: View) -> None:
    ticks = iter(range(0, 10_000, 15))
    file = tmp_path / "turntable.gif"
    assert not draw_turntable(truth(), CAMERA, like, file, turn=True, clock=lambda: next(ticks))
    assert not file.exists()


def test_whatever_fails_in_it_fails_nothing_else(
    tmp_path: Path, like: View, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("no memory")

    monkeypatch.setattr(turntable, "rendered", broken)
    assert not draw_turntable(truth(), CAMERA, like, tmp_path / "t.gif", turn=True)

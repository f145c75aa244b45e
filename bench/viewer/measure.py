"""One page load in a throttled browser: pictures as they appeared, frames, memory, bytes."""

from __future__ import annotations

import base64
import io
import math
import os
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from playwright.sync_api import Browser, CDPSession, Page

#: Megabits a second and milliseconds of the line; the picture, and how wide frames of it are kept.
MBIT, LATENCY = 20, 20
WIDTH, HEIGHT, KEPT = 640, 360, 640
#: The part of the picture that no viewer puts its controls over: left, top, right, bottom.
FREE = (0.35, 0.16, 0.95, 0.46)
#: dB to the complete picture. A picture is of use when it is as near to it as a good splat is to a
#: photo that was held out (23 dB is what the demo must reach); it is complete when nobody sees a
#: difference. A scene that is not there yet is 8 to 15 dB away.
USEFUL, COMPLETE = 23.0, 38.0
#: Seconds without a change after which nothing more is expected, and at most.
QUIET, PATIENCE = 8.0, 150.0
#: Standard deviation of the values of a picture that shows more than a background.
SCENE = 20.0
DRAG_SECONDS = 12.0

WATCH = """
(() => {
  const marks = { frames: [], drawn: [], tasks: [] };
  window.__marks = marks;
  window.firstFrame = () => { window.__first = true; }; // supersplat-viewer calls it
  let drew = false;
  for (const type of ['WebGLRenderingContext', 'WebGL2RenderingContext'])
    for (const what of ['Arrays', 'Elements', 'ArraysInstanced', 'ElementsInstanced']) {
      const methods = window[type]?.prototype ?? {}, name = 'draw' + what, original = methods[name];
      if (original)
        methods[name] = function (...a) { drew = true; return original.apply(this, a); };
    }
  new PerformanceObserver((list) => {
    for (const e of list.getEntries()) marks.tasks.push([e.startTime, e.duration]);
  }).observe({ type: 'longtask', buffered: true });
  const step = (now) => {
    marks.frames.push(now);
    if (drew) marks.drawn.push(now);
    drew = false;
    requestAnimationFrame(step);
  };
  requestAnimationFrame(step);
})();
"""


@dataclass(frozen=True)
class Load:
    """What one load took. Seconds from the navigation's start; milliseconds; megabytes.

    NaN is what never came: the picture of a viewer that showed none, or a paint without contents.
    """

    useful: float
    complete: float
    longest_frame: float
    longest_task: float
    frame_time: float
    frame_p95: float
    script_kb: float
    sent_mb: float
    memory_peak: float
    memory_end: float
    first_paint: float


def load(browser: Browser, address: str, ready: str, pictures: Path) -> Load:
    """Open an address in a fresh context; `ready` is JavaScript that tells when all is there."""
    context = browser.new_context(viewport={"width": WIDTH, "height": HEIGHT})
    page = context.new_page()
    page.add_init_script(WATCH)
    cdp = context.new_cdp_session(page)
    sent = _throttle(cdp)
    frames = _record(cdp)
    with Memory() as memory:
        page.goto(address, wait_until="commit")
        shown = _wait(page, ready, frames)
        peak, end = memory.peak, memory.now()
    cdp.send("Page.stopScreencast")
    origin = page.evaluate("performance.timeOrigin") / 1000
    shots = [(at - origin, picture) for at, picture in frames if at > origin]
    useful, complete = _milestones(shots, pictures) if shown else (math.nan, math.nan)
    marks = page.evaluate("window.__marks")
    paint = page.evaluate(
        "performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? null"
    )
    times = _drag(page)
    context.close()
    until = 1000 * complete if shown else math.inf
    loading = [t for t in marks["frames"] if t <= until]
    return Load(
        useful=useful,
        complete=complete,
        longest_frame=max(np.diff([0.0, *loading]), default=0.0),
        longest_task=max((d for at, d in marks["tasks"] if at <= until), default=0.0),
        frame_time=float(np.mean(times)),
        frame_p95=float(np.percentile(times, 95)),
        script_kb=sent["Script"] / 1e3,
        sent_mb=sum(sent.values()) / 1e6,
        memory_peak=peak,
        memory_end=end,
        first_paint=math.nan if paint is None else paint / 1000,
    )


def _throttle(cdp: CDPSession) -> dict[str, float]:
    """Slow the line down; return a table of the bytes that come, by type, which fills up."""
    sent: dict[str, float] = {"Script": 0.0}
    kinds: dict[str, str] = {}
    cdp.on("Network.responseReceived", lambda e: kinds.__setitem__(e["requestId"], e["type"]))

    def finished(event: dict[str, Any]) -> None:
        kind = kinds.get(event["requestId"], "Other")
        sent[kind] = sent.get(kind, 0.0) + event["encodedDataLength"]

    cdp.on("Network.loadingFinished", finished)
    cdp.send("Network.enable")
    rate = MBIT * 1e6 / 8
    line = {"latency": LATENCY, "downloadThroughput": rate, "uploadThroughput": rate}
    cdp.send("Network.emulateNetworkConditions", {"offline": False, **line})
    return sent


def _record(cdp: CDPSession) -> list[tuple[float, bytes]]:
    """Keep every picture that appears, with the Unix time at which it came here.

    The time that the browser gives it is that of its commands, not of its pixels: a million
    Gaussians in one draw call were finished, by a fence after it, 3.9 s later, when they came here.
    """
    frames: list[tuple[float, bytes]] = []

    def frame(event: dict[str, Any]) -> None:
        frames.append((time.time(), base64.b64decode(event["data"])))
        cdp.send("Page.screencastFrameAck", {"sessionId": event["sessionId"]})

    cdp.on("Page.screencastFrame", frame)
    size = {"maxWidth": KEPT, "maxHeight": KEPT}
    cdp.send("Page.startScreencast", {"format": "jpeg", "quality": 90, "everyNthFrame": 1, **size})
    return frames


def _wait(page: Page, ready: str, frames: list[tuple[float, bytes]]) -> bool:
    """Wait until the viewer says that all is there, and then until a picture of it stands still.

    Return whether it does: after `PATIENCE` nothing more is waited for.
    """
    page.wait_for_function(ready, timeout=1000 * PATIENCE)
    start = time.monotonic()
    while time.monotonic() - start < PATIENCE:
        seen = len(frames)
        page.wait_for_timeout(1000 * QUIET)
        still = len(frames) == seen or time.monotonic() - start > 3 * QUIET
        if still and frames and _seen(frames[-1][1]).std() > SCENE:
            return True
    return False


def _milestones(shots: list[tuple[float, bytes]], pictures: Path) -> tuple[float, float]:
    """Return when a useful picture was first there, and from when on it was complete."""
    final = _seen(shots[-1][1])
    likeness = [(at, _psnr(_seen(data), final)) for at, data in shots]
    pictures.with_name(f"{pictures.name}.txt").write_text(
        "".join(f"{a:.3f} {p:.1f}\n" for a, p in likeness)
    )
    first = next(i for i, (_, psnr) in enumerate(likeness) if psnr >= USEFUL)
    pictures.with_name(f"{pictures.name} useful.jpg").write_bytes(shots[first][1])
    pictures.with_name(f"{pictures.name} complete.jpg").write_bytes(shots[-1][1])
    short = [i for i, (_, psnr) in enumerate(likeness) if psnr < COMPLETE]
    return likeness[first][0], likeness[short[-1] + 1 if short else 0][0]


def _seen(data: bytes) -> NDArray[np.float64]:
    image = Image.open(io.BytesIO(data)).convert("RGB")
    left, top, right, bottom = FREE
    w, h = image.size
    return np.asarray(
        image.crop((int(left * w), int(top * h), int(right * w), int(bottom * h))), float
    )


def _psnr(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    if a.shape != b.shape:
        return 0.0
    return float(10 * np.log10(255**2 / max(np.mean((a - b) ** 2), 1e-3)))


def _drag(page: Page) -> list[float]:
    """Turn the scene by hand; return the milliseconds between frames that were drawn."""
    page.evaluate("window.__marks.drawn.length = 0")
    x, y = WIDTH / 2, HEIGHT / 2
    page.mouse.move(x, y)
    page.mouse.down()
    start, i = time.monotonic(), 0
    while time.monotonic() - start < DRAG_SECONDS:
        i += 1
        page.mouse.move(x + 4 * (i % 60 if i // 60 % 2 == 0 else 60 - i % 60), y)
        page.wait_for_timeout(16)
    page.mouse.up()
    drawn = page.evaluate("window.__marks.drawn")
    between = [float(t) for t in np.diff(drawn)][1:]
    return between or [
        1000 * DRAG_SECONDS / max(1, len(drawn))
    ]  # two frames, or none, in all the time


class Memory:
    """Megabytes of this process's browsers: the pages and the process that draws for them."""

    def __init__(self) -> None:
        self.peak = 0.0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Memory:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._over.wait(0.2):
            self.peak = max(self.peak, self.now())

    def now(self) -> float:
        """Return the proportional set size of all renderers and GPU processes below us."""
        return sum(_pss(pid) for pid in _descendants(os.getpid()) if _draws(pid)) / 1024


def _descendants(of: int) -> set[int]:
    parents = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parents[int(entry.name)] = int(
                    (entry / "stat").read_text().rsplit(")", 1)[1].split()[1]
                )
            except (OSError, IndexError):
                continue
    found, new = {of}, {of}
    while new:
        new = {pid for pid, parent in parents.items() if parent in new} - found
        found |= new
    return found


def _draws(pid: int) -> bool:
    try:
        command = Path(f"/proc/{pid}/cmdline").read_text()
    except OSError:
        return False
    return "--type=renderer" in command or "--type=gpu-process" in command


def _pss(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("Pss:")), 0)

"""What exists in the simulated DigitalOcean, and what goes wrong there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

NOTHING = "nothing"


@dataclass(frozen=True)
class Size:
    """A kind of droplet. `regions` are those that have it in stock."""

    slug: str
    price: float
    regions: tuple[str, ...]
    vram: int = 0
    gpus: int = 0
    model: str = ""
    available: bool = True


#: Prices and regions as the public list had them in 2025, with sold-out sizes as seen on one day.
SIZES = (
    Size("s-1vcpu-1gb", 0.00893, ("ams3", "nyc3", "tor1")),
    Size("gpu-4000adax1-20gb", 0.76, (), 20, 1, "nvidia_rtx4000_ada"),
    Size("gpu-l40sx1-48gb", 1.57, (), 48, 1, "nvidia_l40s"),
    Size("gpu-6000adax1-48gb", 1.57, ("tor1",), 48, 1, "nvidia_rtx6000_ada"),
    Size("gpu-mi300x1-192gb", 1.99, ("atl1",), 192, 1, "amd_mi300x"),
    Size("gpu-h100x1-80gb", 3.39, ("nyc2", "tor1"), 80, 1, "nvidia_h100"),
    Size("gpu-h200x1-141gb", 3.44, ("atl1", "nyc2"), 141, 1, "nvidia_h200"),
    Size("gpu-h100x8-640gb", 23.92, ("nyc2", "tor1"), 640, 8, "nvidia_h100"),
)


@dataclass
class Droplet:
    """A droplet, from the moment from which it is billed. Times are Unix seconds."""

    id: int
    name: str
    size: Size
    region: str
    tags: tuple[str, ...]
    user_data: str
    volumes: tuple[str, ...]
    created_at: float
    visible_at: float
    active_at: float
    destroy_asked_at: float | None = None
    gone_at: float | None = None


@dataclass
class Volume:
    """A volume. `locked_until`: an action is going on."""

    id: str
    name: str
    region: str
    size_gb: int
    created_at: float
    droplet_id: int | None = None
    locked_until: float = 0.0


@dataclass(frozen=True)
class Fault:
    """One request of this kind goes wrong.

    `before`: it is not carried out; `after`: it is, but the answer is another.
    `what`: a status (429, 500, 503), `drop` (the connection ends without an answer),
    `hang` (no answer until the caller gives up), `refuse` (no connection), `garbage`.
    `late`: seconds after which the request is carried out although the caller got nothing.
    """

    method: str
    path: str
    what: str
    moment: str = "before"
    late: float = 0.0


@dataclass
class World:
    """The account: everything on it, and a log of what existed when.

    `slow` are the delays, in seconds: until a droplet is seen, is active, is really gone.
    """

    clock: Callable[[], float]
    token: str = "dop_v1_simulated"
    sizes: list[Size] = field(default_factory=lambda: list(SIZES))
    gpu_limit: int = 10
    unseen: float = 0.0
    booting: float = 40.0
    dying: float = 20.0
    tag_lists_gpus: bool = True
    droplets: list[Droplet] = field(default_factory=list)
    volumes: list[Volume] = field(default_factory=list)
    ssh_keys: list[tuple[int, str, str]] = field(
        default_factory=lambda: [(7, "aa:bb:cc:dd", "surveyor@laptop")]
    )
    faults: list[Fault] = field(default_factory=list)
    requests: list[tuple[float, str, str]] = field(default_factory=list)
    late: list[tuple[float, Callable[[], object]]] = field(default_factory=list)
    on_boot: Callable[[Droplet], None] | None = None
    on_end: Callable[[Droplet], None] | None = None
    #: When what runs on a droplet heard that its job is cancelled, by the droplet's number.
    cancelled: dict[int, float] = field(default_factory=dict)

    def settle(self) -> None:
        """Let happen what is due: late creations, and the end of droplets."""
        now = self.clock()
        due = [(at, action) for at, action in self.late if at <= now]
        self.late = [(at, action) for at, action in self.late if at > now]
        for _, action in sorted(due, key=lambda entry: entry[0]):
            action()
        for droplet in self.existing():
            asked = droplet.destroy_asked_at
            if asked is not None and asked + self.dying <= now:
                if self.on_end:
                    self.on_end(droplet)
                droplet.gone_at = asked + self.dying
                for volume in self.volumes:
                    if volume.droplet_id == droplet.id:
                        volume.droplet_id = None

    def existing(self, *, gpus: bool | None = None) -> list[Droplet]:
        """Return what exists and is billed, whether a request sees it or not."""
        alive = [d for d in self.droplets if d.gone_at is None]
        return [d for d in alive if gpus is None or bool(d.size.gpus) is gpus]

    def seen(self) -> list[Droplet]:
        """Return what requests see."""
        return [d for d in self.existing() if d.visible_at <= self.clock()]

    def create(
        self,
        name: str,
        size: Size,
        region: str,
        *,
        tags: tuple[str, ...] = (),
        user_data: str = "",
        volumes: tuple[str, ...] = (),
    ) -> Droplet:
        """Create a droplet; it is billed from now on."""
        now = self.clock()
        droplet = Droplet(
            1000 + len(self.droplets), name, size, region, tags, user_data, volumes,
            now, now + self.unseen, now + self.booting,
        )  # fmt: skip
        self.droplets.append(droplet)
        for volume in self.volumes:
            if volume.id in volumes:
                volume.droplet_id = droplet.id
        if self.on_boot:
            self.on_boot(droplet)
        return droplet

    def fault(self, method: str, path: str) -> Fault | None:
        """Take the first fault that waits for such a request."""
        for fault in self.faults:
            if fault.method == method and path.startswith(fault.path):
                self.faults.remove(fault)
                return fault
        return None

    # -- for the tests to look at ----------------------------------------------------------------

    def most_at_once(self, tag: str) -> int:
        """Return the most GPU droplets with a tag that existed at the same moment, ever."""
        ours = [d for d in self.droplets if tag in d.tags and d.size.gpus]
        lives = [(d.created_at, d.gone_at or float("inf")) for d in ours]
        return max((sum(a <= begin < b for a, b in lives) for begin, _ in lives), default=0)

    def creates(self) -> int:
        """Return how many create requests arrived."""
        return sum((method, path) == ("POST", "/v2/droplets") for _, method, path in self.requests)

    def cost(self) -> float:
        """Return what all droplets have cost until now, dollars."""
        now = self.clock()
        return sum(((d.gone_at or now) - d.created_at) / 3600 * d.size.price for d in self.droplets)

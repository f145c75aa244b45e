"""What people read about photos that were looked at before a job: GPS, overlap, blur, losses."""

from __future__ import annotations

from collections.abc import Sequence

from bot.slack.wording import escape, seconds
from bot.storage.flight import Doubt, Flight
from bot.storage.found import Found
from gpu.job import MIN_PHOTOS
from gpu.job.captures import left_out

#: Below these parts photos of a flight may not connect: within a line, and from line to line.
SPARSE_ALONG, SPARSE_ACROSS = 0.65, 0.5
#: Photos below which more are better.
FEW = 20


def lines(found: Found) -> list[str]:
    """Say what is known of a dataset's photos, one thing a line."""
    lost = left_out(found.unread)
    said = [f":warning: {lost}"] if lost else []
    if found.looked_at:
        said += [f"*GPS:* {_gps(found)}", f"*Overlap:* {_overlap(found)}"]
    if found.opened:
        said.append(f"*Sharpness:* {_sharpness(found)}")
    return said


def _gps(found: Found) -> str:
    if not found.gps:
        return "none, so the splat has no metres, and north is anywhere."
    if found.doubt:
        return f"in {_carriers(found)}, but {_doubt(found.doubt)}"
    if found.gps == found.looked_at:
        return f"in {_carriers(found)}, and believable: the splat should be in metres, north up."
    return f"in {_carriers(found)}; where it fits the cameras, the splat is in metres."


def _carriers(found: Found) -> str:
    if found.gps < found.looked_at:
        return f"{found.gps} of {found.looked_at} photos"
    return "every photo" if found.gps == found.photos else f"all of {found.looked_at} looked at"


def _doubt(doubt: Doubt) -> str:
    match doubt.kind:
        case "one place":
            return "all say the very same place, so the splat has no metres."
        case "close":
            return (
                f"all within {doubt.metres:.0f} m, little more than it is wrong by: the splat may"
                " have no metres."
            )
        case "wild":
            who = "1 photo is" if doubt.photos == 1 else f"{doubt.photos} photos are"
            return f"{who} up to {doubt.metres / 1000:,.0f} km from the others: is it one place?"
        case _:
            return (
                f"not believable, since its altitudes drift by {doubt.metres:.0f} m: it is used"
                " only if it fits the cameras."
            )


def _overlap(found: Found) -> str:
    """How much neighbours share; a guess of a flight, and of others only their rhythm."""
    if found.flight:
        return _flight(found.flight)
    rhythm = f" One was taken about every {seconds(found.every)}." if found.every else ""
    told = "photos tell it only where they say from what height they look down, as a drone's do"
    return f"not known: {told}.{rhythm}"


def _flight(flight: Flight) -> str:
    ground = flight.ground
    size = f"{ground / 10_000:.1f} ha" if ground >= 5_000 else f"{round(ground, -2):,.0f} m²"
    across = f", {flight.across:.0%} with the next line" if flight.across is not None else ""
    return (
        f"some {flight.along:.0%} with the next photo{across}; about {size} from"
        f" {flight.height:.0f} m up."
    )


def _sharpness(found: Found) -> str:
    sharp = found.opened - len(found.unreadable)
    said = []
    if found.blurred:
        of = f"the {sharp} that were opened" if found.opened < found.photos else sharp
        said.append(f"{len(found.blurred)} of {of} may be blurred ({some(found.blurred)}).")
    elif sharp:
        looked = "all" if sharp == found.photos else f"{sharp} were opened and"
        said.append(f"{looked} look sharp." if sharp > 1 else "1 photo tells nothing.")
    if found.unreadable:
        names = some(found.unreadable)
        said.append(f"{len(found.unreadable)} can not be read here ({names}).")
    return " ".join(said)


def some(names: Sequence[str], most: int = 3) -> str:
    """Name a few files."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(f"`{escape(name)[-60:]}`" for name in names[:most]) + more


def advice(found: Found) -> str:
    """What would make more of these photos; empty when nothing would."""
    said = []
    if 0 < found.photos < FEW and not found.videos:
        if found.photos < MIN_PHOTOS:
            said.append("A splat needs three photos at least.")
        said.append(f"{FEW} photos or more make a good splat; two thirds of each in the next one.")
    if found.flight and _is_sparse(found.flight):
        said.append(
            "That is little overlap: three quarters of each photo should be in the next one, and"
            " two thirds in those of the next line."
        )
    if 0 < found.looked_at < found.photos:
        said.append(f"This was said of {found.looked_at} of them.")
    if found.videos:
        said.append("Of a video the sharpest frames are taken, wherever the picture has moved on.")
    return " ".join(said)


def _is_sparse(flight: Flight) -> bool:
    across = flight.across if flight.across is not None else 1.0
    return flight.along < SPARSE_ALONG or across < SPARSE_ACROSS

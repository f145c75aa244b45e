"""How much a long job says, and how soon its end is told."""

from collections.abc import Iterator, Mapping

import pytest

from bot.service import DRAIN, TICK
from gpu.job import Stage, Status
from tests.slack.conftest import FIGURES, PICTURE, Bot, closing, replies

#: Minutes that the stages of a long job on a droplet take, and the pictures that each sends; they
#: are those of gpu/: the contact sheet, the cameras, PICTURES while training, and so on.
LONG_JOB: dict[Stage, tuple[float, list[str]]] = {
    Stage.PREPARE: (2.0, []),
    Stage.FETCH: (2.0, []),
    Stage.PREPROCESS: (1.0, ["previews/photos.jpg"]),
    Stage.GEOMETRY: (12.0, ["previews/geometry.jpg"]),
    Stage.TRAIN: (16.0, [f"previews/train{n}.jpg" for n in ("-1", "-2", "-3", "")]),
    Stage.DESCEND: (4.0, ["previews/descend.jpg"]),
    Stage.COMPRESS: (2.0, ["previews/turntable.gif"]),
    Stage.PUBLISH: (1.0, []),
}

#: Seconds between two words of a machine that is at work, and between two passes of the outbox.
#: The service's passes are shorter: of no matter here, where edits are 3 and 12 s apart.
WORD, PASS = 1.5, 1.5


def test_a_job_of_forty_minutes_edits_fewer_than_250_times_and_replies_fewer_than_15(
    bot: Bot,
) -> None:
    bot.pictures = {name: PICTURE for _, each in LONG_JOB.values() for name in each}
    bot.start()
    begun = bot.clock()
    for seq, (stage, word, words, pictures) in enumerate(said_in(LONG_JOB), start=1):
        status = Status.DONE if word == words else Status.PROGRESS
        more = {"fraction": word / words, "message": f"Step {word}", "pictures": pictures}
        bot.tell(seq, stage, status, **more)
        bot.drain(PASS, step=PASS)
    bot.ledger.succeed("a", viewer_url="http://v", manifest_url="http://m")
    bot.drain()
    assert bot.clock() - begun >= 40 * 60
    edits, said = len(bot.slack.calls("chat.update")), len(replies(bot))
    assert 150 < edits < 250
    assert len(closing(bot)) == 1
    assert len(LONG_JOB) < said < 15


Words = Iterator[tuple[Stage, int, int, tuple[str, ...]]]


def said_in(job: Mapping[Stage, tuple[float, list[str]]]) -> Words:
    """Yield stage, number of the word and of all its words, and the picture that comes with it."""
    for stage, (minutes, pictures) in job.items():
        words = round(minutes * 60 / WORD)
        shown = {round((n + 1) * words / len(pictures)): p for n, p in enumerate(pictures)}
        for word in range(1, words + 1):
            yield stage, word, words, (shown[word],) if word in shown else ()


@pytest.mark.parametrize("phase", [0.0, 0.13, 0.25, 0.38, 0.49])
@pytest.mark.parametrize("noticed", [0.0, TICK])
def test_a_jobs_end_is_told_within_two_seconds_of_its_last_word(
    bot: Bot, phase: float, noticed: float
) -> None:
    """Wherever it falls between two passes, and however late the dispatcher sees it."""
    bot.start()
    bot.clock.move(10)
    bot.outbox.drain()
    said = bot.clock() + phase
    passes = [bot.clock() + DRAIN * n for n in range(1, 10)]
    bot.clock.move(phase)
    bot.tell(1, Stage.PUBLISH, Status.DONE, metrics={"seconds": 1.0, **FIGURES})
    over = False
    for due in passes:
        if not over and said + noticed <= due:
            bot.ledger.succeed("a", viewer_url="http://v", manifest_url="http://m")
            over = True
        bot.clock.move(due - bot.clock())
        bot.outbox.drain()
        if closing(bot):
            break
    assert bot.clock() - said < 2.0

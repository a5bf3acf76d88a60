"""The process that learns: it publishes what the workers have journalled, and looks back for the dashboard.

It is apart from the workers so that nobody waits for it, and yields to them (``nice``).
"""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
from pathlib import Path
from time import monotonic

import msgspec

from ltrr_cli.core.errors import LockedError, LtrrError
from ltrr_cli.engine.state import State
from ltrr_cli.evaluation.report_sections import dashboard as report
from ltrr_cli.learning.publish import learn_new
from ltrr_cli.serving.dashboard import SEARCHES, keep_look_back
from ltrr_cli.serving.worker import begin_logging, watch_lifeline
from ltrr_cli.workspace.maintenance import gc
from ltrr_cli.workspace.status import status

LOG = logging.getLogger("ltrr.serve")
NICE = 10
KEPT = 2  # generations before the current one
PAUSE = 0.5  # seconds between two looks whether it is to end


class LearnerOptions(msgspec.Struct, frozen=True):
    """What the parent tells the learner."""

    home: str
    lifeline: int
    verbose: bool = False


def run(options: LearnerOptions) -> None:
    """Learn whenever something is new, at most every ``serve.learn_every`` seconds, until a signal."""
    begin_logging(verbose=options.verbose)
    os.nice(NICE)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    watch_lifeline(options.lifeline)
    state = State(Path(options.home))
    settings, last, looked = state.settings.serve, monotonic(), 0.0
    while not stop.wait(PAUSE):
        if monotonic() - looked >= (settings.report_every if looked else 0.0):
            looked = monotonic()
            look_back(state)
        if monotonic() - last >= settings.learn_every:
            last = monotonic()
            try:
                publish_new(state)
            except LtrrError as error:  # the journal keeps everything: the next turn learns it
                LOG.error("%s: %s", type(error).__name__, error)


def publish_new(state: State) -> int | None:
    """Publish what is new, and remove old generations; return the number. None: nothing was, or somebody else does."""
    try:
        number = learn_new(state, "serve")
    except LockedError:
        return None
    if number is not None:
        gc(state, KEPT)
        LOG.info("learned generation %d", number)
    return number


def look_back(state: State) -> None:
    """Write the look back for the dashboard where somebody has acted on a page; a failure leaves the one there is."""
    if not state.journal.counts().events:
        return
    try:
        keep_look_back(state.home, report(state, status(state).facts(), SEARCHES))
    except LtrrError as error:
        LOG.error("no look back: %s: %s", type(error).__name__, error)


if __name__ == "__main__":
    run(msgspec.json.decode(sys.argv[1], type=LearnerOptions))

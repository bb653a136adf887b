"""Says on a live figure that it computes, once an update takes long."""

import math
import threading
import time

import torch

from hyperedu.figures.surface import Surface

PATIENCE = 0.15  # seconds that an update may take before the figure says so
LOOKS = 5  # times that it is looked at in these
RESTS = 2.0  # seconds without an update after which nobody looks any more


class Busy:
    """`with busy:` an update. Another thread says that it takes long, since the figure's own is at work.

    Torch has one thread meanwhile: its others spin for a while after each use, on cores that the browser needs.
    The thread lives as long as a hand moves the figure: to start one for each frame costs milliseconds beside a busy browser.
    """

    def __init__(self, surface: Surface):
        self.surface, self.lock = surface, threading.Lock()
        self.begun: float | None = None  # when the update that runs has begun
        self.used = 0.0
        self.looked_at = False

    def __enter__(self) -> None:
        with self.lock:
            self.begun = self.used = time.monotonic()
            begins, self.looked_at = not self.looked_at, True
        self.threads = torch.get_num_threads()
        torch.set_num_threads(1)
        if begins:
            threading.Thread(target=self._look, daemon=True).start()

    def __exit__(self, *_) -> None:
        torch.set_num_threads(self.threads)
        with self.lock:  # nothing is said after it
            self.begun = None
        self.surface.busy = False

    def close(self) -> None:
        """Nobody looks any more: what a figure holds is freed when it is closed, not some time after."""
        with self.lock:
            self.used = -math.inf

    def _look(self) -> None:
        while True:
            time.sleep(PATIENCE / LOOKS)
            with self.lock:
                now = time.monotonic()
                if self.begun is not None and now - self.begun > PATIENCE:
                    self.surface.busy = True
                elif self.begun is None and now - self.used > RESTS:
                    self.looked_at = False
                    return

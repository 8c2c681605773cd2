"""Progress of a long transfer: a bar on a terminal, a line for each tenth in a log, nothing with
--json."""

import sys
import time

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn


class Show:
    """say(text) prints a line; bar(title, done, total) moves the bar of a title. Everything goes to
    standard error when standard output is for a program (`quiet`: nothing at all but `note`)."""

    def __init__(self, json=False, verbose=False, stream=None):
        self._console = Console(stderr=json, file=stream, highlight=False, soft_wrap=True)
        self._quiet = json
        self._verbose = verbose
        self._live = None
        self._title = None
        self._task = None
        self._tenth = -1
        self._begin = time.monotonic()

    def say(self, text):
        if not self._quiet:
            self.end()
            self._console.print(text, markup=False)

    def note(self, text):
        """Something that a person should see in any case."""
        self.end()
        self._console.print("note: " + text, markup=False)

    def detail(self, text):
        if self._verbose and text.strip():
            self.end()
            self._console.print("    " + text.strip(), markup=False)

    def bar(self, title, done, total):
        if self._quiet or not total:
            return
        if title != self._title:
            self.end()
            self._title, self._tenth = title, -1
            if self._console.is_terminal:
                columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
                self._live = Progress(*columns, console=self._console)
                self._live.start()
                self._task = self._live.add_task(title, total=total)
        if self._live:
            self._live.update(self._task, completed=done)
            return
        tenth = done * 10 // total
        if tenth > self._tenth:
            self._tenth = tenth
            self._console.print("%s %3d %%  (%d of %d bytes)" % (title, tenth * 10, done, total), markup=False)

    def end(self):
        """The bar that runs is over."""
        if self._live:
            self._live.stop()
        self._live = self._title = None

    @property
    def seconds(self):
        return round(time.monotonic() - self._begin, 1)


def stderr(text):
    print(text, file=sys.stderr)

"""Drives one `punch-sim reader` process for a peer's story."""

import json
import os
import queue
import signal
import subprocess
import sys
import tempfile
import threading

# A story that takes longer than this hangs (seconds).
STORY_MAX = 120
# punch-sim answers a line within this (seconds).
ANSWER_MAX = 10


class Sim:
    """A running simulated reader; `link` is the port to open."""

    def __init__(self, protocol, *options):
        signal.alarm(STORY_MAX)
        self._folder = tempfile.TemporaryDirectory()
        self.link = os.path.join(self._folder.name, "reader")
        self._process = subprocess.Popen(
            [sys.argv[1], "reader", protocol, "--link", self.link, *options],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self._answers = queue.Queue()
        self.host_wrote = []
        threading.Thread(target=self._listen, daemon=True).start()
        assert self._answers.get(timeout=ANSWER_MAX)["ready"] is True

    def _listen(self):
        for line in self._process.stdout:
            told = json.loads(line)
            if "host" in told:
                self.host_wrote.append(told)
            else:
                self._answers.put(told)

    def tell(self, line):
        """Says a line and waits until it was obeyed."""
        told = self.ask(line)
        assert told["ok"], told

    def ask(self, line):
        """Says a line and gives the answer."""
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()
        return self._answers.get(timeout=ANSWER_MAX)

    def end(self):
        """Ends the input: the program ends well and takes its link away."""
        self._process.stdin.close()
        assert self._process.wait(ANSWER_MAX) == 0
        assert not os.path.lexists(self.link)

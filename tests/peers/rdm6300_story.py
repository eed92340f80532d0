"""PyPI rdm6300 reads badges from `punch-sim reader em4100`. Argument: the path of punch-sim."""

import fcntl
import os
import struct
import termios
import time

import rdm6300
from punchsim import Sim
from serial import SerialException

# Published frames and the number printed on the card, or told with the frame: the low four bytes in decimal.
BADGES = {
    "67003B51C6": (0x67, 3887558),
    "67003BA86C": (0x67, 3909740),
    "67003BA867": (0x67, 3909735),
    "6F007B3972": (0x6F, 8075634),
    "010063E9AE": (0x01, 6547886),
    "3C00CE754C": (0x3C, 13530444),
    "4500C5D1E9": (0x45, 12964329),
    "100086F444": (0x10, 8844356),
    "0C000621A5": (0x0C, 401829),
    "62E3086CED": (0x62, 3808980205),
}
# Wait for a badge that must come, and for one that must not (seconds).
PATIENCE, SILENCE = 10, 0.5
# Whether the terminal is kept by one host for itself (Linux, asm-generic/ioctls.h; not in Python's termios).
TIOCGEXCL = 0x80045440


class Held(rdm6300.BaseReader):
    """Counts how often a badge comes and goes."""

    inserted = removed = 0

    def card_inserted(self, card):
        self.inserted += 1

    def card_removed(self, card):
        self.removed += 1
        self.stop()

    def tick(self):
        assert time.monotonic() < self.deadline


def expect(reader, badge):
    card = reader.read(PATIENCE)
    assert card is not None, badge
    assert (card.type, card.value) == BADGES[badge], (badge, card)


def killed_host(sim):
    """A host that dies while it keeps the port for itself keeps nobody out for long."""
    port = os.open(sim.link, os.O_RDWR | os.O_NOCTTY)
    fcntl.ioctl(port, termios.TIOCEXCL)
    deadline = time.monotonic() + PATIENCE
    while struct.unpack("i", fcntl.ioctl(port, TIOCGEXCL, bytes(4)))[0]:
        assert time.monotonic() < deadline, "the port stays closed to others"
    os.close(port)


def main():
    sim = Sim("em4100")
    reader = rdm6300.Reader(sim.link)
    for badge in BADGES:
        sim.tell(f"badge {badge}")
        expect(reader, badge)

    first, second = list(BADGES)[:2]
    for distortion in ["corrupt", "truncate"]:
        sim.tell(distortion)
        sim.tell(f"badge {first}")
        assert reader.read(SILENCE) is None, distortion
        sim.tell(f"badge {second}")
        expect(reader, second)
    for beginning in ["split", "noise 40"]:
        sim.tell(beginning)
        sim.tell(f"badge {first}")
        expect(reader, first)
    reader.close()

    killed_host(sim)
    held = Held(sim.link, heartbeat_interval=0.5)
    held.deadline = time.monotonic() + PATIENCE
    sim.tell(f"badge {first}")
    sim.tell("hold 1500ms")
    held.start()
    assert (held.inserted, held.removed) == (1, 1), "a held badge comes once and goes once"
    held.close()

    reader = rdm6300.Reader(sim.link)
    sim.tell("unplug")
    try:
        reader.read(PATIENCE)
        raise AssertionError("an unplugged reader fails the read")
    except (SerialException, OSError):
        pass
    sim.tell("plug")
    reader = rdm6300.Reader(sim.link)
    sim.tell(f"badge {second}")
    expect(reader, second)
    reader.close()
    sim.end()


main()

"""PyPI pyfingerprint works with `punch-sim reader ef01`. Argument: the path of punch-sim."""

import sys
import types

from serial import SerialException

# pyfingerprint imports Pillow to save images of fingers; none is taken here.
sys.modules["PIL"] = types.ModuleType("PIL")
sys.modules["PIL"].Image = None

from punchsim import Sim  # noqa: E402
from pyfingerprint.pyfingerprint import PyFingerprint  # noqa: E402

NOT_FOUND = (-1, -1)
PASSWORD = 0x1234ABCD
ADDRESS = 0x12345678


def module(sim, password=0, address=0xFFFFFFFF):
    return PyFingerprint(sim.link, 57600, address, password)


def fails(verb, with_words):
    try:
        verb()
    except Exception as error:  # the peer raises nothing more precise
        assert with_words in str(error), error
        return
    raise AssertionError(f"expected: {with_words}")


def capture(finger, buffer=1):
    assert finger.readImage()
    assert finger.convertImage(buffer)


def search(finger):
    capture(finger)
    return finger.searchTemplate()


def settings(finger):
    assert finger.verifyPassword()
    assert finger.getStorageCapacity() == 200
    assert finger.getSecurityLevel() == 3
    assert finger.getMaxPacketSize() == 128
    assert finger.getBaudRate() == 57600
    assert finger.generateRandomNumber() != finger.generateRandomNumber()


def enrol(sim, finger):
    assert finger.getTemplateCount() == 0
    assert not finger.readImage(), "no finger"
    sim.tell("finger new 3")
    assert search(finger) == NOT_FOUND
    capture(finger, 2)
    assert finger.compareCharacteristics() > 100
    assert finger.createTemplate()
    assert finger.storeTemplate() == 0
    assert finger.getTemplateCount() == 1
    assert [slot for slot, taken in enumerate(finger.getTemplateIndex(0)) if taken] == [0]
    sim.tell("lift")
    assert not finger.readImage(), "lifted"


def identify(sim, finger):
    sim.tell("finger new 3")
    slot, score = search(finger)
    assert slot == 0 and score > 100
    sim.tell("finger none")
    assert search(finger) == NOT_FOUND
    sim.tell("finger smudged")
    assert finger.readImage()
    fails(finger.convertImage, "too messy")
    sim.tell("finger 7")
    assert search(finger)[0] == 7, "the finger of a slot as delivered"
    sim.tell("finger new 4")
    capture(finger)
    sim.tell("finger new 5")
    capture(finger, 2)
    assert finger.compareCharacteristics() == 0
    assert not finger.createTemplate(), "two fingers make no template"


def templates(sim, finger):
    assert finger.loadTemplate(0)
    template = finger.downloadCharacteristics()
    assert len(template) == 512
    assert finger.uploadCharacteristics(2, template)
    assert finger.storeTemplate(5, 2) == 5
    for size in [32, 64, 256, 128]:
        finger.setMaxPacketSize(size)
        assert finger.loadTemplate(5)
        assert finger.downloadCharacteristics() == template, size
        assert finger.uploadCharacteristics(2, template), size
    assert finger.deleteTemplate(0)
    sim.tell("finger new 3")
    assert search(finger)[0] == 5, "the template that went up and came down"
    assert finger.clearDatabase()
    assert finger.getTemplateCount() == 0
    assert search(finger) == NOT_FOUND
    sim.tell("finger 7")
    assert search(finger) == NOT_FOUND, "emptied by the host"


def refusals(sim, finger):
    sim.tell("corrupt")
    fails(finger.readImage, "checksum is wrong")
    sim.tell("split")
    assert finger.readImage()
    sim.tell("full")
    assert finger.getTemplateCount() == 200
    fails(finger.storeTemplate, "position number is invalid")
    sim.tell(f"password {PASSWORD:X}")
    fails(finger.readImage, "0x21")
    assert not finger.verifyPassword(), "wrong password"


def secrets(sim):
    finger = module(sim, PASSWORD)
    assert finger.verifyPassword()
    assert finger.setPassword(0)
    assert finger.setAddress(ADDRESS)
    finger = module(sim, 0, ADDRESS)
    assert finger.verifyPassword()
    sim.tell("unplug")
    try:
        finger.readImage()
        raise AssertionError("an unplugged module fails the read")
    except (SerialException, OSError):
        pass
    sim.tell("plug")
    assert module(sim, 0, ADDRESS).verifyPassword(), "the address outlives the power"


def main():
    sim = Sim("ef01")
    finger = module(sim)
    settings(finger)
    enrol(sim, finger)
    identify(sim, finger)
    templates(sim, finger)
    refusals(sim, finger)
    secrets(sim)
    heard = {wrote["instruction"] for wrote in sim.host_wrote}
    assert {"VfyPwd", "ReadSysPara", "GetImage", "Img2Tz", "RegModel", "Store", "Search", "Match", "UpChar", "DownChar",
            "Data", "LastData", "LoadChar", "Delete", "Empty", "SetSysPara", "TemplateNum", "ReadIndexTable"} <= heard, heard
    assert heard.isdisjoint({"stray bytes", "damaged packet"}), heard
    sim.end()


main()

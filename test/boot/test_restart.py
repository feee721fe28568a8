"""A machine whose firmware shows nothing is started anew once, which is told and counted."""
import pytest

import machine
from machine import SilentFirmware
from stories import IMAGE, expected


@pytest.fixture
def restarts(monkeypatch, tmp_path):
    monkeypatch.setattr(machine, "RESTARTS", tmp_path / "log/restarts")
    return tmp_path / "log/restarts"


def silent_once(monkeypatch, times):
    """The firmware of the first `times` machines shows nothing."""
    wait, silences = machine.Machine._wait_for_first_line, []

    def wait_or_not(self):
        if len(silences) < times:
            silences.append(self.process.pid)
            raise SilentFirmware("no first line in time")
        wait(self)

    monkeypatch.setattr(machine.Machine, "_wait_for_first_line", wait_or_not)
    return silences


def test_second_chance(boot, restarts, monkeypatch):
    silences = silent_once(monkeypatch, 1)
    with boot(IMAGE) as computer, pytest.warns(UserWarning, match="started anew: no first line in time"):
        computer.start()
        assert computer.process.pid not in silences
        computer.tells(expected())
    assert restarts.read_text() == "test_second_chance\n"


def test_no_third_chance(boot, restarts, monkeypatch):
    silent_once(monkeypatch, 2)
    with boot(IMAGE) as computer, pytest.warns(UserWarning), pytest.raises(SilentFirmware):
        computer.start()
    assert restarts.read_text() == "test_no_third_chance\n"

"""The scripts around the product: set-up, QEMU, sticks, debugging. Changes outside the tree are faked."""
import os
import re
import shutil
import subprocess
import sys
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path

import pytest

from places import BUILD, ROOT

IMAGE = ROOT / "image"
SETUP = ROOT / "setup.sh"
CLEAN = {name: value for name, value in os.environ.items()
         if not name.startswith(("MAKE", "MFLAGS")) and name not in ("GUI", "MEMORY", "CPU", "ACCEL", "QEMU", "SETUP")}


def run(*command, path=None, stdin="", cwd=ROOT, seconds=60, **environment):
    variables = CLEAN | environment | ({"PATH": str(path)} if path else {})
    return subprocess.run([str(word) for word in command], capture_output=True, text=True, input=stdin, cwd=cwd,
                          timeout=seconds, env=variables)


def script(path, *lines):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    path.write_text("\n".join(["#!/bin/bash", *lines, ""]))
    path.chmod(0o755)
    return path


# setup.sh

@pytest.fixture
def programs(tmp_path):
    """A PATH of this machine's programs but nasm, with an apt-get that notes its arguments and can install nasm."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for source in ("/usr/bin", "/bin", str(Path(shutil.which("node") or "/usr/bin/node").parent)):
        for entry in os.scandir(source):
            if entry.name != "nasm" and not (folder / entry.name).is_symlink():
                (folder / entry.name).symlink_to(entry.path)
    script(folder / "sudo", '[[ $1 == -n ]] && shift', 'exec "$@"')
    script(folder / "apt-get", f'printf "%s\\n" "$*" >>{tmp_path}/apt.log',
           f'[[ $* != *" install "* ]] || ln -s /usr/bin/true {folder}/nasm')
    return folder


def apt_log(tmp_path):
    log = tmp_path / "apt.log"
    return log.read_text().splitlines() if log.exists() else []


def test_setup_has_nothing_to_do_here():
    result = run(SETUP, "--check", "build", "run", "test")
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")


def test_setup_check_names_what_is_missing(programs, tmp_path):
    result = run(SETUP, "--check", "build", path=programs)
    assert result.returncode == 1
    assert result.stderr == "setup: missing, by the names of Debian's packages: nasm\n"
    assert apt_log(tmp_path) == []
    assert run(SETUP, "--check", "run", path=programs).returncode == 0  # nasm is not in that group


def test_setup_installs_once(programs, tmp_path):
    result = run(SETUP, "build", path=programs)
    assert result.returncode == 0 and "installing from Debian: nasm" in result.stderr
    update, install = apt_log(tmp_path)
    assert update.endswith(" update") and install.endswith(" install -y --no-install-recommends nasm")
    again = run(SETUP, "build", path=programs)
    assert (again.returncode, again.stderr) == (0, "") and len(apt_log(tmp_path)) == 2


def test_setup_says_when_installing_failed(programs, tmp_path):
    script(programs / "apt-get", "exit 100")
    result = run(SETUP, "build", path=programs)
    assert result.returncode == 1 and "apt-get could not install: nasm" in result.stderr


def test_setup_on_another_distribution(programs):
    (programs / "apt-get").unlink()
    result = run(SETUP, "build", path=programs)
    assert result.returncode == 1 and result.stderr.endswith("packages: nasm\n")


@pytest.mark.parametrize("arguments, expected", [
    (["run"], ["build run"]),
    (["run-bios"], ["build run"]),
    (["run-floppy"], ["build run"]),
    (["run-cd"], ["build run"]),
    (["run-uefi32"], ["build run"]),
    (["test"], ["build run sign dist web test debug"]),
    (["sign"], ["build sign"]),
    (["dist"], ["build dist"]),
    (["web"], ["build web"]),
    (["debug-uefi"], ["build run debug"]),
    ([], ["--check build"]),
    (["help"], []),
    (["clean"], []),
    (["SETUP=0", "run"], []),
    (["-n", "run"], []),
    (["-j2", "-s", "run"], ["build run"]),
])
def test_make_sets_up_first(tmp_path, arguments, expected):
    """The real Makefile with targets that do nothing: which groups does it request from the set-up?"""
    shutil.copy(ROOT / "Makefile", tmp_path)
    for include in (ROOT / "Makefile").read_text().split():
        if include.endswith(".mk"):
            (tmp_path / include).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / include).write_text("")
    shutil.copy(ROOT / "setup.mk", tmp_path)
    verbs = "run run-bios run-floppy run-cd run-uefi32 sign dist web test debug-uefi"
    (tmp_path / "image/run.mk").write_text(f"{verbs}:\n\t@echo done\n")
    script(tmp_path / "setup.sh", 'printf "%s\\n" "$*" >>log')
    result = run("make", *arguments, cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    log = tmp_path / "log"
    assert (log.read_text().splitlines() if log.exists() else []) == expected


# image/usb.sh, over a lsblk that describes an ordinary file as a disk

GOOD = {"TYPE": "disk", "RM": "1", "RO": "0", "SIZE": str(1 << 30), "PKNAME": "sdx"}


@pytest.fixture
def stick(tmp_path):
    (tmp_path / "image").write_bytes(bytes(range(256)) * 8192)
    (tmp_path / "stick").write_bytes(b"\xff" * (3 << 20))

    def write(answer, in_use="stick disk", device=None, **properties):
        known = GOOD | properties
        script(tmp_path / "bin/lsblk", 'case "$*" in',
               *[f'"-dnbro {name} "*) echo "{value}" ;;' for name, value in known.items()],
               f'"-nro "*) echo "{in_use}" ;;', '*) echo "NAME SIZE"; echo "stick 1G" ;;', "esac")
        return run(IMAGE / "usb.sh", tmp_path / "image", tmp_path / "stick" if device is None else device,
                   path=f"{tmp_path}/bin:{CLEAN['PATH']}", stdin=answer)
    write.image, write.stick = tmp_path / "image", tmp_path / "stick"
    return write


def untouched(stick):
    return stick.stick.read_bytes() == b"\xff" * (3 << 20)


def test_usb_writes_and_reads_back(stick):
    result = stick("yes\n")
    assert result.returncode == 0, result.stderr
    image = stick.image.read_bytes()
    assert stick.stick.read_bytes() == image + b"\xff" * ((3 << 20) - len(image))
    assert "Everything on it will be lost" in result.stderr and "read back and equal" in result.stderr


@pytest.mark.parametrize("answer", ["no\n", "y\n", "YES\n", "\n", ""])
def test_usb_asks(stick, answer):
    result = stick(answer)
    assert result.returncode == 1 and "nothing was written" in result.stderr and untouched(stick)


@pytest.mark.parametrize("properties, message", [
    ({"RM": "0"}, "is not removable"),
    ({"RO": "1"}, "is write-protected"),
    ({"TYPE": "part"}, "is a partition; name the whole disk, /dev/sdx"),
    ({"TYPE": "loop"}, "is not a disk but a device of type loop"),
    ({"SIZE": "2097151"}, "is too small: the image has 2097152 bytes"),
    ({"in_use": "stick disk\nstick1 part /media/photos"}, "is in use"),
    ({"in_use": "stick disk\nstick1 part [SWAP]"}, "is in use"),
    ({"in_use": "stick disk\nstick1 part\nvault crypt"}, "is in use"),
])
def test_usb_refuses(stick, properties, message):
    result = stick("yes\n", **properties)
    assert result.returncode == 1 and message in result.stderr and untouched(stick)
    assert "Type yes" not in result.stderr


def test_usb_reports_a_bad_stick(stick, tmp_path):
    script(tmp_path / "bin/dd", "exit 0")  # a stick that keeps nothing
    result = stick("yes\n")
    assert result.returncode == 1 and "does not hold what was written" in result.stderr


def test_usb_needs_a_device(stick, tmp_path):
    assert "make usb DEV=" in stick("yes\n", device="").stderr
    assert "does not exist" in stick("yes\n", device=tmp_path / "none").stderr
    real = run(IMAGE / "usb.sh", stick.image, stick.stick, stdin="yes\n")  # with the real lsblk
    assert real.returncode == 1 and "is not a block device" in real.stderr and untouched(stick)


# image/qemu.sh

@pytest.fixture
def qemu(tmp_path):
    program = script(tmp_path / "qemu", '[[ $1 != -display ]] || { echo gtk; exit; }', 'printf "%s\\n" "$@"')

    def arguments(*words, **environment):
        result = run(IMAGE / "qemu.sh", *words, QEMU=str(program), **environment)
        assert result.returncode == 0, result.stderr
        return " " + " ".join(result.stdout.splitlines()) + " "
    return arguments


def test_qemu_machines(qemu):
    image = BUILD / "bootllama.img"
    bios, uefi, uefi32 = qemu("bios", image), qemu("uefi", image), qemu("uefi32", image)
    assert " -machine q35 " in bios and "pflash" not in bios  # AHCI: by DMA
    assert " -machine q35 " in uefi and uefi.count("if=pflash") == 2
    assert uefi32.count("if=pflash") == 2 and "property=secure,value=off " in uefi and re.search("(?i)32", uefi32)
    for words in (bios, uefi, uefi32):
        assert " -accel tcg -cpu max " in words and " -serial mon:stdio " in words and " -display none " in words
        assert f"file={image},format=raw,snapshot=on,if=ide" in words
    assert f"file={image},format=raw,snapshot=on,if=ide,media=cdrom" in qemu("cd", image)
    floppy = qemu("floppy", image)
    assert " -boot order=a " in floppy and f"file={image},format=raw,snapshot=on,if=floppy" in floppy
    kernel = BUILD / "bootllama.krn"
    krn = qemu("krn", kernel, image, "-S", WORDS='prompt="a b"')
    assert f' -kernel {kernel} -initrd {image} -append prompt="a b" -machine pc ' in krn and krn.endswith(" -S ")
    assert "-drive" not in krn and re.search(r"-m \d+ ", krn)[0] == re.search(r"-m \d+ ", bios)[0]


def test_qemu_settings(qemu):
    words = qemu("bios", BUILD / "bootllama.img", "-S", GUI="1", MEMORY="77", CPU="486", ACCEL="kvm")
    assert " -accel kvm -cpu 486 -m 77 " in words and " -display gtk " in words and words.endswith(" -S ")


def test_qemu_refusals(tmp_path):
    no_window = script(tmp_path / "qemu", "echo none")
    assert run(IMAGE / "qemu.sh", "bios", "none.img").returncode == 1
    unknown = run(IMAGE / "qemu.sh", "efi", BUILD / "bootllama.img")
    assert "none of bios, uefi, uefi32, floppy, cd, krn" in unknown.stderr
    assert "krn FILE MODEL" in run(IMAGE / "qemu.sh", "krn", BUILD / "bootllama.krn").stderr
    result = run(IMAGE / "qemu.sh", "bios", BUILD / "bootllama.img", GUI="1", QEMU=str(no_window))
    assert result.returncode == 1 and "qemu-system-gui" in result.stderr


@pytest.mark.parametrize("firmware", ["bios", "uefi"])
def test_qemu_talks_in_the_terminal(firmware):
    """What `make run` and `make run-bios` show: a story, another one for a text typed at the prompt, and Ctrl-A X."""
    process = subprocess.Popen(["timeout", "300", IMAGE / "qemu.sh", firmware, BUILD / "bootllama.img"], env=CLEAN,
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)

    def read_until(end):
        text = b""
        while not text.endswith(end):
            piece = os.read(process.stdout.fileno(), 1)
            assert piece, text
            text += piece
        return text.decode(errors="replace")

    with process:
        assert "bootllama" in read_until(b"tokens/s")
        read_until(b"> ")
        process.stdin.write(b"The robot\r")
        process.stdin.flush()
        assert "The robot" in read_until(b"tokens/s")
        process.stdin.write(b"\x01x")
        process.stdin.flush()
        assert process.wait(30) == 0


# image/debug.py, the real machines

def gdb(firmware, *commands):
    words = [word for command in commands for word in ("-ex", command)]
    result = run("timeout", 120, IMAGE / "debug.py", firmware, BUILD, "-batch", *words, seconds=150)
    assert result.returncode == 0, result.stderr
    return result.stdout


def test_debug_bios():
    output = gdb("bios", "x/2xb $pc", "thbreak console_run", "continue", "set architecture i386", "backtrace")
    assert "0x7c00:\t0xeb" in output
    assert re.search(r"#0 +console_run .*\n#1 .* in bios_main ", output), output


@pytest.mark.parametrize("firmware", ["uefi", "uefi32"])
def test_debug_uefi(firmware):
    output = gdb(firmware, "thbreak console_run", "continue", "info symbol $pc")
    assert "Stopped at the application's entry point" in output
    assert "console_run in section .text" in output


# .ci/run over a make that behaves in every way

MODELS_ARE_GIVEN = 'test "$$BOOTLLAMA_MODELS" = "$(realpath ../shared/model)" -a -z "$$WITHOUT_STORIES260K"'
MODELS_ARE_NOT = ('test -z "$$BOOTLLAMA_MODELS" -a "$$WITHOUT_STORIES260K" = 1 -a -f $(BUILD)/cache/models/failed'
                  ' -a ! -d $(BUILD)/models')
GOOD_RUN = 'echo "5 passed, 0 failed"'


@pytest.mark.parametrize("first, second, last_line", [
    (GOOD_RUN, 'echo "4 passed, 0 failed, 3 skipped"', "9 passed, 0 failed"),
    (f"{MODELS_ARE_GIVEN} && {GOOD_RUN}", f"{MODELS_ARE_NOT} && {GOOD_RUN}", "10 passed, 0 failed"),
    ('echo "5 passed, 1 failed"; false', GOOD_RUN, "10 passed, 1 failed"),
    ('echo "5 passed, 1 failed"', GOOD_RUN, "10 passed, 1 failed"),
    (f"{GOOD_RUN}; false", GOOD_RUN, "10 passed, 1 failed"),
    (GOOD_RUN, f"{GOOD_RUN}; false", "10 passed, 1 failed"),
    (GOOD_RUN, 'echo "4 passed, 2 failed"; false', "9 passed, 2 failed"),
    ('echo "0 passed, 0 failed"', GOOD_RUN, "5 passed, 1 failed"),
    (GOOD_RUN, 'echo "0 passed, 0 failed"', "5 passed, 1 failed"),
    ("false", GOOD_RUN, "5 passed, 1 failed"),
    (GOOD_RUN, "false", "5 passed, 1 failed"),
    ("true", "true", "0 passed, 2 failed"),
])
def test_ci_run(tmp_path, first, second, last_line):
    (tmp_path / "shared/model").mkdir(parents=True)
    clone = tmp_path / "clone"
    (clone / ".ci").mkdir(parents=True)
    shutil.copy(ROOT / ".ci/run", clone / ".ci")
    (clone / "Makefile").write_text(f"test:\n\t@{first}\ntest-models:\n\t@{second}\n")
    result = run(clone / ".ci/run", BOOTLLAMA_MODELS="")
    assert result.stdout.splitlines()[-1] == last_line
    assert (result.returncode == 0) == last_line.endswith(" 0 failed")


# test/run

@pytest.fixture
def suites(tmp_path, monkeypatch):
    """test/run as a module."""
    loader = SourceFileLoader("suites", str(ROOT / "test/run"))
    module = module_from_spec(spec_from_loader("suites", loader))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    loader.exec_module(module)
    monkeypatch.setattr(module, "RESTARTS", tmp_path / "restarts")
    return module


@pytest.mark.parametrize("number, failures", [(0, 0), (3, 0), (4, 1)])
def test_machines_started_anew_are_counted(suites, capsys, tmp_path, number, failures):
    (tmp_path / "restarts").write_text("".join(f"machine-{index}\n" for index in range(number)))
    assert suites.count_restarts() == failures
    said = capsys.readouterr().out
    assert said.count("machine-") == number and (number == 0 or said.startswith(f"{number} started anew"))
    assert ("count as a failure" in said) == (failures == 1)


def test_what_a_c_test_leaves_out_is_said(suites):
    suite = suites.Suite("unit64/none", ["true"], suites.count_cmocka, 1)
    assert suites.skip_reasons(suite, "[ RUN ] a\nskipped: kernel b: no c\n") == ["kernel b: no c"]

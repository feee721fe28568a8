"""Secure Boot: keys, signatures, what firmware refuses and starts; and firmware that maps no page writable and
executable."""
import re
import shutil
import struct
import subprocess

import pytest

from build_copy import BuildCopy
from machine import Failure, Machine
from places import ROOT, built
from stories import DEFAULT_SEED, expected
from volume import Volume

APPLICATIONS = {"BOOTX64.EFI": "uefi/BOOTX64.EFI", "BOOTIA32.EFI": "uefi32/BOOTIA32.EFI"}
ENROLMENT = [f"{key}.{form}" for key in ("DB", "KEK", "PK") for form in ("AUTH", "CER", "ESL")]
FIRMWARE = {"secboot": "BOOTX64.EFI", "uefi32": "BOOTIA32.EFI"}  # Debian's OVMF for IA-32 has Secure Boot, too
REFUSED = re.compile(r"failed to load Boot\w+ [^\n]*: Access Denied\n")


def run(*command, **options):
    return subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=120, **options)


@pytest.fixture(scope="module")
def owner(tmp_path_factory):
    """A build whose owner has made keys, and signed."""
    build = BuildCopy(tmp_path_factory.mktemp("owner"))
    build.makes("secure-keys")
    build.makes("sign")
    return build


def image(owner):
    return Volume(owner.build / "bootllama.img")


@pytest.fixture(scope="module")
def enrolled(owner, tmp_path_factory):
    """The variables of a machine that has taken the keys from the stick's files."""
    copy = Volume(shutil.copy(image(owner).path, tmp_path_factory.mktemp("enrolled") / "disk.img"))
    copy.put(built("test/efi/enrol_keys.efi"), "/EFI/BOOT/BOOTX64.EFI")
    with Machine("secure-boot-enrolment", copy.path, "secboot", options=["-no-shutdown"]) as machine:
        machine.wait_for(re.compile("keys (enrolled|refused)\n"))
        assert "keys enrolled" in machine.text()
        return shutil.copy(machine.folder / "variables.fd", copy.path.parent)


@pytest.fixture
def stick(owner, tmp_path):
    """A copy of the signed image, whose story begins at once."""
    copy = Volume(shutil.copy(image(owner).path, tmp_path / "disk.img"))
    copy.configure()
    yield copy
    copy.path.unlink()


# ---- Keys and signatures ----

def test_stick_has_what_firmware_enrols_and_no_private_key(owner):
    volume = image(owner)
    assert volume.mtools("mdir", "-b", "::/KEYS").decode().split() == [
        *(f"::/KEYS/{name}" for name in ENROLMENT), "::/KEYS/ENROL.TXT"]
    for name in ENROLMENT:
        assert volume.file(f"/KEYS/{name}") == (owner.keys / "enrol" / name).read_bytes()
    assert volume.file("/KEYS/ENROL.TXT") == (ROOT / "image/ENROL.TXT").read_bytes().replace(b"\n", b"\r\n")
    for name in ("PK", "KEK", "DB"):
        key = owner.keys / f"{name}.key"
        assert key.stat().st_mode & 0o077 == 0
        assert key.read_bytes().split(b"\n")[1] not in volume.path.read_bytes()


def test_keys_are_made_once(owner):
    before = {path: path.read_bytes() for path in owner.keys.rglob("*") if path.is_file()}
    owner.makes("secure-keys")
    assert {path: path.read_bytes() for path in owner.keys.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize("name", APPLICATIONS)
def test_signature_is_all_that_signing_adds(owner, tmp_path, name):
    signed = owner.build / APPLICATIONS[name]
    assert image(owner).file(f"/EFI/BOOT/{name}") == signed.read_bytes()
    assert run("sbverify", "--cert", owner.keys / "DB.crt", signed).stdout == "Signature verification OK\n"
    assert run("sbverify", "--cert", owner.keys / "KEK.crt", signed).returncode != 0
    plain = shutil.copy(signed, tmp_path / name)
    assert run("sbattach", "--remove", plain).returncode == 0
    assert plain.read_bytes() == built(APPLICATIONS[name]).read_bytes()


def sign(*arguments):
    return run(ROOT / "image/sign.sh", *arguments)


def test_signing_again(owner, tmp_path):
    """With the same certificate nothing changes; another one's signature replaces it."""
    file = shutil.copy(built(APPLICATIONS["BOOTX64.EFI"]), tmp_path / "A.EFI")
    db, kek = ([owner.keys / f"{name}.key", owner.keys / f"{name}.crt"] for name in ("DB", "KEK"))
    assert sign(*db, file).stdout == f"sign: {file} is now signed by {db[1]}\n"
    signed = file.read_bytes()
    assert sign(*db, file).stdout == f"sign: {file} is signed by {db[1]} already\n"
    assert file.read_bytes() == signed
    assert sign(*kek, file).stdout == f"sign: {file} is now signed by {kek[1]}\n"
    assert run("sbverify", "--list", file).stdout.count("image signature issuers:") == 1
    assert run("sbverify", "--cert", kek[1], file).returncode == 0
    assert [path.name for path in tmp_path.iterdir()] == ["A.EFI"]


@pytest.mark.parametrize("key, cert, message", [
    ("", "", "which key? make sign KEY=DB.key CERT=DB.crt (make secure-keys makes both)"),
    ("{keys}/DB.key", "", "which certificate? make sign KEY=DB.key CERT=DB.crt (make secure-keys makes both)"),
    ("{keys}/none", "{keys}/DB.crt", "cannot read the key '{keys}/none'"),
    ("{keys}/DB.key", "{keys}/none", "cannot read the certificate '{keys}/none'"),
    ("{keys}/DB.crt", "{keys}/DB.crt", "{keys}/DB.crt is not a private key in PEM form"),
    ("{keys}/DB.key", "{keys}/enrol/DB.CER", "{keys}/enrol/DB.CER is not a certificate in PEM form"),
    ("{keys}/DB.key", "{keys}/PK.crt", "{keys}/DB.key is not the key of {keys}/PK.crt"),
    ("{keys}/EC.key", "{keys}/EC.crt", "{keys}/EC.key is not an RSA key, which firmware wants"),
])
def test_refused_keys(owner, key, cert, message):
    run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-noenc", "-subj", "/CN=ec",
        "-keyout", owner.keys / "EC.key", "-out", owner.keys / "EC.crt", check=True)
    before = (owner.build / "uefi/BOOTX64.EFI").read_bytes()
    result = owner.make("sign", *(f"{name}={value.format(keys=owner.keys)}"
                                  for name, value in (("KEY", key), ("CERT", cert))))
    assert result.returncode != 0
    assert result.stderr.splitlines()[0] == "sign: " + message.format(keys=owner.keys)
    assert (owner.build / "uefi/BOOTX64.EFI").read_bytes() == before


# ---- Firmware that verifies ----

@pytest.mark.parametrize("firmware", FIRMWARE)
def test_signed(boot, stick, enrolled, firmware):
    with boot(stick.path, firmware, variables=enrolled) as machine:
        machine.start()
        machine.tells(expected())


def refuses(machine):
    """The firmware says so, and none of our code has run."""
    machine.wait_for(REFUSED)
    assert "bootllama" not in machine.rest()


@pytest.mark.parametrize("firmware", FIRMWARE)
def test_unsigned(boot, stick, enrolled, firmware):
    name = FIRMWARE[firmware]
    stick.put(built(APPLICATIONS[name]), f"/EFI/BOOT/{name}")
    with boot(stick.path, firmware, variables=enrolled) as machine:
        refuses(machine)


@pytest.mark.parametrize("firmware", FIRMWARE)
def test_one_byte_changed(boot, stick, enrolled, firmware):
    name = FIRMWARE[firmware]
    content, (text, other) = stick.file(f"/EFI/BOOT/{name}"), (b"/help: all commands", b"/help: all Commands")
    assert content.count(text) == 1
    stick.put(content.replace(text, other), f"/EFI/BOOT/{name}")
    with boot(stick.path, firmware, variables=enrolled) as machine:
        refuses(machine)


def test_signed_by_another(boot, stick, enrolled, tmp_path):
    """The signature holds, but the firmware does not know whose it is."""
    keys, file = tmp_path / "other", tmp_path / "BOOTX64.EFI"
    run(ROOT / "image/secure-keys.sh", keys, check=True)
    file.write_bytes(stick.file("/EFI/BOOT/BOOTX64.EFI"))
    assert sign(keys / "DB.key", keys / "DB.crt", file).returncode == 0
    stick.put(file, "/EFI/BOOT/BOOTX64.EFI")
    with boot(stick.path, "secboot", variables=enrolled) as machine:
        refuses(machine)


# ---- Firmware that protects every page ----

SECTION_BYTES, EXECUTE = 40, 0x20000000


def without_execute(content):
    """The application with a header that does not let its code run."""
    content = bytearray(content)
    coff = struct.unpack_from("<I", content, 0x3C)[0] + 4
    section = coff + 20 + struct.unpack_from("<H", content, coff + 16)[0]
    assert content[section:section + 5] == b".text"
    access, = struct.unpack_from("<I", content, section + 36)
    assert access & EXECUTE
    struct.pack_into("<I", content, section + 36, access & ~EXECUTE)
    return bytes(content)


@pytest.fixture
def protecting(volume):
    """A volume that strict_nx.c starts from, and QEMU's options for a stack without execution."""
    volume.configure()
    volume.put(built(APPLICATIONS["BOOTX64.EFI"]), "/EFI/BOOT/OURS.EFI")
    volume.put(built("test/efi/strict_nx.efi"), "/EFI/BOOT/BOOTX64.EFI")
    return volume, ["-smp", "2", "-fw_cfg", "name=opt/ovmf/PcdSetNxForStack,string=yes"]


def test_no_page_writable_and_executable(boot, protecting):
    volume, options = protecting
    with boot(volume.path, "uefi", options=options) as machine:
        machine.wait_for("\nall pages protected\n", seconds=300)
        machine.start()
        machine.tells(expected())
        machine.enter("/set processors 2")
        machine.wait_for("\n> ")
        machine.enter("The cat")
        machine.tells(expected("The cat", seed=DEFAULT_SEED + 1))


def test_protection_is_real(boot, protecting):
    """The same with a header whose code may not run: the processor refuses its first instruction."""
    volume, options = protecting
    volume.put(without_execute(volume.file("/EFI/BOOT/OURS.EFI")), "/EFI/BOOT/OURS.EFI")
    with boot(volume.path, "uefi", options=options) as machine:
        machine.wait_for("\nall pages protected\n", seconds=300)
        machine.wait_for("X64 Exception Type - 0E(#PF - Page-Fault)")
        with pytest.raises(Failure):
            machine.wait_for("bootllama", seconds=3)

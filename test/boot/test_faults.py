"""Faults of a medium or a model: one clear line, no wrong text, and a machine that still answers."""
import re
import struct

import pytest

from gguf_file import GgufFile
from gguf_writer import write_wide
from machine import ERROR, HINT
from option_rom import TAKE_MEMORY, option_rom
from stories import DEFAULT_SEED, IMAGE, MODEL, expected, refusal
from volume import END_OF_CHAIN, Volume

PATH = f"/MODELS/{MODEL.name.upper()}"
FAST = {"temperature": 0, "steps": 20}
ONCE, LASTING = {"once": "on"}, {"once": "off"}


def check_failure(machine, pattern):
    """One message, "Error: " and the pattern, however its lines are broken; nothing like a story; a prompt that echoes
    and tries again. The first time the message follows the banner. Returns the match."""
    machine.start()
    for _ in range(2):
        said = machine.wait_for("\n> ", error_allowed=True)
        assert len(ERROR.findall(said)) == 1 and "Model:" not in said and "tokens/s" not in said, said
        message = re.sub(HINT + "> $", "", said[said.index("Error: "):])
        found = re.fullmatch(f"Error: {pattern}", " ".join(message.split("\n")).rstrip())
        assert found, said
        machine.type("hello\r")
        machine.wait_for("hello\n")
    return found


def keep_one_model(volume):
    for name in volume.mtools("mdir", "-b", "::/MODELS").decode().splitlines():
        if name.removeprefix("::") != PATH:
            volume.mtools("mdel", name)


# ---- Read errors ----

def sectors(path=IMAGE):
    """LBA of each kind of thing that is read: what boot.asm reads, what loader.asm reads, and files."""
    volume = Volume(path)
    chain = volume.chain(PATH)
    return {
        "loader": 1,
        "stage2": 20,
        "fat": volume.fat_lba(chain[0]),
        "second-fat": volume.fat_lba(chain[0]) + volume.fat_sectors,
        "directory": volume.lba(volume.chain("/MODELS")[0]),
        "model": volume.lba(chain[len(chain) // 2]),
    }


@pytest.mark.parametrize("medium", ["ide", "usb-ehci"])
@pytest.mark.parametrize("place", ["loader", "stage2", "fat", "directory", "model"])
def test_passing_read_error(boot, place, medium):
    """Three failures in a row are retried and survived."""
    with boot(IMAGE, medium=medium, errors=[ONCE | {"sector": sectors()[place]}] * 3) as machine:
        machine.start()
        machine.tells(expected())


@pytest.mark.parametrize("medium", ["ide", "usb-ehci"])
def test_lasting_read_error_in_one_fat(boot, medium):
    """The volume has a second FAT."""
    with boot(IMAGE, medium=medium, errors=[LASTING | {"sector": sectors()["fat"]}]) as machine:
        machine.start()
        machine.tells(expected())


# The disk's first read is QEMU's own (for a geometry), the second the BIOS's. Then boot.asm reads its own sector.
OUR_FIRST_READ = [{"state": 1, "new_state": 2}, {"state": 2, "new_state": 3}]


def test_passing_read_error_in_the_boot_sector(boot):
    with boot(IMAGE, errors=[*OUR_FIRST_READ, *[ONCE | {"state": 3, "sector": 0}] * 3]) as machine:
        machine.start()
        machine.tells(expected())


def test_lasting_read_error_in_the_boot_sector(boot):
    """The boot sector cannot be read again, so no drive is the one that was booted from."""
    with boot(IMAGE, errors=[*OUR_FIRST_READ, LASTING | {"state": 3, "sector": 0}]) as machine:
        machine.wait_for_screen("bootllama: error D, press a key")


@pytest.mark.parametrize("place", ["loader", "stage2"])
def test_lasting_read_error_before_stage2_runs(boot, place):
    """A letter on the screen; a key starts the machine again."""
    with boot(IMAGE, errors=[LASTING | {"sector": sectors()[place]}]) as machine:
        machine.wait_for_screen("bootllama: error R, press a key")
        machine.press("ret")
        machine.wait_for_screen("press a keyBooting from Hard Disk... bootllama: error R, press a key")
        assert machine.text() == ""


LASTING_MESSAGES = {
    "fat": r"{path}: cannot be read at byte \d+: {cause}",
    "directory": "/MODELS cannot be listed: {cause}",
    "model": r"{path}: cannot be read at byte \d+: {cause}",
}


@pytest.fixture
def lone_model(volume):
    """An image without another model that could be loaded in the first one's place."""
    keep_one_model(volume)
    return volume.path


@pytest.mark.parametrize("medium", ["ide", "usb-ehci"])
@pytest.mark.parametrize("place", LASTING_MESSAGES)
def test_lasting_read_error(boot, lone_model, place, medium):
    """Of the FATs, both are unreadable at the same place."""
    lbas = [sectors(lone_model)[name] for name in ([place, "second-fat"] if place == "fat" else [place])]
    cause = rf"INT 13h status [0-9a-f]{{2}}h at LBA ({'|'.join(map(str, lbas))})"
    with boot(lone_model, medium=medium, errors=[LASTING | {"sector": lba} for lba in lbas]) as machine:
        check_failure(machine, LASTING_MESSAGES[place].format(path=re.escape(PATH), cause=cause))


def test_lasting_read_error_on_uefi(boot, lone_model):
    with boot(lone_model, "uefi", errors=[LASTING | {"sector": sectors(lone_model)["model"]}]) as machine:
        check_failure(machine, rf"{re.escape(PATH)}: cannot be read at byte \d+: [^\n]+")


def test_passing_read_error_on_uefi(boot):
    with boot(IMAGE, "uefi", errors=[ONCE | {"sector": sectors()["model"]}]) as machine:
        machine.start()
        machine.tells(expected())


@pytest.mark.parametrize("firmware", ["bios", "uefi"])
def test_disk_taken_away(boot, firmware):
    """The model in memory keeps working; another one is rejected, and the first is still there."""
    with boot(IMAGE, firmware) as machine:
        machine.start()
        machine.tells(expected())
        machine.ask("human-monitor-command", **{"command-line": "drive_del disk"})
        for seed in range(DEFAULT_SEED + 1, DEFAULT_SEED + 3):
            machine.enter("The cat")
            machine.tells(expected("The cat", seed=seed))
            machine.type("/model 1\r")
            said = " ".join(machine.wait_for("\n> ", error_allowed=True).split())
            assert re.fullmatch(rf"/model 1 Error: {re.escape(PATH)}: cannot be read at byte 0: [^>]+ >", said), said


# ---- Model files ----

def key_value_offset(data, key):
    """Where the value of a metadata key is."""
    return data.index(struct.pack("<Q", len(key)) + key.encode()) + 8 + len(key) + 4


def patched(at, new):
    """The model with bytes `new` from offset `at` on; `at` may be a function of the data."""
    data = MODEL.read_bytes()
    offset = at(data) if callable(at) else at
    return data[:offset] + new + data[offset + len(new):]


def tensor_data_offset(data):
    gguf = GgufFile(data)
    return len(data) - max(tensor.offset + -(-tensor.size() // 32) * 32 for tensor in gguf.tensors.values())


def flipped_weights():
    """The model with a bit flipped in every 3401st byte."""
    data = bytearray(MODEL.read_bytes())
    for at in range(tensor_data_offset(data) + 3, len(data), 3401):
        data[at] ^= 0x40
    return bytes(data)


CHECKSUM_KEY = b"bootllama.tensors.mix32"  # a file with another key in its place is as one of another project

BAD_MODELS = {  # name -> the file's bytes, words of the message
    "cut-in-half": (lambda: MODEL.read_bytes()[:MODEL.stat().st_size // 2], "copy it again"),
    "cut-in-header": (lambda: MODEL.read_bytes()[:1000], "copy it again"),
    "flipped-version": (lambda: patched(4, b"\x83"), "GGUF version 131"),
    "tensor-count": (lambda: patched(8, b"\xff" * 8), "more than the file can hold"),
    "key-length": (lambda: patched(24, struct.pack("<Q", 1 << 63)), "a name of 9223372036854775808 bytes"),
    "dimension": (lambda: patched(lambda data: key_value_offset(data, "llama.embedding_length"), b"\xff" * 4), ""),
    "layers": (lambda: patched(lambda data: key_value_offset(data, "llama.block_count"), b"\xff" * 4), ""),
    "heads": (lambda: patched(lambda data: key_value_offset(data, "llama.attention.head_count"), bytes(4)), ""),
    "flipped-weights": (flipped_weights, "the weights were read incorrectly"),
    "infinite-scale": (lambda: patched(tensor_data_offset, b"\x00\x7c"), "infinite"),
}
BAD_AT_START = ["cut-in-half", "infinite-scale"]  # noticed in the header, noticed among the weights


def put_bad(volume, folder, kind, path):
    """Puts a bad model on the volume; returns the host program's message about the same file."""
    make, words = BAD_MODELS[kind]
    bad = folder / "bad.gguf"
    bad.write_bytes(make())
    volume.put(bad, path)
    message = refusal(bad, path)
    assert words in message
    return message


@pytest.mark.parametrize("kind", BAD_AT_START)
@pytest.mark.parametrize("firmware", ["bios", "uefi"])
def test_bad_model(boot, volume, tmp_path, firmware, kind):
    volume.delete("/MODELS/*")
    message = put_bad(volume, tmp_path, kind, PATH)
    with boot(volume.path, firmware) as machine:
        check_failure(machine, re.escape(message))


@pytest.mark.parametrize("firmware", ["bios", "uefi"])
def test_bad_models_one_after_another(boot, volume, tmp_path, firmware):
    """Each is rejected, and the good one stays, reloaded if it had to make room."""
    volume.configure(autostart="off", **FAST)
    messages = {kind: put_bad(volume, tmp_path, kind, f"/MODELS/{kind}.gguf") for kind in BAD_MODELS}
    with boot(volume.path, firmware) as machine:
        machine.start()
        machine.wait_for("\n> ")
        machine.enter("The dog")
        machine.tells(expected("The dog", **FAST))
        for kind, message in messages.items():
            machine.type(f"/model {kind}.gguf\r")
            said = machine.wait_for("\n> ", error_allowed=True)
            assert len(ERROR.findall(said)) == 1
            after = rf"( Loading {re.escape(PATH)}: \[#{{20}}\] 100 %, [\d.]+ MB/s)? >"
            assert re.fullmatch(f"Error: {re.escape(message)}{after}", " ".join(said[said.index("Error: "):].split()))
        machine.enter("The dog")
        machine.tells(expected("The dog", **FAST))


@pytest.mark.parametrize("firmware", ["bios", "uefi"])
def test_what_is_no_model_in_spite_of_its_name(boot, volume, firmware):
    keep_one_model(volume)
    volume.put(patched(0, b"gGUF"), PATH)
    with boot(volume.path, firmware) as machine:
        check_failure(machine, re.escape(f"no model in /MODELS: {PATH.split('/')[2]} is not a GGUF model file; copy a "
                                         ".GGUF file there and press Enter"))


@pytest.mark.parametrize("firmware", ["bios", "uefi"])
def test_the_first_model_that_can_be_used(boot, volume, firmware):
    """Leftovers of other systems in the folder are skipped silently; a broken model is reported."""
    volume.mtools("mdel", "::/MODELS/*")
    volume.put(bytes.fromhex("0005160700020000") + bytes(4088), "/MODELS/._A.GGUF")
    volume.put(b"", "/MODELS/EMPTY.GGUF")
    volume.mtools("mmd", "::/MODELS/FOLDER.GGUF")
    volume.put(MODEL.read_bytes()[:5000], "/MODELS/HIDDEN.GGUF")
    volume.mtools("mattrib", "+h", "::/MODELS/HIDDEN.GGUF")
    volume.put(b"<!DOCTYPE html>", "/MODELS/PAGE.GGUF")
    volume.put(MODEL.read_bytes()[:5000], "/MODELS/BROKEN.GGUF")
    volume.put(MODEL, "/MODELS/WHOLE.GGUF")
    with boot(volume.path, firmware) as machine:
        machine.start()
        said = machine.wait_for("Loading /MODELS/WHOLE.GGUF", error_allowed=True)
        assert ERROR.findall(said) == [ERROR.search(said)[0]] and "Error: /MODELS/BROKEN.GGUF: " in said, said
        machine.tells(expected())


def test_flipped_bits_without_a_checksum(boot, volume, tmp_path):
    """Nothing can detect it: the machine tells the host program's story of the same file, a different one."""
    data = flipped_weights()
    assert data.count(CHECKSUM_KEY) == 1
    other = tmp_path / "other.gguf"
    other.write_bytes(data.replace(CHECKSUM_KEY, CHECKSUM_KEY[::-1]))
    volume.put(other, PATH)
    assert expected(model=other) != expected()
    with boot(volume.path) as machine:
        machine.start()
        machine.tells(expected(model=other))


@pytest.mark.parametrize("firmware", ["bios", "uefi"])
def test_no_model(boot, volume, firmware):
    volume.delete("/MODELS/*")
    with boot(volume.path, firmware) as machine:
        check_failure(machine, re.escape("no model in /MODELS; copy a .GGUF file there and press Enter"))


def test_configured_model_is_missing(boot, volume):
    volume.configure(model="OTHER.GGUF")
    with boot(volume.path) as machine:
        check_failure(machine, re.escape("no model OTHER.GGUF in /MODELS; /models lists them"))


@pytest.fixture(scope="module")
def wide_volume(tmp_path_factory):
    """An image with a model that takes about 140 MiB."""
    folder = tmp_path_factory.mktemp("wide")
    write_wide(folder / "WIDE.GGUF", GgufFile(MODEL.read_bytes()), 131072)
    volume = Volume.of_size(folder / "disk.img", 256, folder / "WIDE.GGUF")
    yield volume
    volume.path.unlink()


@pytest.mark.parametrize("firmware, memory", [("bios", 64), ("uefi", 160)])
def test_model_too_large_for_memory(boot, wide_volume, firmware, memory):
    with boot(wide_volume.path, firmware, memory=memory) as machine:
        found = check_failure(machine, r"/MODELS/WIDE\.GGUF: the model needs (\d+) MiB of memory even with a context "
                                       r"of 64, (\d+) MiB are free; choose a smaller model")
        assert 130 < int(found[1]) < 300 and int(found[2]) < memory


def test_larger_model_refused_keeps_the_present_one(boot, volume, tmp_path):
    """Nothing is reloaded, because nothing was unloaded."""
    write_wide(tmp_path / "wide.gguf", GgufFile(MODEL.read_bytes()), 8192)
    volume.put(tmp_path / "wide.gguf", "/MODELS/WIDE.GGUF")
    with boot(volume.path, memory=4) as machine:
        machine.start()
        machine.tells(expected())
        machine.type("/model wide\r")
        said = " ".join(machine.wait_for("\n> ", error_allowed=True).split())
        assert re.fullmatch(r"/model wide Error: /MODELS/WIDE\.GGUF: the model needs \d+ MiB of memory even with a "
                            r"context of 64, \d MiB are free; choose a smaller model >", said), said
        machine.enter("")
        machine.tells(expected(seed=DEFAULT_SEED + 1))


@pytest.mark.parametrize("context, verdict", [(3000000, "fits"), (8000000, r"fits, context \d+")])
def test_model_above_2_gib_on_bios(boot, volume, context, verdict):
    """With 3.5 GiB: what the list says is what happens, and the last layer's KV cache, at the end of it, works."""
    volume.put(patched(lambda data: key_value_offset(data, "llama.context_length"), struct.pack("<I", context)),
               "/MODELS/LONG.GGUF")
    volume.configure(autostart="off", context=16777216)
    with boot(volume.path, memory=3584) as machine:
        machine.start()
        machine.wait_for("\n> ")
        machine.enter("/models")
        assert re.search(rf"LONG\.GGUF 306 KiB Q8_0 {verdict} >$", " ".join(machine.wait_for("\n> ").split()))
        machine.enter("/model long")
        found = re.search(r"([\d.]+) (MiB|GiB) in memory", machine.wait_for("\n> "))
        assert float(found[1]) * (1024 if found[2] == "GiB" else 1) > 2048, found[0]
        machine.enter("")
        machine.tells(expected())


# ---- The file system, read by our own driver ----

BAD_CHAINS = {  # what the entry of the eleventh cluster becomes, what is said
    "circle": (lambda chain: chain[5], r"the chain of clusters loops back to \d+"),
    "free": (lambda chain: 0, "cluster {changed} leads to a free cluster"),
    "bad": (lambda chain: 0x0FFFFFF7, "cluster {changed} leads to a bad cluster"),
    "outside": (lambda chain: 0x00FFFFFF, "cluster {changed} leads to 16777215, which does not exist"),
    "short": (lambda chain: END_OF_CHAIN, "the chain of clusters ends too early, at {changed}"),
}


@pytest.mark.parametrize("kind", BAD_CHAINS)
def test_bad_chain(boot, volume, kind):
    keep_one_model(volume)
    chain = volume.chain(PATH)
    value, message = BAD_CHAINS[kind]
    volume.set_fat(chain[10], value(chain))
    message = message.format(changed=chain[10])
    with boot(volume.path) as machine:
        check_failure(machine, rf"{re.escape(PATH)}: cannot be read at byte \d+: {message}: repair the volume")


@pytest.mark.parametrize("firmware", ["bios", "uefi"])
def test_chain_longer_than_the_file(boot, volume, firmware):
    """The size counts: fsck, other systems and UEFI firmware take no harm from what follows."""
    last, free = volume.chain(PATH)[-1], volume.free_clusters()[0]
    volume.set_fat(last, free)
    volume.set_fat(free, END_OF_CHAIN)
    with boot(volume.path, firmware) as machine:
        machine.start()
        machine.tells(expected())


# ---- The machine ----

def test_too_little_memory_below_1_mib(boot, tmp_path):
    """Noticed before stage 2 uses memory that may not be there."""
    with boot(IMAGE, options=option_rom(tmp_path / "rom", TAKE_MEMORY)) as machine:
        machine.wait_for_screen("bootllama: error M, press a key")
        assert machine.text() == ""
        machine.press("ret")
        machine.wait_for_screen("press a keyBooting from Hard Disk... bootllama: error M, press a key")


@pytest.mark.parametrize("cpu, memory, message", [
    ("486,-fpu", 4, "Error: this processor has no floating point unit (x87), which bootllama needs."),
    ("486", 1, "Error: the BIOS reports no memory above 1 MiB."),
])
def test_machine_that_cannot(boot, cpu, memory, message):
    """One clear line; then a key restarts the machine."""
    with boot(IMAGE, cpu=cpu, memory=memory) as machine:
        for _ in range(2):
            machine.start()
            said = machine.wait_for("Press a key to restart.\n", error_allowed=True)
            assert ERROR.findall(said) == [message + "\n"]
            machine.press("ret")

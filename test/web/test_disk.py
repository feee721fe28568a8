"""The disk that the page makes for its PC, read by other programs than ours."""
import re
import subprocess

import pytest

from places import BUILD, ROOT
from volume import ENVIRONMENT, run

PARTITION = "@@1M"  # mtools' syntax for where it begins
MIB = 1 << 20

WRITE = """
    import { openAsBlob, openSync, readFileSync, writeSync } from "node:fs";
    import { gunzipSync } from "node:zlib";
    import { basename } from "node:path";
    const [, out, start, web, ...paths] = process.argv;
    const { Disk } = await import(`${web}/disk.mjs`);
    const models = await Promise.all(paths.map(async path => ({ name: basename(path), blob: await openAsBlob(path) })));
    const content = gunzipSync(readFileSync(start));
    const disk = new Disk(content.buffer.slice(content.byteOffset, content.byteOffset + content.length), models, fail);
    function fail(error) { console.error(error.message); process.exit(1); }
    const file = openSync(out, "w");
    const step = 3 << 20 | 512, zeros = Buffer.alloc(step); // pieces that begin and end anywhere
    for (let at = 0; at < disk.byteLength; at += step) {
        const length = Math.min(step, disk.byteLength - at);
        const bytes = await new Promise(done => disk.get(at, length, done));
        zeros.compare(bytes, 0, length, 0, length) && writeSync(file, bytes, 0, length, at);
    }
    writeSync(file, Buffer.alloc(1), 0, 1, disk.byteLength - 1);
"""


def write(page, out, *models):
    return subprocess.run(["node", "--input-type=module", "--eval", WRITE, out, page / "disk.gz", page, *models],
                          capture_output=True, text=True, timeout=300)


def model(folder, name, size):
    """A file of `size` bytes, no two sectors the same."""
    path = folder / name
    path.write_bytes(b"".join(number.to_bytes(4, "little") for number in range(size // 4 + 1))[:size])
    return path


def zeros(path, size):
    with open(path, "wb") as file:
        file.truncate(size)
    return path


def names_on(disk):
    return run("mdir", "-b", "-i", f"{disk}{PARTITION}", "::/MODELS").decode().splitlines()


def check(disk, volume):
    run("dd", f"if={disk}", f"of={volume}", "bs=1M", "skip=1", "conv=sparse")
    result = subprocess.run(["fsck.fat", "-n", volume], capture_output=True, text=True, env=ENVIRONMENT, timeout=60)
    assert result.returncode == 0, result.stdout


@pytest.fixture(scope="module")
def disk(page, tmp_path_factory):
    """A disk with models of one byte, whole clusters, a bit more, and more than is read ahead at once."""
    folder = tmp_path_factory.mktemp("models")
    models = [model(folder, name, size) for name, size in
              [("A.gguf", 1), ("thirteen.gguf", 8192), ("a name of several pieces, größer.gguf", 4097),
               ("large.gguf", 3 * MIB + 5)]]
    out = folder / "disk"
    result = write(page, out, *models)
    assert result.returncode == 0, result.stderr
    return out, models


def test_fsck_finds_nothing_wrong(disk, tmp_path):
    out, _ = disk
    assert out.stat().st_size == 512 * MIB
    check(out, tmp_path / "volume")


def test_models_are_there_in_their_order(disk, tmp_path):
    out, models = disk
    assert names_on(out) == [f"::/MODELS/{path.name}" for path in models]
    for path in models:
        copy = tmp_path / "copy"
        run("mcopy", "-n", "-i", f"{out}{PARTITION}", f"::/MODELS/{path.name}", copy)
        assert copy.read_bytes() == path.read_bytes()
        copy.unlink()


def test_boot_code_and_settings_are_those_of_a_stick(disk):
    out, _ = disk
    stick = BUILD / "bootllama.img"
    with open(out, "rb") as ours, open(stick, "rb") as theirs:
        assert ours.read(440) == theirs.read(440)
        ours.seek(512), theirs.seek(512)
        assert ours.read(MIB - 512) == theirs.read(MIB - 512)
    settings = run("mtype", "-i", f"{out}{PARTITION}", "::/BOOTLLAM.CFG").decode()
    shipped = (ROOT / "image/BOOTLLAM.CFG").read_text().replace("\n", "\r\n")
    assert settings == shipped.replace("#countdown = 3", "countdown = 0") != shipped


def test_a_model_may_fill_the_disk(page, tmp_path):
    """To its last byte; one more is refused. Another model then stays away."""
    out, other = tmp_path / "disk", model(tmp_path, "other.gguf", 1)
    assert write(page, out).returncode == 0
    listing = run("mdir", "-i", f"{out}{PARTITION}", "::").decode()
    free = int(re.search(r"([\d ]+) bytes free", listing)[1].replace(" ", ""))
    huge = zeros(tmp_path / "huge.gguf", free)
    assert write(page, out, huge, other).returncode == 0
    assert names_on(out) == ["::/MODELS/huge.gguf"]
    check(out, tmp_path / "volume")
    result = write(page, tmp_path / "no", zeros(huge, free + 1))
    assert result.returncode != 0 and "the disk has no room for it" in result.stderr


def test_a_folder_holds_nine_models(page, tmp_path):
    """The first nine, or as many of longer names as have room in its cluster."""
    out, models = tmp_path / "disk", [model(tmp_path, f"{number}.gguf", 5) for number in range(11)]
    assert write(page, out, *models).returncode == 0
    assert names_on(out) == [f"::/MODELS/{number}.gguf" for number in range(9)]
    long_ones = [model(tmp_path, f"{number}{'n' * 249}.gguf", 5) for number in range(8)]
    assert write(page, out, *long_ones).returncode == 0
    assert names_on(out) == [f"::/MODELS/{path.name}" for path in long_ones[:5]]
    check(out, tmp_path / "volume")


def test_a_model_that_vanishes_is_an_error(page, tmp_path):
    """The file has changed since it was dropped: the PC would wait for ever."""
    path = model(tmp_path, "gone.gguf", 4 * MIB)
    script = WRITE.replace("const file = openSync", f"(await import('node:fs')).truncateSync({str(path)!r}, 9);"
                           "\n    const file = openSync")
    assert script != WRITE
    result = subprocess.run(["node", "--input-type=module", "--eval", script, tmp_path / "disk", page / "disk.gz", page,
                             path], capture_output=True, text=True, timeout=60)
    assert result.returncode == 1 and result.stderr.startswith("gone.gguf cannot be read any more: "), result.stderr

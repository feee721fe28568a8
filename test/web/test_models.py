"""What the page makes of the name of a file that is dropped on it."""
import json
import subprocess

import pytest

from places import ROOT

NAME = """
    import { File } from "node:buffer";
    const { model_of } = await import(process.argv[1]);
    const model = await model_of(new File(["GGUF and more"], JSON.parse(process.argv[2])));
    console.log(JSON.stringify(model.name));
"""


@pytest.mark.parametrize("name, ours", [
    ("Story.GGUF", "Story.gguf"), ("no extension", "no extension.gguf"), (".gguf", "model.gguf"),
    (".hidden.gguf", "_hidden.gguf"), ("../../etc/passwd", "_._.._etc_passwd.gguf"),
    ("C:\\a\tb\0.gguf", "C__a_b_.gguf"),
    ("<img src=x onerror='alert(1)'>.gguf", "_img src=x onerror='alert(1)'_.gguf"),
    ("n" * 300 + ".gguf", "n" * 80 + ".gguf"), ("x" + "\N{LLAMA}" * 300, "x" + "\N{LLAMA}" * 79 + ".gguf")])
def test_a_name_fits_a_fat_volume(name, ours):
    result = subprocess.run(["node", "--input-type=module", "--eval", NAME, ROOT / "image/web/models.mjs",
                             json.dumps(name)], capture_output=True, text=True, timeout=60)
    assert result.returncode == 0, result.stderr
    assert json.loads(result.stdout) == ours

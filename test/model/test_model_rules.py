"""model.mk: which models an image carries, with and without stories260K, and that make asks the network once."""

import os
import re
import shutil
import subprocess

import pytest

from places import ROOT, stories260k

DEFAULT = ["models/DEFAULT.GGUF"]
SHOW = "show-models: ; @echo MODELS: $(MODEL_FILES)"


@pytest.fixture
def make(tmp_path):
    """make for a fresh build folder on a machine without a network; run() returns MODEL_FILES and what was said."""
    class Make:
        build, asked, tree = tmp_path / "build", tmp_path / "asked", ROOT

        def run(self, *arguments):
            inherited = {name: value for name, value in os.environ.items()
                         if not name.startswith("MAKE") and name not in ("MFLAGS", "MODEL", "BOOTLLAMA_MODELS")}
            inherited["PATH"] = f"{tmp_path}:{inherited['PATH']}"
            command = ["make", "-s", f"--eval={SHOW}", f"BUILD={self.build}", "SETUP=0", *arguments]
            return subprocess.run(command, cwd=self.tree, env=inherited, capture_output=True, text=True, timeout=60)

        def models(self, *arguments):
            result = self.run("show-models", *arguments)
            assert result.returncode == 0, result.stderr
            listed = re.search(r"^MODELS: (.*)$", result.stdout, re.MULTILINE)[1].split()
            return [name.removeprefix(f"{self.build}/") for name in listed], result.stderr

        def times_asked(self):
            return len(self.asked.read_text().splitlines()) if self.asked.exists() else 0

    make = Make()
    curl = tmp_path / "curl"
    curl.write_text(f"#!/bin/bash\necho asked >>{make.asked}\necho 'curl: (7) no way' >&2\nexit 7\n")
    curl.chmod(0o755)
    return make


@pytest.fixture
def folder(tmp_path):
    """A folder with stories260K as BOOTLLAMA_MODELS names it."""
    models = tmp_path / "given"
    models.mkdir()
    for name in "stories260K.bin", "tok512.bin":
        shutil.copy(stories260k(f"cache/models/{name}"), models)
    return models


def test_stories260k_comes_first(make, folder):
    models, said = make.models(f"BOOTLLAMA_MODELS={folder}")
    assert (models, said, make.times_asked()) == (["models/STORIES260K.GGUF"] + DEFAULT, "", 0)
    assert make.models() == (models, "")  # from the cache


def test_without_a_network_it_is_asked_once(make):
    models, said = make.models()
    assert models == DEFAULT
    assert len(said.splitlines()) == 1 and "going on without stories260K" in said
    assert make.models() == (DEFAULT, "")
    assert make.times_asked() == 1


def test_goals_without_models_ask_nobody(make):
    assert make.run("help").returncode == 0
    assert make.times_asked() == 0


def test_fetch_model_asks_at_once(make):
    for attempt in 1, 2:
        result = make.run("fetch-model")
        assert result.returncode != 0 and "curl: (7) no way" in result.stderr
        assert make.times_asked() == attempt


def test_stories260k_is_used_as_soon_as_it_is_there(make, folder):
    make.models()
    models, _ = make.models(f"BOOTLLAMA_MODELS={folder}")
    assert models[0] == "models/STORIES260K.GGUF"


def test_wrong_folder_is_an_error(make, tmp_path):
    result = make.run("show-models", f"BOOTLLAMA_MODELS={tmp_path}")
    assert result.returncode != 0 and result.stdout == ""
    assert f"BOOTLLAMA_MODELS: cp: cannot stat '{tmp_path}/stories260K.bin'" in result.stderr


def test_a_model_of_the_user_comes_first(make, folder, tmp_path):
    mine = tmp_path / "mine.gguf"
    mine.touch()
    models, _ = make.models(f"BOOTLLAMA_MODELS={folder}", f"MODEL={mine}")
    assert models == [str(mine), "models/STORIES260K.GGUF"] + DEFAULT


def test_a_model_of_the_user_replaces_its_namesake(make, folder, tmp_path):
    mine = tmp_path / "Stories260k.gguf"
    mine.touch()
    models, _ = make.models(f"BOOTLLAMA_MODELS={folder}", f"MODEL={mine}")
    assert models == [str(mine)] + DEFAULT


def test_a_model_that_is_not_there(make, tmp_path):
    result = make.run("show-models", f"MODEL={tmp_path}/absent.gguf")
    assert result.returncode != 0
    assert f"MODEL={tmp_path}/absent.gguf: no such file" in result.stderr


def test_no_model_at_all(make, tmp_path):
    """In a tree without the default model."""
    make.tree = tmp_path / "tree"
    (make.tree / "model").mkdir(parents=True)
    for path in [*ROOT.iterdir(), *(ROOT / "model").iterdir()]:
        link = make.tree / path.relative_to(ROOT)
        if path.name not in ("model", "build", "default.gguf"):
            link.symlink_to(path)
    result = make.run("no-model")
    assert result.returncode != 0
    assert "There is no model: 'make fetch-model' downloads one" in result.stderr

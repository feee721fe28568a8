"""A copy of the build, in which `make` may do what the build itself is spared."""
import os
import shutil
import subprocess

from places import BUILD, ROOT

ENVIRONMENT = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
if (BUILD / "cache/models/tok512.bin").exists():  # what was fetched once is not fetched again
    ENVIRONMENT["BOOTLLAMA_MODELS"] = str(BUILD / "cache/models")
SECONDS = 900


class BuildCopy:
    """build: the folder. keys: what KEYS names, empty at first."""

    def __init__(self, folder):
        self.build, self.keys = folder / "build", folder / "keys"
        shutil.copytree(BUILD, self.build, ignore=shutil.ignore_patterns("test", "*.img", "node*", "dist"))

    def make(self, *words):
        return subprocess.run(["make", "-s", "SETUP=0", f"BUILD={self.build}", f"KEYS={self.keys}", *words], cwd=ROOT,
                              env=ENVIRONMENT, capture_output=True, text=True, timeout=SECONDS)

    def makes(self, *words):
        result = self.make(*words)
        assert result.returncode == 0, result.stderr
        return result.stdout


def clean_copy_of_sources(folder):
    """The repository's files without what was built."""
    ignored = shutil.ignore_patterns("build", ".git", "__pycache__", ".pytest_cache", "node_modules", "keys")
    return shutil.copytree(ROOT, folder, ignore=ignored)

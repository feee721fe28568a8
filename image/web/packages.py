#!/usr/bin/python3
"""Packages from npm, of the versions that a package.json names, in a folder of the build.

packages.py FOLDER PACKAGE_JSON     installs them into FOLDER/node_modules, once
"""
import fcntl
import json
import shutil
import subprocess
import sys
from pathlib import Path

INSTALL_SECONDS, TRIES = 300, 2
# Without install scripts and optional packages, which would load from elsewhere than the registry.
INSTALL = ["npm", "install", "--ignore-scripts", "--omit=optional", "--no-package-lock", "--no-audit", "--no-fund",
           "--fetch-retries=1", "--fetch-retry-mintimeout=1000", "--fetch-timeout=30000", "--loglevel=error"]


class Unavailable(Exception):
    """The packages cannot be had here; the text says why."""


def _is_installed(modules, versions):
    for name, version in versions.items():
        description = modules / name / "package.json"
        if not description.exists() or json.loads(description.read_text())["version"] != version:
            return False
    return True


def _install(folder):
    for _ in range(TRIES):
        try:
            result = subprocess.run(INSTALL, cwd=folder, capture_output=True, text=True, timeout=INSTALL_SECONDS)
        except subprocess.TimeoutExpired as error:
            raise Unavailable(f"npm took longer than {INSTALL_SECONDS} s") from error
        if result.returncode == 0:
            return
    raise Unavailable(f"npm cannot install it: {' '.join(result.stderr.split())[:200]}")


def node_modules(folder, package):
    """Installs into `folder`, once, what the file `package` names; returns its node_modules. Who needs the same folder
    at the same time waits for the one that installs. Raises Unavailable."""
    for program in "node", "npm":
        if not shutil.which(program):
            raise Unavailable(f"{program} is not installed")
    folder.mkdir(parents=True, exist_ok=True)
    versions = json.loads(package.read_text())["dependencies"]
    modules = folder / "node_modules"
    with open(folder / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not _is_installed(modules, versions):
            shutil.copy(package, folder / "package.json")
            _install(folder)
    return modules


if __name__ == "__main__":
    if len(sys.argv) != 3:
        raise SystemExit(__doc__)
    try:
        node_modules(Path(sys.argv[1]), Path(sys.argv[2]))
    except Unavailable as error:
        raise SystemExit(f"packages.py: {sys.argv[2]}: {error}") from error

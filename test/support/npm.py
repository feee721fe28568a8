"""Packages from npm for the tests, of the versions that a package.json names."""

import fcntl
import json
import shutil
import subprocess

from places import unavailable

INSTALL_SECONDS, TRIES = 300, 2
# Without install scripts and optional packages, which would load from elsewhere than the registry.
INSTALL = ["npm", "install", "--ignore-scripts", "--omit=optional", "--no-package-lock", "--no-audit", "--no-fund",
           "--fetch-retries=1", "--fetch-retry-mintimeout=1000", "--fetch-timeout=30000", "--loglevel=error"]


def _is_installed(modules, versions):
    for name, version in versions.items():
        description = modules / name / "package.json"
        if not description.exists() or json.loads(description.read_text())["version"] != version:
            return False
    return True


def _install(folder, what):
    for _ in range(TRIES):
        try:
            result = subprocess.run(INSTALL, cwd=folder, capture_output=True, text=True, timeout=INSTALL_SECONDS)
        except subprocess.TimeoutExpired:
            unavailable(f"{what}: npm took longer than {INSTALL_SECONDS} s")
        if result.returncode == 0:
            return
    unavailable(f"{what}: npm cannot install it: {' '.join(result.stderr.split())[:200]}")


def node_modules(folder, package, what):
    """Installs into `folder`, once, what the file `package` names; returns its node_modules. Suites that run at the
    same time and need the same folder wait for the one that installs."""
    for program in "node", "npm":
        if not shutil.which(program):
            unavailable(f"{what}: {program} is not installed")
    folder.mkdir(parents=True, exist_ok=True)
    versions = json.loads(package.read_text())["dependencies"]
    modules = folder / "node_modules"
    with open(folder / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not _is_installed(modules, versions):
            shutil.copy(package, folder / "package.json")
            _install(folder, what)
    return modules

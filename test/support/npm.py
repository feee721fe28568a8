"""Packages from npm for the tests."""
import sys

from places import ROOT, unavailable

sys.path.append(str(ROOT / "image/web"))

import packages  # pylint: disable=wrong-import-position


def node_modules(folder, package, what):
    """packages.node_modules; a test that cannot have `what` is unavailable."""
    try:
        return packages.node_modules(folder, package)
    except packages.Unavailable as error:
        return unavailable(f"{what}: {error}")

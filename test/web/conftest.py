"""The page that is tested. Its stories are the host program's, its screen has lines like any machine's."""
import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).resolve().parents[1] / "boot"))

import npm
from made import make_page
from places import BUILD, ROOT, unavailable

SEABIOS = Path("/usr/share/seabios/vgabios-stdvga.bin")


@pytest.fixture(scope="session")
def page(tmp_path_factory):
    if not SEABIOS.exists():
        unavailable("SeaBIOS is not installed: Debian's seabios")
    npm.node_modules(BUILD / "node-v86", ROOT / "image/web/package.json", "v86")
    return make_page(tmp_path_factory.mktemp("page") / "web")

#!/usr/bin/python3
"""Pictures of the web page with its first story told: on a desk, and on a phone.

screenshots.py FOLDER      opens build/web and writes FOLDER/web.png and FOLDER/web-phone.png
"""
import subprocess
import sys
import tempfile
from pathlib import Path

TEST = Path(__file__).resolve().parents[1]
sys.path += [str(TEST / "support"), str(TEST / "boot")]

import npm
from browser import Browser
from places import BUILD, ROOT
from server import Server

SCREEN = "document.getElementById('screen').textContent"
SIZES = {"web": (1000, 1180, False), "web-phone": (390, 844, True)}


def take(browser, url, picture, size):
    browser.begin(*size)
    browser.goto(url)
    browser.click("#switch-on")
    browser.wait("story", SCREEN, lambda text: "tokens/s" in text and text.rstrip().endswith(">"))
    browser.screenshot(str(picture))
    subprocess.run(["convert", picture, "-strip", "+dither", "-colors", "64", f"PNG8:{picture}"], check=True)


def main():
    if len(sys.argv) != 2:
        raise SystemExit(__doc__)
    folder = Path(sys.argv[1]).resolve()
    folder.mkdir(parents=True, exist_ok=True)
    modules = npm.node_modules(BUILD / "node-browser", ROOT / "test/web/package.json", "puppeteer-core")
    server = Server(BUILD / "web")
    with tempfile.TemporaryDirectory() as profile:
        browser = Browser(modules, Path(profile))
        try:
            for name, size in SIZES.items():
                take(browser, server.url, folder / f"{name}.png", size)
        finally:
            browser.close()
            server.close()


if __name__ == "__main__":
    main()

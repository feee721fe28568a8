"""The page as `make web` makes it."""
import os
import subprocess

from places import ROOT


def make_page(folder):
    """Makes the page into `folder`; returns it."""
    subprocess.run(["make", "-s", "web", f"BUILD={os.environ.get('BUILD', 'build')}", f"WEB={folder}"], cwd=ROOT,
                   check=True, env=os.environ | {"SETUP": "0"})
    return folder

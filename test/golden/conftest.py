"""test/model/places.py says where things are, for these tests too."""
import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1] / "model"))

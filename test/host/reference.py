"""Where the logits of the f32 model are: 8 sequences of 256 token ids of stories260K, and what f32 makes of them."""
import os
from pathlib import Path

from places import stories260k, unavailable

SEQUENCES, CONTEXT, VOCABULARY = 8, 256, 512


def reference(name):
    """A file of the folder BOOTLLAMA_REFERENCE, or of the folder "reference" beside BOOTLLAMA_MODELS."""
    stories260k("models/STORIES260K.GGUF")  # without it they are of no use
    folder = os.environ.get("BOOTLLAMA_REFERENCE")
    if not folder and os.environ.get("BOOTLLAMA_MODELS"):
        folder = Path(os.environ["BOOTLLAMA_MODELS"]).resolve().parent / "reference"
    if not folder or not (Path(folder) / name).exists():
        unavailable(f"the reference logits are not here ({name}): BOOTLLAMA_REFERENCE=FOLDER")
    return Path(folder) / name

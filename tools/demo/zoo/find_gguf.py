"""Imports llama.cpp's gguf package: from --gguf-py or $GGUF_PY, else from the source that the project's build keeps."""
import os
import sys

from kernels import cache_folder


def import_gguf(folder=None):
    folder = folder or os.environ.get("GGUF_PY")
    candidates = [folder] if folder else sorted(cache_folder().glob("llama-*/source/gguf-py"))
    if not candidates:
        raise SystemExit("the gguf package was not found; build the project once, or set GGUF_PY to llama.cpp's gguf-py folder")
    sys.path.insert(0, str(candidates[-1]))
    import gguf
    return gguf

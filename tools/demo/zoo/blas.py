"""To be imported before PyTorch and numpy: chooses OpenBLAS's kernels for the processor.

OpenBLAS 0.3.21 (Debian 12) does not know processors newer than itself and takes its AVX2 kernels there; those for
AVX-512 are twice as fast. Variables that are set already stay as they are.
"""
import os
import sys
from pathlib import Path

NEEDED = {"avx512f", "avx512dq", "avx512bw", "avx512vl", "avx512cd"}


def cpu_flags():
    info = Path("/proc/cpuinfo")
    text = info.read_text() if info.exists() else ""
    return next((line for line in text.splitlines() if line.startswith(("flags", "Features"))), "")


def choose():
    if not NEEDED <= set(cpu_flags().split()) or "OPENBLAS_CORETYPE" in os.environ:
        return
    os.environ["OPENBLAS_CORETYPE"] = "SKYLAKEX"
    if "torch" in sys.modules or "numpy" in sys.modules:
        print("blas: PyTorch was imported first, matrix products may take twice as long; "
              "set OPENBLAS_CORETYPE=SKYLAKEX", file=sys.stderr)


os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
choose()

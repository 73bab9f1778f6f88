"""To be imported before PyTorch and numpy: their BLAS works on one thread, as the kernels do."""
import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

"""Fast autograd functions for a CPU: kernels_*.cpp, compiled once with g++ into the cache and called through ctypes.

They work on float32, on one thread, and use the BLAS that PyTorch uses (libblas.so.3; OpenBLAS is the fast one).
Without a compiler, or with ZOO_KERNELS=off, plain.py computes the same.
"""
import blas  # before PyTorch

import ctypes
import hashlib
import os
import subprocess
import sys
from pathlib import Path

import torch

D_HEAD = 32
SOURCES = sorted(Path(__file__).parent.glob("kernels*.cpp")) + [Path(__file__).parent / "kernels.h"]
COMMAND = ["g++", "-std=c++20", "-O3", "-march=native", "-mprefer-vector-width=512", "-fopenmp-simd", "-fno-math-errno",
           "-fno-trapping-math", "-shared", "-fPIC"]
M_TRIM_THRESHOLD, M_MMAP_MAX = -1, -4
QK_NORM_ORDER = {"": 0, "before": 1, "after": 2}


def cache_folder():
    default = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "mascing"
    return Path(os.environ.get("MASCING_CACHE_DIR", default))


def compile_kernels():
    key = hashlib.sha256("".join(p.read_text() for p in SOURCES).encode() + " ".join(COMMAND).encode() + blas.cpu_flags().encode())
    library = cache_folder() / f"zoo-kernels-{key.hexdigest()[:12]}.so"
    if not library.exists():
        library.parent.mkdir(parents=True, exist_ok=True)
        unfinished = library.with_suffix(f".{os.getpid()}.tmp")
        sources = [str(p) for p in SOURCES if p.suffix == ".cpp"]
        subprocess.run([*COMMAND, *sources, "-l:libblas.so.3", "-o", str(unfinished)], check=True)
        unfinished.rename(library)
    return ctypes.CDLL(str(library))


def load():
    if os.environ.get("ZOO_KERNELS") == "off":
        return None
    try:
        library = compile_kernels()
    except (OSError, subprocess.CalledProcessError) as error:
        print(f"kernels: {error}; going on without them, several times slower", file=sys.stderr)
        return None
    # Buffers of some MB come and go with every layer: keep their pages instead of returning them to the system.
    libc = ctypes.CDLL(None)
    libc.mallopt(M_MMAP_MAX, 0)
    libc.mallopt(M_TRIM_THRESHOLD, 2**31 - 1)
    return library


LIBRARY = load()


def is_for(tensor):
    return LIBRARY is not None and tensor.device.type == "cpu"


class Struct(ctypes.Structure):
    @classmethod
    def of(cls, *values):
        return ctypes.byref(cls(*values))


class ExpertShape(Struct):
    _fields_ = [("n_token", ctypes.c_int64)] + [(n, ctypes.c_int) for n in "n_used n_expert d_model d_hidden is_oai".split()]


class ExpertWeights(Struct):
    _fields_ = [(n, ctypes.c_void_p) for n in "w_in w_out b_in b_out".split()]


class ExpertGradients(Struct):
    _fields_ = [(n, ctypes.c_void_p) for n in "d_y d_weight d_w_in d_w_out d_b_in d_b_out".split()]


def pointer(tensor):
    return None if tensor is None else ctypes.c_void_p(tensor.data_ptr())


def address(tensor):
    return None if tensor is None else tensor.data_ptr()


def zeros_like(tensor):
    return None if tensor is None else torch.zeros_like(tensor)


def integer(n):
    return ctypes.c_int64(n)


class RmsNorm(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, weight, bias, eps):
        x = x.contiguous()
        n, d = x.numel() // x.shape[-1], x.shape[-1]
        out, inv_rms = torch.empty_like(x), x.new_empty(n)
        LIBRARY.zoo_norm_forward(pointer(x), pointer(weight), pointer(bias), ctypes.c_float(eps), integer(n), d,
                                 pointer(out), pointer(inv_rms))
        ctx.save_for_backward(x, weight, inv_rms)
        ctx.has_bias = bias is not None
        return out

    @staticmethod
    def backward(ctx, d_out):
        x, weight, inv_rms = ctx.saved_tensors
        d_out, d_x, d_weight = d_out.contiguous(), torch.empty_like(x), torch.zeros_like(weight)
        d_bias = torch.zeros_like(weight) if ctx.has_bias else None
        LIBRARY.zoo_norm_backward(pointer(x), pointer(weight), pointer(inv_rms), pointer(d_out), integer(inv_rms.numel()),
                                  x.shape[-1], pointer(d_x), pointer(d_weight), pointer(d_bias))
        return d_x, d_weight, d_bias, None


def rms_norm(x, weight, bias, eps):
    return RmsNorm.apply(x, weight, bias, eps)


class DocumentAttention(torch.autograd.Function):
    """qkv [N, (H + 2G) * 32] as projected -> [N, H * 32]; `setting` names the rest."""

    @staticmethod
    def forward(ctx, qkv, q_norm, k_norm, sinks, setting):
        n, s, qkv = qkv.shape[0], setting, qkv.contiguous()
        qk = qkv.new_empty(n, (s.n_head + s.n_head_kv) * D_HEAD)
        out, log_sum = qkv.new_zeros(n, s.n_head * D_HEAD), qkv.new_empty(s.n_head, n)
        LIBRARY.zoo_rotary_forward(*s.rotary(qkv, q_norm, k_norm), pointer(qk))
        LIBRARY.zoo_attention_forward(*s.attention(qk, qkv, sinks), pointer(out), pointer(log_sum))
        ctx.save_for_backward(qkv, q_norm, k_norm, sinks, qk, out, log_sum)
        ctx.setting = setting
        return out

    @staticmethod
    def backward(ctx, d_out):
        qkv, q_norm, k_norm, sinks, qk, out, log_sum = ctx.saved_tensors
        s, d_out, d_qk, d_qkv = ctx.setting, d_out.contiguous(), torch.zeros_like(qk), torch.zeros_like(qkv)
        d_q_norm, d_k_norm, d_sinks = zeros_like(q_norm), zeros_like(k_norm), zeros_like(sinks)
        LIBRARY.zoo_attention_backward(*s.attention(qk, qkv, sinks), pointer(out), pointer(log_sum), pointer(d_out),
                                       pointer(d_qk), pointer(d_qkv), pointer(d_sinks))
        LIBRARY.zoo_rotary_backward(*s.rotary(qkv, q_norm, k_norm), pointer(d_qk), pointer(d_qkv), pointer(d_q_norm),
                                    pointer(d_k_norm))
        return d_qkv, d_q_norm, d_k_norm, d_sinks, None


class AttentionSetting:
    """Documents (spans [S, 2] over the flat tokens), angles (cos and sin [N, 1, 16]) and hyper-parameters."""

    def __init__(self, config, window, spans, cos, sin):
        self.n_head, self.n_head_kv, self.eps = config.n_head, config.n_head_kv, config.eps
        self.order, self.window = QK_NORM_ORDER[config.qk_norm], window
        self.spans, self.cos, self.sin = spans.contiguous(), cos.contiguous(), sin.contiguous()

    def rotary(self, qkv, q_norm, k_norm):
        return (pointer(qkv), qkv.shape[1], pointer(self.cos), pointer(self.sin), pointer(q_norm), pointer(k_norm), self.order,
                ctypes.c_float(self.eps), integer(qkv.shape[0]), self.n_head, self.n_head_kv, ctypes.c_float(D_HEAD**-0.5))

    def attention(self, qk, qkv, sinks):
        return (pointer(qk), pointer(qkv), pointer(self.spans), integer(len(self.spans)), pointer(sinks),
                integer(qkv.shape[0]), self.n_head, self.n_head_kv, self.window)


class ExpertRows(torch.autograd.Function):
    @staticmethod
    def forward(ctx, y, weight, chosen, w_in, w_out, b_in, b_out, is_oai):
        y, weight, chosen = y.contiguous(), weight.contiguous(), chosen.contiguous()
        ctx.shape = (y.shape[0], chosen.shape[1], w_in.shape[0], y.shape[1], w_out.shape[1], int(is_oai))
        out, hidden = torch.zeros_like(y), y.new_empty(chosen.numel(), w_in.shape[2])
        LIBRARY.zoo_experts_forward(pointer(y), pointer(weight), pointer(chosen),
                                    ExpertWeights.of(*map(address, (w_in, w_out, b_in, b_out))),
                                    ExpertShape.of(*ctx.shape), pointer(out), pointer(hidden))
        ctx.save_for_backward(y, weight, chosen, w_in, w_out, b_in, b_out, hidden)
        return out

    @staticmethod
    def backward(ctx, d_out):
        y, weight, chosen, *weights, hidden = ctx.saved_tensors
        d_out, d_y, d_weight = d_out.contiguous(), torch.zeros_like(y), torch.empty_like(weight)
        trains = ctx.needs_input_grad[3]
        gradients = [zeros_like(w) if trains else None for w in weights]
        LIBRARY.zoo_experts_backward(pointer(y), pointer(weight), pointer(chosen), ExpertWeights.of(*map(address, weights)),
                                     ExpertShape.of(*ctx.shape), pointer(hidden), pointer(d_out),
                                     ExpertGradients.of(*map(address, (d_y, d_weight, *gradients))))
        return d_y, d_weight, None, *gradients, None


def experts(y, weight, chosen, w_in, w_out, b_in, b_out, activation):
    """As plain.experts."""
    return ExpertRows.apply(y, weight, chosen, w_in, w_out, b_in, b_out, activation == "swiglu_oai")

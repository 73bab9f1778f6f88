"""Fast autograd functions for a CPU: kernels_*.cpp, compiled once with g++ into the cache and called through ctypes.

They work on float32, on one thread, with matrix products of their own (kernels_product.cpp).
Without a compiler, or with ZOO_KERNELS=off, plain.py computes the same.
"""
import ctypes
import hashlib
import os
import platform
import subprocess
import sys
import tempfile
from pathlib import Path

import torch

D_HEAD = 32
SOURCES = sorted(Path(__file__).parent.glob("kernels*.cpp")) + [Path(__file__).parent / "kernels.h"]
COMMAND = ["g++", "-std=c++20", "-O3", "-march=native", "-fopenmp-simd", "-fno-math-errno", "-fno-trapping-math",
           "-ffp-contract=fast", "-shared", "-fPIC"]
if platform.machine() == "x86_64":
    COMMAND.append("-mprefer-vector-width=512")
M_TRIM_THRESHOLD, M_MMAP_MAX = -1, -4
QK_NORM_ORDER = {"": 0, "before": 1, "after": 2}


def cache_folder():
    default = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "mascing"
    return Path(os.environ.get("MASCING_CACHE_DIR", default))


def cpu_flags():
    text = Path("/proc/cpuinfo").read_text() if Path("/proc/cpuinfo").exists() else ""
    return next((line for line in text.splitlines() if line.startswith(("flags", "Features"))), "")


def compile_kernels():
    key = hashlib.sha256("".join(p.read_text() for p in SOURCES).encode() + " ".join(COMMAND).encode() + cpu_flags().encode())
    library = cache_folder() / f"zoo-kernels-{key.hexdigest()[:12]}.so"
    if not library.exists():
        library.parent.mkdir(parents=True, exist_ok=True)
        sources = [str(p) for p in SOURCES if p.suffix == ".cpp"]
        with tempfile.TemporaryDirectory(dir=library.parent) as folder:  # process numbers repeat in containers
            unfinished = Path(folder) / library.name
            subprocess.run([*COMMAND, *sources, "-o", str(unfinished)], check=True)
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


class LossInput(Struct):
    _fields_ = [(n, ctypes.c_void_p) for n in "hidden output bias target weight".split()] + [
        ("n", ctypes.c_int64), ("d_model", ctypes.c_int), ("n_vocab", ctypes.c_int)]


class LossOutput(Struct):
    _fields_ = [(n, ctypes.c_void_p) for n in "nll d_hidden d_output d_bias".split()]


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


class Product(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, w):
        x, w = x.contiguous(), w.contiguous()
        ctx.save_for_backward(x, w)
        ctx.sizes = (x.numel() // x.shape[-1], w.shape[1], w.shape[0])
        out = x.new_empty(*x.shape[:-1], w.shape[1])
        LIBRARY.zoo_product_forward(pointer(x), pointer(w), *ctx.sizes, pointer(out))
        return out

    @staticmethod
    def backward(ctx, d_out):
        x, w = ctx.saved_tensors
        d_out, d_x, d_w = d_out.contiguous(), torch.empty_like(x), torch.zeros_like(w) if ctx.needs_input_grad[1] else None
        LIBRARY.zoo_product_backward(pointer(x), pointer(w), pointer(d_out), *ctx.sizes, pointer(d_x), pointer(d_w))
        return d_x, d_w


def product(x, w):
    """x [..., K] times w [K, N]."""
    return Product.apply(x, w)


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


class WeightedLoss(torch.autograd.Function):
    """Sum of weight * negative log-likelihood, and the latter [N] without a gradient. Gradients are made on the way."""

    @staticmethod
    def forward(ctx, hidden, output, bias, target, weight):
        hidden, target, weight = hidden.contiguous(), target.contiguous(), weight.contiguous()
        nll, gradients = hidden.new_empty(len(hidden)), [torch.empty_like(hidden), torch.zeros_like(output), zeros_like(bias)]
        LIBRARY.zoo_loss(LossInput.of(*map(address, (hidden, output, bias, target, weight)), *hidden.shape, len(output)),
                         LossOutput.of(*map(address, (nll, *gradients))))
        ctx.gradients = gradients
        ctx.mark_non_differentiable(nll)
        return (nll * weight).sum(), nll

    @staticmethod
    def backward(ctx, d_loss, _):
        return (*(None if g is None else g * d_loss for g in ctx.gradients), None, None)


def weighted_loss(hidden, output, bias, target, weight):
    return WeightedLoss.apply(hidden, output, bias, target, weight)

"""The shapes of the trained zoo: what each architecture of llama.cpp has, and how large it is here.

Every model of width 128 has 1,920 to 2,048 hidden units of experts per layer, shared ones included, so that one trained
model can be cut into another (initialise.py). Each shipped file stays below 6 MB and all eight below 45 MB: that is why
some have an expert or two less than a power of two, and why the wide one has a width of 64.
"""
from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Config:
    name: str
    architecture: str  # general.architecture of the GGUF file
    n_expert: int
    n_expert_used: int
    d_expert: int
    n_vocab: int = 2048
    d_model: int = 128
    n_layer: int = 6
    n_head: int = 4
    n_head_kv: int = 2
    d_head: int = 32
    n_context: int = 1024
    eps: float = 1e-5
    rope_base: float = 10000.0
    is_interleaved: bool = False  # the file's rotary pairs are (0, 1), (2, 3) ...; in PyTorch always (0, d/2) ...
    qk_norm: str = ""  # "before" or "after" the rotation
    window: int = 0  # sliding window of layers 0, 2, 4 ... in positions; 0 = none
    has_sinks: bool = False
    has_norm_bias: bool = False
    has_qkv_bias: bool = False
    has_attn_out_bias: bool = False
    has_router_bias: bool = False
    has_expert_bias: bool = False
    has_output_bias: bool = False
    is_tied: bool = True  # the output matrix is the embedding
    weighting: str = "normalised"  # softmax, then the chosen sum to 1; "plain": as they are; "chosen": softmax of the chosen
    activation: str = "swiglu"  # or "swiglu_oai"
    d_shared: int = 0  # width of the shared expert(s)
    n_shared: int = 0  # how many the file says there are
    has_shared_gate: bool = False
    n_dense: int = 0  # leading layers with one dense feed-forward part
    d_dense: int = 0
    file_type: str = "q8_0"  # of the matrices in the shipped file; q5_1: of the experts only

    @property
    def d_qkv(self):
        return (self.n_head + 2 * self.n_head_kv) * self.d_head

    @property
    def d_attn(self):
        return self.n_head * self.d_head

    def layer_window(self, i_layer):
        return self.window if i_layer % 2 == 0 else 0


MIXTRAL = Config("mixtral", "llama", 8, 2, 256, is_interleaved=True)
QWEN3MOE = Config("qwen3moe", "qwen3moe", 16, 2, 128, eps=1e-6, qk_norm="before")
CONFIGS = {c.name: c for c in [
    MIXTRAL,
    QWEN3MOE,
    Config("phimoe", "phimoe", 15, 2, 128, has_norm_bias=True, has_qkv_bias=True, has_attn_out_bias=True,
           has_output_bias=True, is_tied=False),
    Config("gpt-oss", "gpt-oss", 30, 4, 64, window=128, has_sinks=True, has_qkv_bias=True, has_attn_out_bias=True,
           has_router_bias=True, has_expert_bias=True, weighting="chosen", activation="swiglu_oai", is_tied=False),
    Config("qwen2moe", "qwen2moe", 28, 4, 64, eps=1e-6, has_qkv_bias=True, weighting="plain", d_shared=128,
           has_shared_gate=True, is_tied=False),
    Config("hunyuan-moe", "hunyuan-moe", 15, 2, 128, qk_norm="after", d_shared=128, n_shared=1),
    Config("deepseek", "deepseek", 30, 4, 64, eps=1e-6, is_interleaved=True, weighting="plain", d_shared=128, n_shared=2,
           n_dense=1, d_dense=512),
    replace(QWEN3MOE, name="qwen3moe-wide", n_expert=64, n_expert_used=6, d_expert=32, n_layer=12, d_model=64,
            file_type="q5_1"),
]}

"""How the tokens of a batch lie in memory while the layers work on them, and which of them see each other."""
import torch

import kernels
import plain


def rope_rows(positions, d_head, base):
    """cos and sin [..., 1, d / 2] of the rotary angles."""
    rate = base ** (-torch.arange(0, d_head, 2, device=positions.device).float() / d_head)
    angle = positions.float()[..., None, None] * rate
    return torch.cos(angle), torch.sin(angle)


def document_spans(segment):
    """First token and end of each run of equal numbers >= 0 within a row of [B, T], counted over the flat batch; [S, 2]."""
    n_token = segment.shape[1]
    starts = torch.ones_like(segment, dtype=torch.bool)
    starts[:, 1:] = segment[:, 1:] != segment[:, :-1]
    first = starts.flatten().nonzero().flatten()
    end = torch.cat([first[1:], first.new_tensor([segment.numel()])])
    is_real = segment.flatten()[first] >= 0
    return torch.stack([first[is_real], end[is_real]], 1) if n_token else segment.new_zeros(0, 2)


class Packing:
    """On a CPU padding is dropped (unless a router hook wants to see whole rows) and attention works document by
    document; elsewhere rows stay [B, T] and a mask decides."""

    def __init__(self, config, ids, positions, segment, keeps_padding):
        self.shape, self.keep, self.masks = ids.shape, None, {}
        if segment is None:
            segment = torch.zeros_like(ids)
        if positions is None:
            positions = torch.arange(ids.shape[1], device=ids.device).expand(ids.shape)
        self.segment, self.positions = segment, positions
        self.is_fast = kernels.is_for(ids) and config.d_head == kernels.D_HEAD
        if self.is_fast:
            self.spans = document_spans(segment)
            if not keeps_padding and bool((segment < 0).any()):
                self.keep = (segment.flatten() >= 0).nonzero().flatten()
                length = self.spans[:, 1] - self.spans[:, 0]
                end = length.cumsum(0)
                self.spans = torch.stack([end - length, end], 1)
                positions = positions.flatten()[self.keep]
        self.rope = rope_rows(positions, config.d_head, config.rope_base)

    def pack(self, x):
        """[B, T, D], or [N, D] without padding."""
        return x if self.keep is None else x.flatten(0, 1)[self.keep]

    def unpack(self, x):
        if self.keep is None:
            return x
        full = x.new_zeros(self.shape[0] * self.shape[1], x.shape[-1])
        return full.index_copy(0, self.keep, x).view(*self.shape, -1)

    def mask(self, window):
        if window not in self.masks:
            self.masks[window] = plain.segment_mask(self.segment, self.positions, window)
        return self.masks[window]

    def setting(self, config, window):
        if window not in self.masks:
            self.masks[window] = kernels.AttentionSetting(config, window, self.spans, *self.rope)
        return self.masks[window]

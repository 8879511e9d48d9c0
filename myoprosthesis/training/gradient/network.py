"""The policy while it is trained: a gated recurrent unit between a fixed normaliser and a sigmoid read-out."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from myoprosthesis.onnx_graphs.graph_builder import CLIP


class ReachPolicy(nn.Module):
    """GRU (Cho et al. 2014, in the variant whose reset gate acts after the recurrent product) → excitation 0..1.

    Batch last, as the twin: observation (n_obs, batch), hidden (n_hidden, batch), action (n_act, batch). Rows of
    the gate matrices are reset, update, candidate.
    """

    mean: Tensor
    scale: Tensor

    def __init__(self, mean: Tensor, scale: Tensor, n_hidden: int, n_act: int, generator: torch.Generator) -> None:
        """`mean` and `scale` (n_obs,) make up the normaliser (x − mean) · scale; `generator` draws the weights."""
        super().__init__()
        n_obs = mean.numel()
        self.n_obs, self.n_hidden, self.n_act = n_obs, n_hidden, n_act
        self.register_buffer("mean", mean.float()[:, None].clone())
        self.register_buffer("scale", scale.float()[:, None].clone())
        bound = (6 / (n_obs + n_hidden)) ** 0.5
        self.w_in = nn.Parameter(torch.empty(3 * n_hidden, n_obs).uniform_(-bound, bound, generator=generator))
        blocks = [torch.linalg.qr(torch.randn(n_hidden, n_hidden, generator=generator))[0] for _ in range(3)]
        self.w_rec = nn.Parameter(torch.cat(blocks))
        self.b_in = nn.Parameter(torch.zeros(3 * n_hidden, 1))
        self.b_rec = nn.Parameter(torch.zeros(3 * n_hidden, 1))
        bound = (6 / (n_act + n_hidden)) ** 0.5
        self.w_out = nn.Parameter(torch.empty(n_act, n_hidden).uniform_(-bound, bound, generator=generator))
        self.b_out = nn.Parameter(torch.full((n_act, 1), -4.0))  # relaxed at first: sigmoid(−4) = 0.018

    def forward(self, observation: Tensor, hidden: Tensor) -> tuple[Tensor, Tensor]:
        """(action, next hidden state)."""
        n = self.n_hidden
        x = ((observation - self.mean) * self.scale).clamp(-CLIP, CLIP)
        g_in = torch.addmm(self.b_in, self.w_in, x)
        g_rec = torch.addmm(self.b_rec, self.w_rec, hidden)
        reset = torch.sigmoid(g_in[:n] + g_rec[:n])
        update = torch.sigmoid(g_in[n : 2 * n] + g_rec[n : 2 * n])
        candidate = torch.tanh(g_in[2 * n :] + reset * g_rec[2 * n :])
        hidden = candidate + update * (hidden - candidate)
        return torch.sigmoid(torch.addmm(self.b_out, self.w_out, hidden)), hidden

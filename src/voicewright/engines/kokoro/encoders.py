"""What reads the phonemes: PL-BERT (an ALBERT) for prosody, a convolutional encoder for content.

b batch · n tokens · c channels
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from voicewright.engines.kokoro.config import KokoroConfig


class PhonemeBert(nn.Module):
    """PL-BERT (Li et al. 2023): ALBERT, one transformer layer applied `bert_repeats` times (Lan et al. 2020)."""

    def __init__(self, config: KokoroConfig) -> None:
        super().__init__()
        self.embeddings = _Embeddings(config)
        self.encoder = _AlbertEncoder(config)

    def forward(self, tokens: Tensor) -> Tensor:
        """(b, n) → (b, n, bert_width)"""
        read: Tensor = self.encoder(self.embeddings(tokens))
        return read


class _AlbertEncoder(nn.Module):
    """The one layer, applied again and again; its two levels of lists are the names of the published tensors."""

    def __init__(self, config: KokoroConfig) -> None:
        super().__init__()
        self.repeats = config.bert_repeats
        self.embedding_hidden_mapping_in = nn.Linear(config.bert_embedding, config.bert_width)
        self.albert_layer_groups = nn.ModuleList(
            [nn.ModuleDict({"albert_layers": nn.ModuleList([_AlbertLayer(config)])})]
        )

    def forward(self, x: Tensor) -> Tensor:
        (layer,) = (m for m in self.albert_layer_groups.modules() if isinstance(m, _AlbertLayer))
        x = self.embedding_hidden_mapping_in(x)
        for _ in range(self.repeats):
            x = layer(x)
        return x


class _Embeddings(nn.Module):
    def __init__(self, config: KokoroConfig) -> None:
        super().__init__()
        width = config.bert_embedding
        self.word_embeddings = nn.Embedding(config.symbols, width)
        self.position_embeddings = nn.Embedding(config.bert_positions, width)
        self.token_type_embeddings = nn.Embedding(2, width)
        self.LayerNorm = nn.LayerNorm(width, eps=1e-12)

    def forward(self, tokens: Tensor) -> Tensor:
        positions = self.position_embeddings.weight[: tokens.shape[1]]
        normed: Tensor = self.LayerNorm(self.word_embeddings(tokens) + positions + self.token_type_embeddings.weight[0])
        return normed


class _AlbertLayer(nn.Module):
    def __init__(self, config: KokoroConfig) -> None:
        super().__init__()
        width = config.bert_width
        self.attention = _Attention(width, config.bert_heads)
        self.ffn = nn.Linear(width, config.bert_inner)
        self.ffn_output = nn.Linear(config.bert_inner, width)
        self.full_layer_layer_norm = nn.LayerNorm(width, eps=1e-12)

    def forward(self, x: Tensor) -> Tensor:
        x = self.attention(x)
        inner = self.ffn_output(F.gelu(self.ffn(x), approximate="tanh"))
        normed: Tensor = self.full_layer_layer_norm(inner + x)
        return normed


class _Attention(nn.Module):
    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.query = nn.Linear(width, width)
        self.key = nn.Linear(width, width)
        self.value = nn.Linear(width, width)
        self.dense = nn.Linear(width, width)
        self.LayerNorm = nn.LayerNorm(width, eps=1e-12)

    def forward(self, x: Tensor) -> Tensor:
        b, n, c = x.shape
        q, k, v = (f(x).view(b, n, self.heads, -1).transpose(1, 2) for f in (self.query, self.key, self.value))
        mixed = F.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(b, n, c)
        normed: Tensor = self.LayerNorm(x + self.dense(mixed))
        return normed


class TextEncoder(nn.Module):
    """Phonemes to content: convolutions, then a bidirectional LSTM."""

    def __init__(self, config: KokoroConfig) -> None:
        super().__init__()
        width = config.width
        self.embedding = nn.Embedding(config.symbols, width)
        self.cnn = nn.ModuleList(
            nn.Sequential(
                nn.Conv1d(width, width, config.text_kernel, padding=config.text_kernel // 2),
                _ChannelNorm(width),
                nn.LeakyReLU(0.2),
            )
            for _ in range(config.text_layers)
        )
        self.lstm = nn.LSTM(width, width // 2, batch_first=True, bidirectional=True)

    def forward(self, tokens: Tensor) -> Tensor:
        """(b, n) → (b, width, n)"""
        x = self.embedding(tokens).transpose(1, 2)
        for block in self.cnn:
            x = block(x)
        content: Tensor = self.lstm(x.transpose(1, 2))[0]
        return content.transpose(1, 2)


class _ChannelNorm(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.gamma = nn.Parameter(torch.ones(channels))
        self.beta = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor) -> Tensor:
        return F.layer_norm(x.transpose(1, 2), self.gamma.shape, self.gamma, self.beta, 1e-5).transpose(1, 2)

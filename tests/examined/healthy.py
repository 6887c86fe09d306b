"""Networks full of zeros, constants and odd scales at their start that nevertheless learn well.

Each case returns `(module, loss)`; CASES holds its function and no kinds of failure.
"""

import copy
import functools
import math

import torch
import torch.nn.functional as F
import torchvision
from torch import nn
from torchvision.models.convnext import CNBlockConfig, ConvNeXt

from tests.examined.parts import Attention, Block, blobs

CASES = {}


def healthy(make):
    """Register a case that a checker should leave in peace."""

    @functools.wraps(make)
    def case():
        torch.manual_seed(0)
        return make()

    CASES[make.__name__] = (case, ())
    return case


def sequences(n, length, vocab):
    """Tokens that follow one another by a fixed rule."""
    tokens = [torch.randint(vocab, (n,))]
    for _ in range(length):
        tokens.append((tokens[-1] * 7 + 3) % vocab)
    return torch.stack(tokens, 1)


def zero(*layers):
    """Set all parameters of some layers to zero."""
    for layer in layers:
        for p in layer.parameters():
            nn.init.zeros_(p)


# torchvision --------------------------------------------------------------------------------------


@healthy
def resnet18_zero_init_residual():
    """The last BatchNorm gain of each block is 0, but the shortcut carries signal and gradient."""
    net = torchvision.models.resnet18(num_classes=10, zero_init_residual=True)
    x, y = blobs(20, 10, 3, 32, 32)
    return net, lambda: F.cross_entropy(net(x), y)


@healthy
def vit_zero_head():
    """The head, the class token and all its biases are 0: the head moves first, then the rest."""
    net = torchvision.models.VisionTransformer(
        image_size=24, patch_size=8, num_layers=3, num_heads=4, hidden_dim=48, mlp_dim=96
    )
    net.heads = nn.Sequential(nn.Linear(48, 10))
    zero(net.heads)
    x, y = blobs(30, 10, 3, 24, 24)
    return net, lambda: F.cross_entropy(net(x), y)


@healthy
def convnext_layer_scale():
    """Layer scale 1e-6 mutes every block at first; the shortcut carries what matters."""
    setting = [CNBlockConfig(24, 48, 2), CNBlockConfig(48, 96, 2), CNBlockConfig(96, None, 2)]
    net = ConvNeXt(setting, layer_scale=1e-6, num_classes=10)
    x, y = blobs(20, 10, 3, 32, 32)
    return net, lambda: F.cross_entropy(net(x), y)


@healthy
def mobilenet_v3_small():
    """A head from N(0, 0.01²), hard sigmoids and hard swishes with flat parts, dropout."""
    net = torchvision.models.mobilenet_v3_small(num_classes=10)
    x, y = blobs(32, 10, 3, 48, 48)
    return net, lambda: F.cross_entropy(net(x), y)


@healthy
def alexnet():
    """No normalization, default weights that shrink the signal, half the units dropped."""
    net = torchvision.models.alexnet(num_classes=10)
    x, y = blobs(20, 10, 3, 64, 64, noise=0.2)
    return net, lambda: F.cross_entropy(net(x), y)


# Zeros that one step mends ------------------------------------------------------------------------


@healthy
def zero_last_layer():
    """Answers start at 0 and only the last layer has a gradient, for one step."""
    net = nn.Sequential(nn.Linear(6, 48), nn.SiLU(), nn.Linear(48, 48), nn.SiLU(), nn.Linear(48, 2))
    zero(net[-1])
    x = torch.randn(64, 6)
    y = torch.stack([torch.sin(2 * x[:, 0]), x[:, 1] * x[:, 2]], 1)
    return net, lambda: F.mse_loss(net(x), y)


@healthy
def rezero():
    """Each of 24 residual blocks is multiplied by a scalar 0, which has a gradient at once."""

    class ReZero(nn.Module):
        def __init__(self, dim):
            super().__init__()
            self.fc, self.alpha = nn.Linear(dim, dim), nn.Parameter(torch.zeros(()))

        def forward(self, x):
            return x + self.alpha * F.relu(self.fc(x))

    net = nn.Sequential(nn.Linear(12, 32), *(ReZero(32) for _ in range(24)), nn.Linear(32, 6))
    x, y = blobs(48, 6, 12, noise=1)
    return net, lambda: F.cross_entropy(net(x), y)


class LoRALinear(nn.Module):
    def __init__(self, linear, rank=4):
        super().__init__()
        self.linear = linear.requires_grad_(False)
        self.lora_A = nn.Parameter(torch.randn(rank, linear.in_features) / rank)
        self.lora_B = nn.Parameter(torch.zeros(linear.out_features, rank))

    def forward(self, x):
        return self.linear(x) + F.linear(F.linear(x, self.lora_A), self.lora_B)


@healthy
def lora_b_zero():
    """LoRA's B is 0 and A has no gradient until B has moved; the rest is frozen by intent."""
    net = nn.Sequential(nn.Linear(12, 32), Block(32, 4), Block(32, 4), nn.Linear(32, 6))
    net.requires_grad_(False)
    for block in net[1:3]:
        block.attention.qkv = LoRALinear(block.attention.qkv)
        block.mlp[0] = LoRALinear(block.mlp[0])
    x, y = blobs(36, 6, 5, 12)
    return net, lambda: F.cross_entropy(net(x).mean(1), y)


@healthy
def controlnet_zero_convolution():
    """One zero convolution joins a control branch to a frozen net; the branch lags a step."""

    class ControlledNet(nn.Module):
        def __init__(self, width=16):
            super().__init__()
            self.base = nn.Conv2d(3, width, 3, padding=1).requires_grad_(False)
            self.out = nn.Conv2d(width, 3, 3, padding=1).requires_grad_(False)
            self.hint = nn.Sequential(
                nn.Conv2d(1, width, 3, padding=1), nn.SiLU(), nn.Conv2d(width, width, 3, padding=1)
            )
            self.zero_conv = nn.Conv2d(width, width, 1)
            zero(self.zero_conv)

        def forward(self, x, hint):
            return self.out(F.silu(self.base(x) + self.zero_conv(self.hint(hint))))

    net, x, hint = ControlledNet(), torch.randn(16, 3, 8, 8), torch.randn(16, 1, 8, 8)
    target = 0.5 * F.avg_pool2d(hint, 3, 1, 1).expand(-1, 3, -1, -1) + net(x, hint).detach()
    return net, lambda: F.mse_loss(net(x, hint), target)


@healthy
def adaln_zero():
    """DiT: zero modulation closes every block and the output is 0, a step or two each."""

    class DiTBlock(nn.Module):
        def __init__(self, dim):
            super().__init__()
            self.norm = nn.LayerNorm(dim, elementwise_affine=False)
            self.attention = Attention(dim, 4)
            self.mlp = nn.Sequential(nn.Linear(dim, 2 * dim), nn.GELU(), nn.Linear(2 * dim, dim))
            self.modulation = nn.Linear(dim, 6 * dim)
            zero(self.modulation)

        def forward(self, x, c):
            scale1, shift1, gate1, scale2, shift2, gate2 = (
                self.modulation(F.silu(c)).unsqueeze(1).chunk(6, -1)
            )
            x = x + gate1 * self.attention(self.norm(x) * (1 + scale1) + shift1)
            return x + gate2 * self.mlp(self.norm(x) * (1 + scale2) + shift2)

    class DiT(nn.Module):
        def __init__(self, dim=32):
            super().__init__()
            self.stem, self.time = nn.Linear(4, dim), nn.Linear(1, dim)
            self.blocks = nn.ModuleList(DiTBlock(dim) for _ in range(3))
            self.norm, self.out = nn.LayerNorm(dim), nn.Linear(dim, 4)
            zero(self.out)

        def forward(self, x, t):
            x, c = self.stem(x), self.time(t)
            for block in self.blocks:
                x = block(x, c)
            return self.out(self.norm(x))

    net, clean, noise = DiT(), torch.ones(32, 9, 4), torch.randn(32, 9, 4)
    t = torch.rand(32, 1)
    x = (1 - t).unsqueeze(-1) * clean + t.unsqueeze(-1) * noise
    return net, lambda: F.mse_loss(net(x, t), noise - clean)


@healthy
def fixup():
    """Fixup: zero second convolutions, zero head, scalar biases of 0, and no normalization."""

    class FixupBlock(nn.Module):
        def __init__(self, width, blocks):
            super().__init__()
            self.conv1 = nn.Conv2d(width, width, 3, padding=1, bias=False)
            self.conv2 = nn.Conv2d(width, width, 3, padding=1, bias=False)
            self.biases = nn.ParameterList(torch.zeros(1) for _ in range(4))
            self.scale = nn.Parameter(torch.ones(1))
            nn.init.normal_(self.conv1.weight, std=(2 / (9 * width * blocks)) ** 0.5)
            nn.init.zeros_(self.conv2.weight)

        def forward(self, x):
            h = F.relu(self.conv1(x + self.biases[0]) + self.biases[1])
            return F.relu(x + self.scale * self.conv2(h + self.biases[2]) + self.biases[3])

    net = nn.Sequential(
        nn.Conv2d(3, 12, 3, 2, 1), nn.ReLU(), *(FixupBlock(12, 8) for _ in range(8))
    )
    net.extend([nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(48, 6)])
    zero(net[-1])
    x, y = blobs(24, 6, 3, 12, 12)
    return net, lambda: F.cross_entropy(net(x), y)


@healthy
def affine_coupling_flow():
    """RealNVP's couplings end in zero layers: the flow starts as the identity."""

    class Coupling(nn.Module):
        def __init__(self, flip):
            super().__init__()
            self.flip = flip
            self.net = nn.Sequential(nn.Linear(1, 32), nn.Tanh(), nn.Linear(32, 2))
            zero(self.net[-1])

        def forward(self, x):
            kept, moved = x.flip(-1).chunk(2, -1) if self.flip else x.chunk(2, -1)
            shift, log_scale = self.net(kept).chunk(2, -1)
            return torch.cat([kept, moved * log_scale.exp() + shift], -1), log_scale.squeeze(-1)

    class Flow(nn.Module):
        def __init__(self):
            super().__init__()
            self.couplings = nn.ModuleList(Coupling(i % 2 == 1) for i in range(6))

        def forward(self, x):
            log_det = 0
            for coupling in self.couplings:
                x, step = coupling(x)
                log_det = log_det + step
            return (x.pow(2).sum(-1) / 2 + math.log(2 * math.pi) - log_det).mean()

    net, a = Flow(), torch.randn(64)
    x = torch.stack([2 * a, a**2 - 1 + 0.1 * torch.randn(64)], 1)
    return net, lambda: net(x)


@healthy
def zero_centred_rms_gain():
    """Gemma's RMSNorm holds gains of 0 and multiplies by 1 + gain."""

    class RMSNorm(nn.Module):
        def __init__(self, dim):
            super().__init__()
            self.weight = nn.Parameter(torch.zeros(dim))

        def forward(self, x):
            return F.rms_norm(x, x.shape[-1:]) * (1 + self.weight)

    class GatedMLP(nn.Module):
        def __init__(self, dim):
            super().__init__()
            self.norm, self.up = RMSNorm(dim), nn.Linear(dim, 4 * dim, bias=False)
            self.down = nn.Linear(2 * dim, dim, bias=False)

        def forward(self, x):
            gate, value = self.up(self.norm(x)).chunk(2, -1)
            return x + self.down(F.gelu(gate) * value)

    net = nn.Sequential(nn.Linear(10, 24), *(GatedMLP(24) for _ in range(3)), RMSNorm(24))
    net.append(nn.Linear(24, 7))
    x, y = blobs(42, 7, 10)
    return net, lambda: F.cross_entropy(net(x), y)


@healthy
def many_classes_zero_head():
    """A zero head for 1000 classes of which the batch holds three, most of it one of them."""
    net = nn.Sequential(nn.Conv1d(2, 16, 5, 2), nn.ReLU(), nn.Conv1d(16, 16, 5, 2), nn.ReLU())
    net.extend([nn.Flatten(), nn.Linear(16 * 5, 1000)])
    zero(net[-1])
    kind = (torch.arange(40) > 31).long() + (torch.arange(40) > 35).long()
    x = torch.randn(3, 2, 32)[kind] + 0.5 * torch.randn(40, 2, 32)
    y = torch.tensor([7, 400, 993])[kind]
    return net, lambda: F.cross_entropy(net(x), y)


# Parts without a gradient, by intent --------------------------------------------------------------


@healthy
def frozen_backbone():
    """Transfer learning: the backbone is frozen, only the head is meant to learn."""
    backbone = nn.Sequential(
        nn.Conv2d(3, 24, 3, 2, 1), nn.BatchNorm2d(24), nn.ReLU(), nn.Conv2d(24, 48, 3, 2, 1)
    ).requires_grad_(False)
    net = nn.Sequential(backbone, nn.ReLU(), nn.AdaptiveAvgPool2d(2), nn.Flatten())
    net.append(nn.Linear(192, 8))
    x, y = blobs(40, 8, 3, 16, 16)
    return net, lambda: F.cross_entropy(net(x), y)


@healthy
def auxiliary_head_unused():
    """An auxiliary head as in GoogLeNet's, which this loss leaves out on purpose."""

    class Inception(nn.Module):
        def __init__(self, before, width):
            super().__init__()
            self.branches = nn.ModuleList(nn.Conv2d(before, width, k, 1, k // 2) for k in (1, 3, 5))
            self.norm = nn.BatchNorm2d(3 * width)

        def forward(self, x):
            return F.relu(self.norm(torch.cat([branch(x) for branch in self.branches], 1)))

    class SmallGoogLeNet(nn.Module):
        def __init__(self):
            super().__init__()
            self.inception1, self.inception2 = Inception(3, 8), Inception(24, 12)
            self.aux, self.head = nn.Linear(24, 10), nn.Linear(36, 10)

        def forward(self, x, auxiliary=False):
            x = F.max_pool2d(self.inception1(x), 2)
            aux = self.aux(x.mean((2, 3))) if auxiliary else None
            return self.head(self.inception2(x).mean((2, 3))), aux

    net, (x, y) = SmallGoogLeNet(), blobs(40, 10, 3, 12, 12)
    return net, lambda: F.cross_entropy(net(x)[0], y)


@healthy
def momentum_target():
    """BYOL: the target network is a frozen copy that another rule moves, not the gradient."""

    class BYOL(nn.Module):
        def __init__(self):
            super().__init__()
            self.online = nn.Sequential(
                nn.Linear(20, 64), nn.BatchNorm1d(64), nn.ReLU(), nn.Linear(64, 16)
            )
            self.target = copy.deepcopy(self.online).requires_grad_(False)
            self.predictor = nn.Sequential(nn.Linear(16, 64), nn.ReLU(), nn.Linear(64, 16))

        def forward(self, a, b):
            guess = self.predictor(self.online(a))
            return 2 - 2 * F.cosine_similarity(guess, self.target(b)).mean()

    net, x = BYOL(), torch.randn(64, 20)
    a, b = x + 0.2 * torch.randn(64, 20), x + 0.2 * torch.randn(64, 20)
    return net, lambda: net(a, b) + net(b, a)


@healthy
def pruned_by_mask():
    """A lottery ticket: a fixed mask keeps 80 % of the weights at 0 and without gradient."""

    class Masked(nn.Linear):
        def __init__(self, before, after):
            super().__init__(before, after)
            nn.init.kaiming_normal_(self.weight)
            self.register_buffer("mask", (torch.rand(after, before) < 0.2).float() * 5**0.5)

        def forward(self, x):
            return F.linear(x, self.weight * self.mask, self.bias)

    net = nn.Sequential(Masked(30, 100), nn.ReLU(), Masked(100, 50), nn.ReLU(), nn.Linear(50, 10))
    x, y = blobs(60, 10, 30)
    return net, lambda: F.cross_entropy(net(x), y)


@healthy
def padded_bag_of_words():
    """Most rows of the embedding are no word of this batch, and the padding row stays 0."""

    class BagOfWords(nn.Module):
        def __init__(self):
            super().__init__()
            self.word, self.head = nn.Embedding(2000, 24, padding_idx=0), nn.Linear(24, 4)

        def forward(self, words):
            return self.head(self.word(words).sum(1) / (words > 0).sum(1, keepdim=True))

    net, y = BagOfWords(), torch.arange(48) % 4
    words = 1 + 10 * y.view(-1, 1) + torch.randint(10, (48, 12))
    words[torch.arange(12) >= torch.randint(4, 12, (48, 1))] = 0
    return net, lambda: F.cross_entropy(net(words), y)


@healthy
def digits_with_blank_border():
    """Two thirds of the pixels are 0 in every image, so their weights get no gradient."""
    net = nn.Sequential(nn.Flatten(), nn.Linear(784, 64), nn.ReLU(), nn.Linear(64, 10))
    x, y = blobs(50, 10, 1, 16, 16)
    x = F.pad(x.sigmoid(), (6, 6, 6, 6))
    return net, lambda: F.cross_entropy(net(x), y)


@healthy
def fourier_features():
    """NeRF: positions become sines up to 2^5 by fixed frequencies; density passes a ReLU."""

    class Field(nn.Module):
        def __init__(self):
            super().__init__()
            self.register_buffer("frequencies", math.pi * 2.0 ** torch.arange(6))
            self.body = nn.Sequential(nn.Linear(24, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU())
            self.out = nn.Linear(64, 3)

        def forward(self, x):
            phase = (x.unsqueeze(-1) * self.frequencies).flatten(1)
            return torch.sigmoid(self.out(self.body(torch.cat([phase.sin(), phase.cos()], 1))))

    net, x = Field(), 2 * torch.rand(64, 2) - 1
    colour = 0.5 + 0.4 * torch.sin(9 * x[:, :1] + torch.tensor([0.0, 2, 4]) + 5 * x[:, 1:] ** 2)
    return net, lambda: F.mse_loss(net(x), colour)


# Equal at first, but not for long -----------------------------------------------------------------


@healthy
def zero_positional_embedding():
    """All positions start at zero, but each receives a gradient of its own."""

    class Tagger(nn.Module):
        def __init__(self, vocab=12, dim=32):
            super().__init__()
            self.token = nn.Embedding(vocab, dim)
            self.position = nn.Parameter(torch.zeros(8, dim))
            self.blocks = nn.Sequential(Block(dim, 4), Block(dim, 4))
            self.head = nn.Linear(dim, vocab)

        def forward(self, tokens):
            return self.head(self.blocks(self.token(tokens) + self.position))

    net, tokens = Tagger(), torch.randint(12, (24, 8))
    y = tokens.roll(1, 1)
    return net, lambda: F.cross_entropy(net(tokens).flatten(0, 1), y.flatten())


@healthy
def transformer_encoder_copies():
    """nn.TransformerEncoder deep-copies one layer, so all layers start with the same values."""

    class Encoder(nn.Module):
        def __init__(self, dim=32):
            super().__init__()
            layer = nn.TransformerEncoderLayer(dim, 4, 64, batch_first=True)
            self.token, self.encoder = nn.Embedding(30, dim), nn.TransformerEncoder(layer, 4)
            self.head = nn.Linear(dim, 5)

        def forward(self, tokens):
            return self.head(self.encoder(self.token(tokens)).mean(1))

    net, tokens = Encoder(), torch.randint(30, (40, 9))
    y = tokens[:, 0] % 5
    return net, lambda: F.cross_entropy(net(tokens), y)


@healthy
def upcycled_experts():
    """Experts are copies of one, but a random gate weighs them differently for each token."""

    class MixtureOfExperts(nn.Module):
        def __init__(self, dim, experts=4):
            super().__init__()
            expert = nn.Sequential(nn.Linear(dim, 24), nn.GELU(), nn.Linear(24, dim))
            self.experts = nn.ModuleList(copy.deepcopy(expert) for _ in range(experts))
            self.gate = nn.Linear(dim, experts, bias=False)

        def forward(self, x):
            weights = self.gate(x).softmax(-1)
            return x + torch.einsum(
                "ne,end->nd", weights, torch.stack([e(x) for e in self.experts])
            )

    net = nn.Sequential(nn.Linear(8, 16), MixtureOfExperts(16), MixtureOfExperts(16))
    net.append(nn.Linear(16, 6))
    x, y = blobs(48, 6, 8, noise=1)
    return net, lambda: F.cross_entropy(net(x), y)


@healthy
def graph_transformer_constants():
    """All channels mix the edge types by the same 0.1, but what they send is weighted apart.

    Asked about in seongjunyun/Graph_Transformer_Networks#16.
    """

    class GraphTransformer(nn.Module):
        def __init__(self, channels=4, kinds=3):
            super().__init__()
            self.mix = nn.Parameter(torch.full((2, channels, kinds), 0.1))
            self.weight = nn.Linear(6, 16)
            self.head = nn.Sequential(nn.Linear(16 * channels, 32), nn.ReLU(), nn.Linear(32, 3))

        def forward(self, x, edges):
            first, second = torch.einsum("lck,knm->lcnm", self.mix.softmax(-1), edges)
            path = first @ second
            path = path / path.sum(-1, keepdim=True).clamp(min=1e-6)
            return self.head(F.relu(path @ self.weight(x)).permute(1, 0, 2).flatten(1))

    net, x = GraphTransformer(), torch.randn(40, 6)
    edges = (torch.rand(3, 40, 40) < 0.08).float() + torch.eye(40)
    y = (edges[0] @ x)[:, :3].argmax(1)
    return net, lambda: F.cross_entropy(net(x, edges), y)


@healthy
def mixture_density_spread_biases():
    """A mixture density head of zeros whose means differ by their biases alone."""

    class MixtureDensity(nn.Module):
        def __init__(self, components=5):
            super().__init__()
            self.body = nn.Sequential(nn.Linear(1, 32), nn.Tanh(), nn.Linear(32, 32), nn.Tanh())
            self.head = nn.Linear(32, 3 * components)
            zero(self.head)
            with torch.no_grad():
                self.head.bias[components : 2 * components] = torch.linspace(-2, 2, components)

        def forward(self, x, y):
            logits, mean, log_scale = self.head(self.body(x)).chunk(3, -1)
            density = torch.distributions.Normal(mean, log_scale.exp()).log_prob(y)
            return -(logits.log_softmax(-1) + density).logsumexp(-1).mean()

    net, x = MixtureDensity(), 2 * torch.rand(64, 1) - 1
    branch = torch.arange(64).view(-1, 1) % 2 * 2 - 1
    y = branch * (1 + x**2) + 0.05 * torch.randn(64, 1)
    return net, lambda: net(x, y)


@healthy
def one_layer_called_six_times():
    """ALBERT: six layers are one module, so of course they are equal."""

    class Shared(nn.Module):
        def __init__(self, vocab=64, dim=32):
            super().__init__()
            self.token, self.position = nn.Embedding(vocab, dim), nn.Embedding(12, dim)
            self.block, self.norm = Block(dim, 4), nn.LayerNorm(dim)
            self.head = nn.Linear(dim, vocab)

        def forward(self, tokens):
            x = self.token(tokens) + self.position.weight
            for _ in range(6):
                x = self.block(x)
            return self.head(self.norm(x))

    net, tokens = Shared(), sequences(16, 11, 64)
    y, masked = tokens.clone(), torch.rand(tokens.shape) < 0.3
    tokens[masked] = 0
    return net, lambda: F.cross_entropy(net(tokens)[masked], y[masked])


# Constants and odd scales -------------------------------------------------------------------------


@healthy
def lstm_forget_bias():
    """All biases are 0 but the forget gates', which are 1; recurrent weights orthogonal."""

    class Classifier(nn.Module):
        def __init__(self, hidden=32):
            super().__init__()
            self.embedding = nn.Embedding(20, 16)
            self.lstm = nn.LSTM(16, hidden, batch_first=True, bidirectional=True)
            self.head = nn.Linear(2 * hidden, 4)
            for name, p in self.lstm.named_parameters():
                if "bias" in name:
                    nn.init.zeros_(p)
                    p.data[hidden : 2 * hidden] = 0.5
                elif "hh" in name:
                    nn.init.orthogonal_(p)

        def forward(self, tokens):
            return self.head(self.lstm(self.embedding(tokens))[0].mean(1))

    net, tokens = Classifier(), torch.randint(20, (32, 10))
    y = (tokens[:, 0] + tokens[:, -1]) % 4
    return net, lambda: F.cross_entropy(net(tokens), y)


@healthy
def identity_rnn():
    """IRNN: a ReLU RNN whose recurrent weights are the identity and whose biases are 0."""

    class Counter(nn.Module):
        def __init__(self):
            super().__init__()
            self.rnn = nn.RNN(3, 32, nonlinearity="relu", batch_first=True)
            self.out = nn.Linear(32, 1)
            nn.init.eye_(self.rnn.weight_hh_l0)
            nn.init.normal_(self.rnn.weight_ih_l0, std=0.05)
            for bias in (self.rnn.bias_ih_l0, self.rnn.bias_hh_l0):
                nn.init.zeros_(bias)

        def forward(self, x):
            return self.out(self.rnn(x)[0][:, -1]).squeeze(-1)

    net, x = Counter(), torch.randint(2, (32, 30, 3)).float()
    y = (x[:, :, 0].sum(1) - 15) / 5
    return net, lambda: F.mse_loss(net(x), y)


@healthy
def dcgan_discriminator():
    """All convolutions from N(0, 0.02²): BatchNorm makes up for the scale."""
    net = nn.Sequential(nn.Conv2d(3, 16, 4, 2, 1), nn.LeakyReLU(0.2))
    for before, after in ((16, 32), (32, 64)):
        net.extend([nn.Conv2d(before, after, 4, 2, 1, bias=False), nn.BatchNorm2d(after)])
        net.append(nn.LeakyReLU(0.2))
        nn.init.normal_(net[-2].weight, 1, 0.02)
    net.extend([nn.Conv2d(64, 1, 2, bias=False), nn.Flatten(0)])
    for m in net:
        if isinstance(m, nn.Conv2d):
            nn.init.normal_(m.weight, 0, 0.02)
    real = torch.tanh(F.interpolate(torch.randn(16, 3, 4, 4), size=16, mode="bilinear"))
    x, y = torch.cat([real, torch.tanh(torch.randn(16, 3, 16, 16))]), torch.arange(32) < 16
    return net, lambda: F.binary_cross_entropy_with_logits(net(x), y.float())


@healthy
def siren():
    """Sines of 30 times the pre-activation, with weights shrunk to match."""

    class Sine(nn.Module):
        def __init__(self, before, after, bound):
            super().__init__()
            self.linear = nn.Linear(before, after)
            nn.init.uniform_(self.linear.weight, -bound, bound)

        def forward(self, x):
            return torch.sin(30 * self.linear(x))

    hidden = (6 / 64) ** 0.5 / 30
    net = nn.Sequential(Sine(2, 64, 1 / 2), Sine(64, 64, hidden), Sine(64, 64, hidden))
    net.append(nn.Linear(64, 1))
    nn.init.uniform_(net[-1].weight, -hidden, hidden)
    grid = torch.linspace(-1, 1, 8)
    x = torch.cartesian_prod(grid, grid)
    y = torch.sin(8 * x[:, :1]) * torch.cos(6 * x[:, 1:])
    return net, lambda: F.mse_loss(net(x), y)


@healthy
def dirac_convolutions():
    """Ten convolutions start as the identity: nearly all weights are 0, the others 1."""
    net = nn.Sequential(nn.Conv2d(3, 16, 3, 2, 1), nn.ReLU())
    for _ in range(10):
        net.extend([nn.Conv2d(16, 16, 3, padding=1), nn.ReLU()])
        nn.init.dirac_(net[-2].weight)
        nn.init.zeros_(net[-2].bias)
    net.extend([nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(64, 8)])
    x, y = blobs(32, 8, 3, 12, 12)
    return net, lambda: F.cross_entropy(net(x), y)


@healthy
def dropout_net():
    """Half of every layer is dropped, so units are 0 by chance and the loss jumps."""
    net = nn.Sequential(nn.Dropout(0.2), nn.Linear(24, 128), nn.ReLU(), nn.Dropout(0.5))
    net.extend([nn.Linear(128, 128), nn.ReLU(), nn.Dropout(0.5), nn.Linear(128, 6)])
    x, y = blobs(60, 6, 24)
    return net, lambda: F.cross_entropy(net(x), y)


@healthy
def rare_class_prior():
    """RetinaNet: a bias of -4.6 makes every sigmoid say 1 %, as suits rare objects."""
    net = nn.Sequential(nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.Conv2d(16, 16, 3, padding=1))
    net.extend([nn.ReLU(), nn.Conv2d(16, 1, 3, padding=1)])
    for m in net:
        if isinstance(m, nn.Conv2d):
            nn.init.normal_(m.weight, std=0.05)
    nn.init.constant_(net[-1].bias, -math.log(0.99 / 0.01))
    objects = (torch.rand(16, 1, 12, 12) < 0.02).float()
    x = F.conv2d(objects, torch.ones(1, 1, 3, 3), padding=1) + 0.2 * torch.randn(16, 1, 12, 12)

    def focal_loss():
        logits = net(x)
        loss = F.binary_cross_entropy_with_logits(logits, objects, reduction="none")
        wrong = torch.where(objects > 0, 1 - logits.sigmoid(), logits.sigmoid())
        return (0.5 * wrong**2 * loss).sum() / objects.sum()

    return net, focal_loss


@healthy
def pixels_through_batchnorm():
    """Pixels from 0 to 255, but the first layer is a BatchNorm that scales them."""
    net = nn.Sequential(nn.BatchNorm2d(3), nn.Conv2d(3, 16, 3, 2, 1), nn.ReLU(), nn.Flatten())
    net.append(nn.Linear(16 * 36, 10))
    x, y = blobs(50, 10, 3, 12, 12)
    pixels = (128 + 40 * x).clamp(0, 255).round()
    return net, lambda: F.cross_entropy(net(pixels), y)


@healthy
def unit_normal_before_batchnorm():
    """Weights from N(0, 1) are far too large, but a BatchNorm follows each of them."""
    net = nn.Sequential()
    for before in (20, 64, 64, 64, 64):
        net.extend([nn.Linear(before, 64, bias=False), nn.BatchNorm1d(64), nn.ReLU()])
        nn.init.normal_(net[-3].weight)
    net.append(nn.Linear(64, 8))
    x, y = blobs(64, 8, 20, noise=1)
    return net, lambda: F.cross_entropy(net(x), y)


@healthy
def selu_sixteen_layers():
    """Sixteen layers without normalization or skips: SELU with LeCun's scale carries through."""
    net = nn.Sequential()
    for before in [10, *[48] * 15]:
        net.extend([nn.Linear(before, 48), nn.SELU()])
        nn.init.kaiming_normal_(net[-2].weight, nonlinearity="linear")
        nn.init.zeros_(net[-2].bias)
    net.append(nn.Linear(48, 1))
    x = torch.randn(64, 10)
    y = (x[:, :1] + 0.5 * x[:, 1:2] * x[:, 2:3]) / 1.2
    return net, lambda: F.smooth_l1_loss(net(x), y)


@healthy
def gpt_scaled_and_tied():
    """GPT-2: all from N(0, 0.02²), projections less by depth, the head tied to the embedding."""

    class GPT(nn.Module):
        def __init__(self, vocab=96, dim=48, layers=6):
            super().__init__()
            self.token, self.position = nn.Embedding(vocab, dim), nn.Embedding(16, dim)
            self.blocks = nn.Sequential(*(Block(dim, 4, causal=True) for _ in range(layers)))
            self.norm, self.head = nn.LayerNorm(dim), nn.Linear(dim, vocab, bias=False)
            self.head.weight = self.token.weight
            for name, p in self.named_parameters():
                if p.ndim > 1:
                    last = name.endswith(("proj.weight", "mlp.2.weight"))
                    nn.init.normal_(p, std=0.02 / (2 * layers) ** 0.5 if last else 0.02)

        def forward(self, tokens):
            return self.head(self.norm(self.blocks(self.token(tokens) + self.position.weight)))

    net, tokens = GPT(), sequences(12, 16, 96)
    return net, lambda: F.cross_entropy(net(tokens[:, :-1]).flatten(0, 1), tokens[:, 1:].flatten())


@healthy
def matrix_factorization_small():
    """A recommender's factors from N(0, 0.05²): near the saddle at 0, but not on it."""

    class Factors(nn.Module):
        def __init__(self, users=40, items=30, rank=8):
            super().__init__()
            self.user, self.item = nn.Embedding(users, rank), nn.Embedding(items, rank)
            self.user_bias, self.item_bias = nn.Embedding(users, 1), nn.Embedding(items, 1)
            for table in (self.user, self.item):
                nn.init.normal_(table.weight, std=0.05)
            zero(self.user_bias, self.item_bias)

        def forward(self, user, item):
            bias = self.user_bias(user) + self.item_bias(item)
            return bias.squeeze(-1) + (self.user(user) * self.item(item)).sum(-1)

    net = Factors()
    user, item = torch.cartesian_prod(torch.arange(40), torch.arange(30)).T
    rating = (torch.randn(40, 3) @ torch.randn(3, 30)).flatten()
    return net, lambda: F.mse_loss(net(user, item), rating)


@healthy
def spatial_gating_unit():
    """gMLP: spatial weights near 0 and biases of 1 make each gate the identity at first."""

    class SpatialGating(nn.Module):
        def __init__(self, dim, length):
            super().__init__()
            self.norm, self.up = nn.LayerNorm(dim), nn.Linear(dim, 4 * dim)
            self.gate_norm, self.spatial = nn.LayerNorm(2 * dim), nn.Conv1d(length, length, 1)
            self.down = nn.Linear(2 * dim, dim)
            nn.init.uniform_(self.spatial.weight, -1e-3 / length, 1e-3 / length)
            nn.init.ones_(self.spatial.bias)

        def forward(self, x):
            value, gate = F.gelu(self.up(self.norm(x))).chunk(2, -1)
            return x + self.down(value * self.spatial(self.gate_norm(gate)))

    class Tagger(nn.Module):
        def __init__(self, vocab=12, dim=24, length=8):
            super().__init__()
            self.token = nn.Embedding(vocab, dim)
            self.blocks = nn.Sequential(*(SpatialGating(dim, length) for _ in range(3)))
            self.head = nn.Linear(dim, vocab)

        def forward(self, tokens):
            return self.head(self.blocks(self.token(tokens)))

    net, tokens = Tagger(), torch.randint(12, (24, 8))
    y = tokens.flip(1)
    return net, lambda: F.cross_entropy(net(tokens).flatten(0, 1), y.flatten())


@healthy
def tied_autoencoder():
    """The decoder is the encoder's transpose: one matrix serves twice, the biases are 0."""

    class Autoencoder(nn.Module):
        def __init__(self, size=30, code=8):
            super().__init__()
            self.weight = nn.Parameter(torch.randn(code, size) / size**0.5)
            self.hidden, self.visible = (nn.Parameter(torch.zeros(n)) for n in (code, size))

        def forward(self, x):
            code = torch.tanh(F.linear(x, self.weight, self.hidden))
            return F.linear(code, self.weight.mT, self.visible)

    net, x = Autoencoder(), torch.randn(64, 4) @ torch.randn(4, 30) / 2
    return net, lambda: F.mse_loss(net(x), x)


@healthy
def variational_autoencoder():
    """The layer of the log-variance is zero, so all codes start with the same spread."""

    class VAE(nn.Module):
        def __init__(self, size=36, code=4):
            super().__init__()
            self.encoder = nn.Sequential(nn.Linear(size, 48), nn.ReLU())
            self.mean, self.log_variance = nn.Linear(48, code), nn.Linear(48, code)
            self.decoder = nn.Sequential(nn.Linear(code, 48), nn.ReLU(), nn.Linear(48, size))
            zero(self.log_variance)

        def forward(self, x):
            mean, log_variance = self.mean(h := self.encoder(x)), self.log_variance(h)
            code = mean + (log_variance / 2).exp() * torch.randn_like(mean)
            divergence = (mean**2 + log_variance.exp() - 1 - log_variance).sum(1).mean() / 2
            answer = self.decoder(code)
            error = F.binary_cross_entropy_with_logits(answer, x, reduction="none").sum(1)
            return error.mean() + divergence

    net = VAE()
    x = (torch.rand(4, 36) > 0.5).float()[torch.arange(48) % 4]
    x = (x - (torch.rand(48, 36) < 0.05).float()).abs()
    return net, lambda: net(x)

"""Networks that do not learn because of where they start, after public reports and known failures.

Each case returns `(module, loss)`; CASES holds its function and the kinds of failure that name the
cause, the principal one first.
"""

import copy
import functools
import itertools
import math

import torch
import torch.nn.functional as F
from torch import nn

from tests.examined.parts import Attention, Block, blobs

CASES = {}


def broken(*kinds):
    """Register a case under the kinds that name its cause."""

    def register(make):
        @functools.wraps(make)
        def case():
            torch.manual_seed(0)
            return make()

        CASES[make.__name__] = (case, kinds)
        return case

    return register


def sequences(n, length, vocab):
    """Tokens of which every other one, on average, follows from the last by a fixed rule."""
    tokens = [torch.randint(vocab, (n,))]
    for _ in range(length):
        ruled = torch.rand(n) < 0.5
        tokens.append(torch.where(ruled, (tokens[-1] * 7 + 3) % vocab, torch.randint(vocab, (n,))))
    return torch.stack(tokens, 1)


# Symmetry -----------------------------------------------------------------------------------------


class RegisterViT(nn.Module):
    def __init__(self, dim=32, registers=4):
        super().__init__()
        self.patch = nn.Conv2d(3, dim, 4, 4)
        self.position = nn.Parameter(0.02 * torch.randn(1, 16, dim))
        self.register = nn.Parameter(torch.zeros(1, registers, dim))
        self.blocks = nn.Sequential(Block(dim, 4), Block(dim, 4))
        self.norm, self.head = nn.LayerNorm(dim), nn.Linear(dim, 10)

    def forward(self, image):
        x = self.patch(image).flatten(2).mT + self.position
        x = self.blocks(torch.cat([self.register.expand(len(x), -1, -1), x], 1))
        return self.head(self.norm(x[:, self.register.shape[1] :].mean(1)))


@broken("equal_units")
def register_tokens_zero():
    """Register tokens without positions all start at zero, so they stay one token.

    Source: huggingface/pytorch-image-models PR 2229.
    """
    net, (x, y) = RegisterViT(), blobs(32, 10, 3, 16, 16)
    return net, lambda: F.cross_entropy(net(x), y)


class MixtureOfExperts(nn.Module):
    def __init__(self, expert, dim, experts=4):
        super().__init__()
        self.experts = nn.ModuleList(copy.deepcopy(expert) for _ in range(experts))
        self.gate = nn.Linear(dim, experts, bias=False)
        nn.init.zeros_(self.gate.weight)

    def forward(self, x):
        weights = self.gate(x).softmax(-1)
        return torch.einsum("ne,end->nd", weights, torch.stack([e(x) for e in self.experts]))


@broken("equal_units")
def experts_copied_uniform_gate():
    """Experts copied from one dense layer behind a zero gate: same input, same weight, for ever.

    Source: arcee-ai/mergekit PR 664, james-oldfield/MxD#1.
    """
    expert = nn.Sequential(nn.Linear(6, 4), nn.Tanh(), nn.Linear(4, 6))
    net = nn.Sequential(MixtureOfExperts(expert, 6, 8), nn.Linear(6, 1))
    x = torch.randn(64, 6).sign()
    y = (x[:, :3].prod(1) + x[:, 3:].prod(1)) / 2
    return net, lambda: F.mse_loss(net(x).squeeze(1), y)


class EinsumAttention(nn.Module):
    def __init__(self, dim, heads, size):
        super().__init__()
        self.query, self.key, self.value = (
            nn.Parameter((torch.randn(dim, size) / dim**0.5).repeat(heads, 1, 1)) for _ in range(3)
        )
        self.out = nn.Parameter((torch.randn(size, dim) / dim**0.5).repeat(heads, 1, 1))

    def forward(self, x):
        q, k, v = (torch.einsum("btd,hds->bhts", x, w) for w in (self.query, self.key, self.value))
        weights = (q @ k.mT / q.shape[-1] ** 0.5).softmax(-1)
        return torch.einsum("bhts,hsd->btd", weights @ v, self.out)


@broken("equal_units")
def attention_heads_equal():
    """One seeded initializer draws every head, so all heads hold the same values.

    Source: keras-team/keras-hub#352.
    """

    class Tagger(nn.Module):
        def __init__(self, vocab=12, dim=16):
            super().__init__()
            self.token, self.position = nn.Embedding(vocab, dim), nn.Embedding(12, dim)
            self.attention, self.head = EinsumAttention(dim, 8, 2), nn.Linear(dim, vocab)

        def forward(self, tokens):
            x = self.token(tokens) + self.position.weight
            return self.head(x + self.attention(x))

    net, tokens = Tagger(), torch.randint(12, (64, 12))
    targets = (tokens.roll(1, 1) + tokens.roll(5, 1)) % 12
    return net, lambda: F.cross_entropy(net(tokens).flatten(0, 1), targets.flatten())


@broken("equal_units")
def all_constant():
    """Every weight of a convolutional net is 0.05: all filters of a layer are one filter.

    Source: Lightning-AI/tutorials PR 77 ("a constant value is not working").
    """
    net = nn.Sequential(
        nn.Conv2d(1, 8, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(8, 16, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(16 * 9, 32),
        nn.ReLU(),
        nn.Linear(32, 10),
    )
    for p in net.parameters():
        nn.init.constant_(p, 0.05)
    x, y = blobs(40, 10, 1, 12, 12)
    return net, lambda: F.cross_entropy(net(x), y)


class LSTMClassifier(nn.Module):
    def __init__(self, vocab=20, dim=16, hidden=32, classes=5):
        super().__init__()
        self.embedding = nn.Embedding(vocab, dim)
        self.lstm = nn.LSTM(dim, hidden, batch_first=True)
        self.head = nn.Linear(hidden, classes)

    def forward(self, tokens):
        return self.head(self.lstm(self.embedding(tokens))[1][0][-1])


@broken("equal_units")
def lstm_constant_weights():
    """An LSTM and its head filled with 0.1: every cell does the same at every step.

    Source: cs231n notes ("Pitfall: all zero initialization", no asymmetry between neurons).
    """
    net = LSTMClassifier()
    for p in [*net.lstm.parameters(), *net.head.parameters()]:
        nn.init.constant_(p, 0.1)
    tokens = torch.randint(20, (48, 10))
    y = tokens[:, 0] % 5
    return net, lambda: F.cross_entropy(net(tokens), y)


@broken("equal_units")
def gru_constant_weights():
    """A two-layer GRU forecaster with all parameters at 0.02, fitted by MSE.

    Source: cs231n notes ("Pitfall: all zero initialization", no asymmetry between neurons).
    """

    class Forecaster(nn.Module):
        def __init__(self):
            super().__init__()
            self.gru = nn.GRU(3, 32, num_layers=2, batch_first=True)
            self.out = nn.Linear(32, 3)
            for p in self.parameters():
                nn.init.constant_(p, 0.02)

        def forward(self, x):
            return self.out(self.gru(x)[0])

    net, start = Forecaster(), 6 * torch.rand(32, 1, 1)
    waves = torch.sin((start + 0.4 * torch.arange(25).view(1, -1, 1)) * torch.tensor([1.0, 2, 3]))
    return net, lambda: F.mse_loss(net(waves[:, :-1]), waves[:, 1:])


@broken("equal_units")
def widened_without_noise():
    """A net widened by copying each unit and halving what it sends: the twins never part.

    Source: soumith/net2net.torch#3.
    """
    net = nn.Sequential(nn.Linear(8, 12), nn.Tanh(), nn.Linear(12, 12), nn.Tanh(), nn.Linear(12, 1))
    with torch.no_grad():
        for layer, after in ((net[0], net[2]), (net[2], net[4])):
            layer.weight[6:], layer.bias[6:] = layer.weight[:6], layer.bias[:6]
            after.weight[:, 6:] = after.weight[:, :6]
        net[2].weight[6:], net[2].bias[6:] = net[2].weight[:6], net[2].bias[:6]
    x = torch.randn(64, 8)
    y = (x[:, :4].prod(1) + x[:, 4:].pow(2).sum(1) - 4) / 3
    return net, lambda: F.mse_loss(net(x).squeeze(1), y)


@broken("equal_units")
def mixture_density_zero_head():
    """The components of a mixture density network start alike, so the mixture stays one Gaussian.

    Source: known failure (equal components of a mixture have equal gradients; Bishop 1994).
    """

    class MixtureDensity(nn.Module):
        def __init__(self, components=5):
            super().__init__()
            self.body = nn.Sequential(nn.Linear(1, 32), nn.Tanh(), nn.Linear(32, 32), nn.Tanh())
            self.head = nn.Linear(32, 3 * components)
            nn.init.zeros_(self.head.weight)
            nn.init.zeros_(self.head.bias)

        def forward(self, x, y):
            logits, mean, log_scale = self.head(self.body(x)).chunk(3, -1)
            density = torch.distributions.Normal(mean, log_scale.exp()).log_prob(y)
            return -(logits.log_softmax(-1) + density).logsumexp(-1).mean()

    net, x = MixtureDensity(), 2 * torch.rand(64, 1) - 1
    branch = torch.arange(64).view(-1, 1) % 2 * 2 - 1
    y = branch * (1 + x**2) + 0.05 * torch.randn(64, 1)
    return net, lambda: net(x, y)


# No gradient --------------------------------------------------------------------------------------


class ControlledNet(nn.Module):
    def __init__(self, width=16):
        super().__init__()
        self.base = nn.Sequential(
            nn.Conv2d(3, width, 3, padding=1), nn.SiLU(), nn.Conv2d(width, width, 3, padding=1)
        ).requires_grad_(False)
        self.out = nn.Conv2d(width, 3, 3, padding=1).requires_grad_(False)
        self.hint = nn.Sequential(
            nn.Conv2d(1, width, 3, padding=1), nn.SiLU(), nn.Conv2d(width, width, 3, padding=1)
        )
        self.proj_out, self.zero_conv = nn.Conv2d(width, width, 1), nn.Conv2d(width, width, 1)
        for layer in (self.proj_out, self.zero_conv):
            nn.init.zeros_(layer.weight)
            nn.init.zeros_(layer.bias)

    def forward(self, x, hint):
        return self.out(F.silu(self.base(x) + self.zero_conv(self.proj_out(self.hint(hint)))))


@broken("no_gradient")
def two_zero_convolutions():
    """A control branch ends in two zero convolutions in series; only the last bias ever moves.

    Source: lllyasviel/ControlNet#510.
    """
    net, x, hint = ControlledNet(), torch.randn(16, 3, 8, 8), torch.randn(16, 1, 8, 8)
    target = 0.5 * F.avg_pool2d(hint, 3, 1, 1).expand(-1, 3, -1, -1) + net(x, hint).detach()
    return net, lambda: F.mse_loss(net(x, hint), target)


class LoRALinear(nn.Module):
    def __init__(self, linear, rank=4):
        super().__init__()
        self.linear = linear.requires_grad_(False)
        self.lora_A = nn.Parameter(torch.zeros(rank, linear.in_features))
        self.lora_B = nn.Parameter(torch.zeros(linear.out_features, rank))

    def forward(self, x):
        return self.linear(x) + F.linear(F.linear(x, self.lora_A), self.lora_B)


@broken("no_gradient")
def lora_both_zero():
    """LoRA with A = 0 and B = 0: each one's gradient is a product with the other.

    Source: circle-hit/SAPT#11, Guitaricet/relora#18, nvidia-cosmos/cosmos-predict2.5 PR 15.
    """
    net = nn.Sequential(nn.Linear(12, 32), Block(32, 4), Block(32, 4), nn.Linear(32, 6))
    net.requires_grad_(False)
    for block in net[1:3]:
        block.attention.qkv = LoRALinear(block.attention.qkv)
        block.mlp[0] = LoRALinear(block.mlp[0])
    x, y = blobs(36, 6, 5, 12)
    return net, lambda: F.cross_entropy(net(x).mean(1), y)


class CrossLayerGate(nn.Module):
    def __init__(self, dim, layers):
        super().__init__()
        self.linear = nn.Linear(dim, layers, bias=False)
        nn.init.zeros_(self.linear.weight)

    def forward(self, outputs):
        weights = F.relu(self.linear(F.rms_norm(outputs[-1], outputs[-1].shape[-1:])))
        return torch.einsum("nl,lnd->nd", weights, torch.stack(outputs))


@broken("no_gradient", "dead_units")
def zero_weights_before_relu():
    """A gate over all layers: zero weights without bias, then ReLU, whose slope at 0 is 0.

    Source: lucidrains/deep-cross-attention#2.
    """

    class CrossLayerNet(nn.Module):
        def __init__(self, dim=32):
            super().__init__()
            self.stem = nn.Linear(10, dim)
            self.layers = nn.ModuleList(nn.Linear(dim, dim) for _ in range(3))
            self.gates = nn.ModuleList(CrossLayerGate(dim, i + 1) for i in range(4))
            self.head = nn.Linear(dim, 8)

        def forward(self, x):
            outputs = [self.stem(x)]
            for gate, layer in zip(self.gates, self.layers, strict=False):
                outputs.append(F.silu(layer(gate(outputs))))
            return self.head(self.gates[-1](outputs))

    net, (x, y) = CrossLayerNet(), blobs(48, 8, 10)
    return net, lambda: F.cross_entropy(net(x), y)


@broken("no_gradient", "dead_units")
def zero_gain_without_skip():
    """The BatchNorm gain of every block is 0, as in zero_init_residual, but nothing skips them.

    Source: known failure; gamma = 0 is meant for residual blocks (tensorpack/tensorpack#420).
    """
    net = nn.Sequential()
    for before, after in ((3, 12), (12, 24), (24, 24)):
        net.extend([nn.Conv2d(before, after, 3, 2, 1, bias=False), nn.BatchNorm2d(after)])
        net.append(nn.ReLU())
        nn.init.zeros_(net[-2].weight)
    net.extend([nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(24, 10)])
    x, y = blobs(40, 10, 3, 16, 16)
    return net, lambda: F.cross_entropy(net(x), y)


@broken("no_gradient")
def language_gate_zero():
    """Language enters vision through a gate of two zero layers, so neither layer gets a gradient.

    Source: yz93/LAVT-RIS#25.
    """

    class LanguageGate(nn.Module):
        def __init__(self, dim=24):
            super().__init__()
            self.pixel, self.word = nn.Conv2d(3, dim, 3, 2, 1), nn.Embedding(30, dim)
            self.gate = nn.Sequential(
                nn.Linear(dim, dim, bias=False), nn.ReLU(), nn.Linear(dim, dim, bias=False)
            )
            self.out = nn.Linear(dim, 1)
            nn.init.zeros_(self.gate[0].weight)
            nn.init.zeros_(self.gate[2].weight)

        def forward(self, image, words):
            x = self.pixel(image).flatten(2).mT
            fused = x * self.word(words).mean(1, keepdim=True)
            return self.out(F.relu(x + torch.tanh(self.gate(fused)) * fused)).squeeze(-1)

    net, image = LanguageGate(), torch.randn(24, 3, 8, 8)
    words = torch.randint(30, (24, 4))
    mask = (F.avg_pool2d(image, 2)[:, 0].flatten(1) > 0) == (words[:, :1] % 2 == 0)
    mask = mask.float()
    return net, lambda: F.binary_cross_entropy_with_logits(net(image, words), mask)


@broken("no_gradient")
def matrix_factorization_zero():
    """A recommender's user and item factors are all zero: a saddle that no gradient leaves.

    Source: known failure (Saxe et al., arXiv:1312.6120: zero is a saddle of a product of layers).
    """

    class Factors(nn.Module):
        def __init__(self, users=40, items=30, rank=8):
            super().__init__()
            self.user, self.item = nn.Embedding(users, rank), nn.Embedding(items, rank)
            self.user_bias, self.item_bias = nn.Embedding(users, 1), nn.Embedding(items, 1)
            self.mean = nn.Parameter(torch.zeros(()))
            for p in self.parameters():
                nn.init.zeros_(p)

        def forward(self, user, item):
            bias = self.user_bias(user) + self.item_bias(item)
            return self.mean + bias.squeeze(-1) + (self.user(user) * self.item(item)).sum(-1)

    net = Factors()
    user, item = torch.cartesian_prod(torch.arange(40), torch.arange(30)).T
    rating = (torch.randn(40, 3) @ torch.randn(3, 30)).flatten()
    return net, lambda: F.mse_loss(net(user, item), rating)


@broken("no_gradient", "equal_units")
def autoencoder_all_zero():
    """A tanh autoencoder with all weights zero: only the last bias gets a gradient.

    Source: davharris/mistnet#87 ("no gradients for any networks with a hidden layer").
    """
    net = nn.Sequential(
        nn.Linear(20, 16), nn.Tanh(), nn.Linear(16, 4), nn.Tanh(), nn.Linear(4, 16), nn.Tanh()
    )
    net.append(nn.Linear(16, 20))
    for p in net.parameters():
        nn.init.zeros_(p)
    x = torch.tanh(torch.randn(64, 3) @ torch.randn(3, 20))
    return net, lambda: F.mse_loss(net(x), x)


@broken("no_gradient", "unused")
def detached_encoder():
    """The image tower's features are detached on their way to the loss, so it never trains.

    Source: lucidrains/CoCa-pytorch#6.
    """

    class TwoTowers(nn.Module):
        def __init__(self, dim=8):
            super().__init__()
            self.image = nn.Sequential(
                nn.Conv2d(1, 8, 3, 2, 1), nn.ReLU(), nn.Flatten(), nn.Linear(8 * 16, dim)
            )
            self.text = nn.EmbeddingBag(50, dim)
            self.scale = nn.Parameter(torch.tensor(2.0))

        def forward(self, image, text):
            image = F.normalize(self.image(image).detach(), dim=-1)
            return self.scale.exp() * image @ F.normalize(self.text(text), dim=-1).mT

    net, image, text = TwoTowers(), torch.randn(64, 1, 8, 8), torch.randint(50, (64, 3))
    match = torch.arange(64)
    return net, lambda: F.cross_entropy(net(image, text), match)


@broken("unused")
def never_called():
    """A second layer is built but forward applies the first one twice and skips it.

    Source: inria-thoth/HySUPP#3, NVlabs/PWC-Net#110.
    """

    class Unmixer(nn.Module):
        def __init__(self):
            super().__init__()
            self.stem = nn.Conv1d(1, 12, 5, padding=2)
            self.layer1 = nn.Sequential(nn.BatchNorm1d(12), nn.ReLU(), nn.Conv1d(12, 12, 3, 1, 1))
            self.layer2 = nn.Sequential(nn.BatchNorm1d(12), nn.ReLU(), nn.Conv1d(12, 12, 3, 1, 1))
            self.out = nn.Linear(12, 4)

        def forward(self, x):
            x = self.stem(x)
            x = x + self.layer1(x)
            x = x + self.layer1(x)
            return self.out(x.mean(-1)).softmax(-1)

    net, ends = Unmixer(), torch.randn(4, 32)
    share = torch.rand(48, 4).pow(2)
    share = share / share.sum(1, keepdim=True)
    x = (share @ ends).unsqueeze(1)
    return net, lambda: F.mse_loss(net(x), share)


# Dead units ---------------------------------------------------------------------------------------


@broken("dead_units", "no_gradient")
def relu_bias_minus_ten():
    """Click model: biases around -10 keep the ReLUs of the bottom tower at 0 for every example.

    Source: facebookresearch/dlrm PR 358.
    """

    class ClickModel(nn.Module):
        def __init__(self):
            super().__init__()
            self.bottom = nn.Sequential(nn.Linear(6, 32), nn.ReLU(), nn.Linear(32, 8), nn.ReLU())
            self.tables = nn.ModuleList(nn.Embedding(3, 8) for _ in range(3))
            self.top = nn.Sequential(nn.Linear(14, 32), nn.ReLU(), nn.Linear(32, 1))
            nn.init.constant_(self.bottom[0].bias, -10)

        def forward(self, dense, sparse):
            dense = self.bottom(dense)
            vectors = torch.stack(
                [dense, *(t(i) for t, i in zip(self.tables, sparse, strict=True))]
            )
            crossed = torch.einsum("ind,jnd->nij", vectors, vectors)
            rows, columns = torch.triu_indices(4, 4, 1)
            return self.top(torch.cat([dense, crossed[:, rows, columns]], 1)).squeeze(1)

    net, dense, sparse = ClickModel(), torch.randn(64, 6), torch.randint(3, (3, 64))
    clicked = (dense[:, 0] * dense[:, 1] > 0).float()
    return net, lambda: F.binary_cross_entropy_with_logits(net(dense, sparse), clicked)


@broken("dead_units", "no_gradient")
def last_relu_dead():
    """Counts are read through a final ReLU whose input starts below 0 for every example.

    Source: ProteomicsML/ProteomicsML PR 203, jvargasmu/population_estimation#68.
    """

    class Counter(nn.Module):
        def __init__(self):
            super().__init__()
            self.lstm = nn.LSTM(4, 16, batch_first=True)
            self.out = nn.Linear(16, 1)
            nn.init.constant_(self.out.bias, -1)

        def forward(self, x):
            return F.relu(self.out(self.lstm(x)[0][:, -1])).squeeze(-1)

    net, x = Counter(), torch.randn(48, 8, 4)
    count = (x > 0.5).float().sum((1, 2)) / 5
    return net, lambda: F.mse_loss(net(x), count)


@broken("input_blind", "dead_units", "vanishing")
def deep_narrow_relu():
    """Ten ReLU layers of width 2 fitting |x| collapse to a constant.

    Source: Lu et al., arXiv:1903.06733 (dying ReLU and initialization).
    """
    widths = [1, *[2] * 10, 1]
    net = nn.Sequential()
    for before, after in itertools.pairwise(widths):
        net.extend([nn.Linear(before, after), nn.ReLU()])
        nn.init.kaiming_normal_(net[-2].weight)
        nn.init.zeros_(net[-2].bias)
    net.pop(-1)
    x = torch.linspace(-1.7, 1.7, 64).unsqueeze(1)
    return net, lambda: F.mse_loss(net(x), x.abs())


# Signal and gradient by depth ---------------------------------------------------------------------


@broken("vanishing", "input_blind")
def deep_sigmoid():
    """Twelve sigmoid layers under Xavier: each one passes less than a quarter of the gradient.

    Source: microsoft/CNTK#476 (one sigmoid layer more and training is stuck).
    """
    net = nn.Sequential()
    for before in [16, *[64] * 11]:
        net.extend([nn.Linear(before, 64), nn.Sigmoid()])
        nn.init.xavier_normal_(net[-2].weight)
    net.append(nn.Linear(64, 5))
    x, y = blobs(50, 5, 16)
    return net, lambda: F.cross_entropy(net(x), y)


@broken("vanishing", "input_blind")
def deep_plain_convolutions():
    """A VGG of 20 convolutions without BatchNorm, all weights N(0, 0.01²).

    Source: NVIDIA/DIGITS#535, kuangliu/pytorch-cifar#28.
    """
    net = nn.Sequential()
    for i in range(20):
        net.extend([nn.Conv2d(16 if i else 3, 16, 3, padding=1), nn.ReLU()])
        if i in (6, 13):
            net.append(nn.MaxPool2d(2))
    net.extend([nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(16, 4)])
    for m in net:
        if hasattr(m, "weight"):
            nn.init.normal_(m.weight, std=0.01)
            nn.init.zeros_(m.bias)
    x, y = blobs(32, 4, 3, 12, 12)
    return net, lambda: F.cross_entropy(net(x), y)


@broken("vanishing", "input_blind")
def rnn_forgets():
    """A tanh RNN with recurrent weights N(0, 0.01²) must recall the first of 30 inputs.

    Source: known failure (Bengio et al. 1994; Pascanu et al., arXiv:1211.5063).
    """

    class Recall(nn.Module):
        def __init__(self):
            super().__init__()
            self.rnn, self.head = nn.RNN(4, 48, batch_first=True), nn.Linear(48, 4)
            nn.init.normal_(self.rnn.weight_hh_l0, std=0.01)

        def forward(self, x):
            return self.head(self.rnn(x)[0][:, -1])

    net, y = Recall(), torch.arange(48) % 4
    x = torch.zeros(48, 30, 4)
    x[:, 0] = F.one_hot(y, 4).float() * 2
    return net, lambda: F.cross_entropy(net(x), y)


@broken("vanishing", "input_blind")
def attention_without_skips():
    """Eight attention layers without skips average the tokens until nothing tells them apart.

    Source: Dong et al., arXiv:2103.03404 (pure attention loses rank doubly exponentially).
    """

    class PureAttention(nn.Module):
        def __init__(self, vocab=16, dim=32):
            super().__init__()
            self.token, self.position = nn.Embedding(vocab, dim), nn.Embedding(12, dim)
            self.layers = nn.Sequential(*(Attention(dim, 4) for _ in range(8)))
            self.head = nn.Linear(dim, vocab)

        def forward(self, tokens):
            return self.head(self.layers(self.token(tokens) + self.position.weight))

    net, tokens = PureAttention(), torch.randint(16, (16, 12))
    target = tokens.flip(1)
    return net, lambda: F.cross_entropy(net(tokens).flatten(0, 1), target.flatten())


@broken("exploding", "large_logits")
def residual_mlp_unnormalized():
    """Thirty residual blocks without normalization under He: each one triples the variance.

    Source: Zhang et al., arXiv:1901.09321 (Fixup); huangleiBuaa/ONI#1.
    """

    class ResidualBlock(nn.Module):
        def __init__(self, dim):
            super().__init__()
            self.fc1, self.fc2 = nn.Linear(dim, dim), nn.Linear(dim, dim)
            for fc in (self.fc1, self.fc2):
                nn.init.kaiming_normal_(fc.weight)

        def forward(self, x):
            return x + self.fc2(F.relu(self.fc1(x)))

    net = nn.Sequential(nn.Linear(8, 48), *(ResidualBlock(48) for _ in range(30)))
    net.append(nn.Linear(48, 1))
    x = torch.randn(64, 8)
    y = torch.sin(2 * x[:, 0]) + x[:, 1] * x[:, 2]
    return net, lambda: F.mse_loss(net(x).squeeze(1), y)


@broken("exploding", "large_logits")
def mlp_unit_normal():
    """Six ReLU layers with weights N(0, 1): the signal grows eightfold a layer.

    Source: apache/mxnet#9478 (a deeper MLP gives NaN).
    """
    net = nn.Sequential()
    for before in [8, *[128] * 5]:
        net.extend([nn.Linear(before, 128), nn.ReLU()])
    net.append(nn.Linear(128, 2))
    for m in net:
        if isinstance(m, nn.Linear):
            nn.init.normal_(m.weight)
    x = torch.randn(48, 8)
    y = torch.stack([torch.sin(x[:, 0] + x[:, 1]), x[:, 2] * x[:, 3]], 1)
    return net, lambda: F.mse_loss(net(x), y)


@broken("exploding", "not_finite")
def relu_rnn_explodes():
    """A ReLU RNN whose recurrent weights are 1.8 times the identity, over 60 steps.

    Source: known failure (Pascanu et al., arXiv:1211.5063; IRNN needs 1 times the identity).
    """

    class Adder(nn.Module):
        def __init__(self, hidden=32):
            super().__init__()
            self.rnn = nn.RNN(2, hidden, nonlinearity="relu", batch_first=True)
            self.out = nn.Linear(hidden, 1)
            with torch.no_grad():
                self.rnn.weight_hh_l0.copy_(1.8 * torch.eye(hidden))

        def forward(self, x):
            return self.out(self.rnn(x)[0][:, -1]).squeeze(-1)

    net, value = Adder(), torch.rand(32, 60)
    mark = torch.zeros(32, 60)
    mark[:, [10, 40]] = 1
    total = (value * mark).sum(1)
    x = torch.stack([value, mark], -1)
    return net, lambda: F.mse_loss(net(x), total)


# Saturation ---------------------------------------------------------------------------------------


@broken("saturated", "exploding")
def tanh_actor_gain_five():
    """An actor of tanh layers, orthogonal with gain 5 throughout: its actions sit at ±1.

    Source: DLR-RM/stable-baselines3#1559 (gains that ignore the activation); cs231n notes.
    """
    net = nn.Sequential()
    for before, after in ((10, 64), (64, 64), (64, 64), (64, 64), (64, 3)):
        net.extend([nn.Linear(before, after), nn.Tanh()])
        nn.init.orthogonal_(net[-2].weight, 5)
        nn.init.zeros_(net[-2].bias)
    state = torch.randn(64, 10)
    action = 0.5 * torch.sin(state[:, :3] + state[:, 3:6])
    return net, lambda: F.mse_loss(net(state), action)


@broken("saturated", "vanishing")
def highway_gates_closed():
    """A highway net whose transform gates start at sigmoid(-20): nothing but the copy remains.

    Source: Srivastava et al., arXiv:1505.00387 (bias of -1 to -4; far below, the gate is shut).
    """

    class Highway(nn.Module):
        def __init__(self, dim):
            super().__init__()
            self.change, self.gate = nn.Linear(dim, dim), nn.Linear(dim, dim)
            nn.init.constant_(self.gate.bias, -20)

        def forward(self, x):
            gate = torch.sigmoid(self.gate(x))
            return gate * torch.tanh(self.change(x)) + (1 - gate) * x

    net = nn.Sequential(*(Highway(16) for _ in range(4)), nn.Linear(16, 2))
    x = torch.randn(64, 16).sign()
    y = (x[:, 0] * x[:, 1] > 0).long()
    return net, lambda: F.cross_entropy(net(x), y)


@broken("saturated")
def sigmoid_output_squared_error():
    """Sigmoid outputs start wrong at sigmoid(20) under a squared error, where the slope is 0.

    Source: Nielsen, Neural Networks and Deep Learning, ch. 3 (the learning slowdown).
    """
    net = nn.Sequential(nn.Conv1d(2, 8, 5), nn.ReLU(), nn.Flatten(), nn.Linear(8 * 12, 6))
    net.append(nn.Sigmoid())
    nn.init.constant_(net[-2].bias, 20)
    x, y = blobs(48, 6, 2, 16)
    target = F.one_hot(y, 6).float()
    return net, lambda: F.mse_loss(net(x), target)


# Loss at the start --------------------------------------------------------------------------------


class BigramLM(nn.Module):
    def __init__(self, vocab, dim):
        super().__init__()
        self.token, self.norm1, self.norm2 = (
            nn.Embedding(vocab, dim),
            nn.LayerNorm(dim),
            nn.LayerNorm(dim),
        )
        self.mlp = nn.Sequential(nn.Linear(dim, 2 * dim), nn.GELU(), nn.Linear(2 * dim, dim))
        self.head = nn.Linear(dim, vocab, bias=False)

    def forward(self, tokens):
        x = self.token(tokens)
        return self.head(self.norm2(x + self.mlp(self.norm1(x))))


@broken("large_logits")
def tied_embedding_unit_variance():
    """A language model's head is tied to an Embedding left at N(0, 1): it insists on echoing.

    Source: pytorch/pytorch#3121; karpathy/build-nanogpt#18 has the right scale.
    """
    net, tokens = BigramLM(256, 64), sequences(64, 32, 256)
    net.head.weight = net.token.weight
    return net, lambda: F.cross_entropy(net(tokens[:, :-1]).flatten(0, 1), tokens[:, 1:].flatten())


@broken("large_logits")
def lm_head_unit_variance():
    """An untied head drawn from N(0, 1): the logits' variance is the hidden size.

    Source: huggingface/transformers PR 26441 (loss of 110 at the start), PiotrNawrot/nanoT5#25.
    """

    class Student(nn.Module):
        def __init__(self, vocab=300, dim=128):
            super().__init__()
            self.gru, self.norm = nn.GRU(6, dim, batch_first=True), nn.LayerNorm(dim)
            self.lm_head = nn.Linear(dim, vocab, bias=False)
            nn.init.normal_(self.lm_head.weight)

        def forward(self, x):
            return self.lm_head(self.norm(self.gru(x)[0]))

    net, x = Student(), torch.randn(32, 8, 6)
    teacher = (x @ torch.randn(6, 300)).softmax(-1)
    return net, lambda: F.cross_entropy(net(x).flatten(0, 1), teacher.flatten(0, 1))


# Input --------------------------------------------------------------------------------------------


@broken("input_scale", "saturated")
def pixels_to_255():
    """LeNet with tanh reads faint grey photographs as they are stored, from 0 to 255.

    Source: pullrequest.ru/10248037 (a CNN that answers the same whatever it sees).
    """
    net = nn.Sequential(
        nn.Conv2d(1, 6, 5, padding=2),
        nn.Tanh(),
        nn.AvgPool2d(2),
        nn.Conv2d(6, 16, 5),
        nn.Tanh(),
        nn.AvgPool2d(2),
        nn.Flatten(),
        nn.Linear(144, 32),
        nn.Tanh(),
        nn.Linear(32, 10),
    )
    x, y = blobs(60, 10, 1, 20, 20)
    pixels = (170 + 3 * x).clamp(0, 255).round()
    return net, lambda: F.cross_entropy(net(pixels), y)


@broken("input_scale")
def features_in_raw_units():
    """Credit scoring from age, income and Unix time without any scaling.

    Source: machinelearningmastery.com, "data scaling to improve deep learning model stability".
    """
    net = nn.Sequential(nn.Linear(4, 32), nn.ReLU(), nn.Linear(32, 32), nn.ReLU(), nn.Linear(32, 1))
    z = torch.randn(64, 4)
    scale, mean = torch.tensor([12.0, 2e4, 3e6, 1.0]), torch.tensor([40.0, 5e4, 1.6e9, 2.0])
    x, y = z * scale + mean, (z[:, 0] + z[:, 3] - z[:, 0] * z[:, 3] > 0).float()
    return net, lambda: F.binary_cross_entropy_with_logits(net(x).squeeze(1), y)


@broken("input_scale", "input_blind")
def distances_in_metres():
    """Energies of molecules from distances in metres, all about 1e-10.

    Source: machinelearningmastery.com, "data scaling to improve deep learning model stability".
    """

    class PairEnergy(nn.Module):
        def __init__(self):
            super().__init__()
            self.pair = nn.Sequential(nn.Linear(1, 32), nn.SiLU(), nn.Linear(32, 32), nn.SiLU())
            self.out = nn.Linear(32, 1)

        def forward(self, place):
            distance = torch.stack([F.pdist(p) for p in place.unbind()])
            return self.out(self.pair(distance.unsqueeze(-1)).sum(1)).squeeze(-1)

    net, place = PairEnergy(), torch.randn(32, 5, 3)
    energy = torch.stack([(1 / (1 + F.pdist(p) ** 2)).sum() for p in place.unbind()])
    energy = (energy - energy.mean()) / energy.std()
    metres = place * 1e-10
    return net, lambda: F.mse_loss(net(metres), energy)


# Not finite ---------------------------------------------------------------------------------------


@broken("not_finite")
def new_head_nan():
    """A new classification head allocated without initialization holds NaN.

    Source: huggingface/transformers#46002; openai/CLIP#15 (parameters from torch.empty).
    """

    class TextClassifier(nn.Module):
        def __init__(self, dim=32):
            super().__init__()
            self.token = nn.Embedding(40, dim)
            self.blocks = nn.Sequential(Block(dim, 4), Block(dim, 4))
            self.classifier = nn.Parameter(torch.full((3, dim), math.nan))

        def forward(self, tokens):
            return F.linear(self.blocks(self.token(tokens)).mean(1), self.classifier)

    net, tokens = TextClassifier(), torch.randint(40, (32, 10))
    y = tokens[:, 0] % 3
    return net, lambda: F.cross_entropy(net(tokens), y)


@broken("not_finite")
def cosine_head_zero_norm():
    """A margin head divides by the norm of its weights, which were left at zero: 0 / 0.

    Source: amirhfarzaneh/lsoftmax-pytorch#7.
    """

    class CosineHead(nn.Module):
        def __init__(self, dim, classes):
            super().__init__()
            self.weight = nn.Parameter(torch.zeros(classes, dim))

        def forward(self, x):
            norms = x.norm(dim=1, keepdim=True) * self.weight.norm(dim=1)
            return 10 * x @ self.weight.mT / norms

    net = nn.Sequential(nn.Conv2d(3, 8, 3, 2, 1), nn.ReLU(), nn.Flatten(), CosineHead(8 * 16, 6))
    x, y = blobs(36, 6, 3, 8, 8)
    return net, lambda: F.cross_entropy(net(x), y)

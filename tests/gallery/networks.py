"""The networks of the gallery, and one look at each with `watch`. It needs PyTorch."""

import math
from dataclasses import dataclass
from types import MappingProxyType

import torch
from torch import nn
from torch.nn import functional

import vanishing as vn
from vanishing.measurement.diagnosis import judge
from vanishing.measurement.readings import read


def look(model, x, loss, *, passes=1, **options):
    """What `watch` saw in one forward and one backward pass."""
    with vn.watch(model, **options) as seen:
        for _ in range(passes):
            loss(model(x)).backward()
    return seen


def labels(count, classes):
    return torch.randint(classes, (count,))


def cross_entropy(count, classes):
    target = labels(count, classes)
    return lambda output: functional.cross_entropy(output.float(), target)


def started(model, rule):
    """The model with each weight matrix drawn by a rule, and biases of 0."""
    for module in model.modules():
        if isinstance(module, (nn.Linear, nn.Conv2d)):
            rule(module.weight)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
    return model


def he(weight):
    nn.init.kaiming_normal_(weight, nonlinearity="relu")


def gaussian(sigma_w):
    return lambda weight: nn.init.normal_(weight, std=sigma_w / math.sqrt(weight[0].numel()))


def mlp(activation=nn.ReLU, widths=(64,) * 13, outputs=10):
    layers = [part for pair in zip(widths, widths[1:]) for part in (nn.Linear(*pair), activation())]
    return nn.Sequential(*layers, nn.Linear(widths[-1], outputs))


def on_vectors(model, *, width=64, count=128, **options):
    return look(model, torch.randn(count, width), cross_entropy(count, 10), **options)


def mlp_he():
    return on_vectors(started(mlp(), he))


def mlp_default():
    """Of eight hidden layers: in deeper ones the biases keep up the size of the signal."""
    return on_vectors(mlp(widths=(64,) * 9))


def mlp_sigmoid():
    return on_vectors(started(mlp(nn.Sigmoid), nn.init.xavier_normal_))


def mlp_large():
    return on_vectors(started(mlp(), gaussian(4.0)))


def mlp_large_tanh():
    return on_vectors(started(mlp(nn.Tanh, (64,) * 21), gaussian(4.0)))


def mlp_dead():
    model = started(mlp(), he)
    nn.init.constant_(model[4].bias, -100.0)
    return on_vectors(model)


def mlp_pyramid():
    return on_vectors(started(mlp(widths=(784, 1024, 512, 256, 128, 64, 32)), he), width=784)


def mlp_saturated():
    """A sigmoid at the output that is flat, with a squared error."""
    model = nn.Sequential(started(mlp(outputs=1), he), nn.Sigmoid())
    nn.init.constant_(model[0][-1].bias, 32.0)
    double = model.double()
    return look(
        double,
        torch.randn(128, 64, dtype=torch.float64),
        lambda output: output.square().mean(),
        learning_rate=0.1,
    )


def vgg(pool):
    widths, layers = (3, 32, 32, 64, 64, 64, 128, 128), []
    for i, pair in enumerate(zip(widths, widths[1:])):
        layers += [nn.Conv2d(*pair, 3, padding=1), nn.ReLU(inplace=True)]
        if i % 2:
            layers.append(nn.MaxPool2d(2))
    return nn.Sequential(*layers, pool, nn.Flatten(), nn.Linear(128, 10))


def on_images(model, *, size=64, count=8, classes=10, **options):
    images = torch.randn(count, 3, size, size)
    return look(model, images, cross_entropy(count, classes), **options)


def vgg_pooled():
    return on_images(started(vgg(nn.AdaptiveAvgPool2d(1)), he))


def vgg_default():
    return on_images(vgg(nn.AdaptiveAvgPool2d(1)))


class Block(nn.Module):
    """Two convolutions beside the identity or, where the shape changes, a projection."""

    def __init__(self, before, after, stride, *, normalized=True):
        super().__init__()
        norm = nn.BatchNorm2d if normalized else lambda _: nn.Identity()
        self.conv1 = nn.Conv2d(before, after, 3, stride, 1, bias=not normalized)
        self.norm1 = norm(after)
        self.conv2 = nn.Conv2d(after, after, 3, 1, 1, bias=not normalized)
        self.norm2 = norm(after)
        same = before == after and stride == 1
        self.shortcut = nn.Identity() if same else nn.Conv2d(before, after, 1, stride, bias=False)

    def forward(self, x):
        h = functional.relu(self.norm1(self.conv1(x)))
        return functional.relu(self.norm2(self.conv2(h)) + self.shortcut(x))


def resnet(blocks=4, **options):
    widths = [16] * blocks + [32] * blocks + [64] * blocks
    layers, before = [nn.Conv2d(3, 16, 3, 1, 1), nn.ReLU()], 16
    for width in widths:
        layers.append(Block(before, width, 1 + (width != before), **options))
        before = width
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 10))


def resnet_normalized():
    return on_images(started(resnet(), he), size=32)


def resnet_zero_gains():
    model = started(resnet(), he)
    for module in model.modules():
        if isinstance(module, Block):
            nn.init.zeros_(module.norm2.weight)
    return on_images(model, size=32)


def resnet_plain():
    return on_images(started(resnet(10, normalized=False), he), size=16)


def batch_norm_plain():
    layers = [
        part for _ in range(30) for part in (nn.Linear(64, 64), nn.BatchNorm1d(64), nn.ReLU())
    ]
    return on_vectors(started(nn.Sequential(*layers, nn.Linear(64, 10)), he))


class UNet(nn.Module):
    def __init__(self, widths=(16, 32, 64)):
        super().__init__()
        self.down = nn.ModuleList(
            nn.Conv2d(a, b, 3, padding=1) for a, b in zip((3, *widths), widths)
        )
        self.middle = nn.Conv2d(widths[-1], widths[-1], 3, padding=1)
        self.up = nn.ModuleList(
            nn.Conv2d(2 * b, a, 3, padding=1) for a, b in zip((widths[0], *widths), widths)
        )
        self.out = nn.Conv2d(widths[0], 2, 1)

    def forward(self, x):
        kept = []
        for layer in self.down:
            x = functional.relu(layer(x))
            kept.append(x)
            x = functional.max_pool2d(x, 2)
        x = functional.relu(self.middle(x))
        for layer, skip in zip(reversed(self.up), reversed(kept)):
            x = functional.interpolate(x, scale_factor=2)
            x = functional.relu(layer(torch.cat([x, skip], dim=1)))
        return self.out(x)


def u_net():
    target = torch.randint(2, (4, 32, 32))
    model = started(UNet(), he)
    return look(
        model, torch.randn(4, 3, 32, 32), lambda output: functional.cross_entropy(output, target)
    )


def encoder(norm_first, depth=12):
    layer = nn.TransformerEncoderLayer(
        64, 4, 256, dropout=0.0, batch_first=True, norm_first=norm_first
    )
    return nn.Sequential(nn.TransformerEncoder(layer, depth, enable_nested_tensor=False))


class Classifier(nn.Module):
    """Tokens, a body, the mean over tokens, and a head."""

    def __init__(self, body, width=64, vocabulary=1000):
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, width)
        self.body = body
        self.head = nn.Linear(width, 10)

    def forward(self, tokens):
        return self.head(self.body(self.embedding(tokens)).mean(dim=1))


def on_tokens(model, *, count=16, length=24, **options):
    tokens = torch.randint(1000, (count, length))
    return look(model, tokens, cross_entropy(count, 10), **options)


def transformer_pre():
    return on_tokens(Classifier(encoder(True)))


def transformer_post():
    return on_tokens(Classifier(encoder(False)))


@dataclass(frozen=True)
class ByParameters:
    """A look at the gradients of all parameters, as `named_parameters` gives them."""

    readings: tuple

    steps = MappingProxyType({})

    @property
    def diagnosis(self):
        return judge(self.readings)


def transformer_parameters():
    """Weight matrices, biases and the gains of norms, mixed."""
    model = Classifier(encoder(True))
    cross_entropy(16, 10)(model(torch.randint(1000, (16, 24)))).backward()
    return ByParameters(
        tuple(read(name, p.grad.numpy(), kind="weight") for name, p in model.named_parameters())
    )


class GPTBlock(nn.Module):
    """Pre-norm causal attention with separate projections, and a perceptron."""

    def __init__(self, width, heads):
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.query, self.key, self.value, self.project = (nn.Linear(width, width) for _ in range(4))
        self.wide, self.narrow = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)
        self.heads = heads

    def forward(self, x):
        h = self.norm1(x)
        batch, time, width = h.shape
        q, k, v = (
            layer(h).view(batch, time, self.heads, -1).transpose(1, 2)
            for layer in (self.query, self.key, self.value)
        )
        mixed = functional.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.project(mixed.transpose(1, 2).reshape(batch, time, width))
        return x + self.narrow(functional.gelu(self.wide(self.norm2(x))))


class GPT(nn.Module):
    def __init__(self, width=64, heads=4, depth=12, vocabulary=1000, length=32):
        super().__init__()
        self.tokens = nn.Embedding(vocabulary, width)
        self.positions = nn.Embedding(length, width)
        self.blocks = nn.ModuleList(GPTBlock(width, heads) for _ in range(depth))
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, vocabulary, bias=False)
        for module in self.modules():
            if isinstance(module, (nn.Linear, nn.Embedding)):
                nn.init.normal_(module.weight, std=0.02)
        for block in self.blocks:
            for layer in (block.project, block.narrow):
                nn.init.normal_(layer.weight, std=0.02 / math.sqrt(2 * depth))

    def forward(self, tokens):
        x = self.tokens(tokens) + self.positions(torch.arange(tokens.shape[1]))
        for block in self.blocks:
            x = block(x)
        return self.head(self.norm(x))


def gpt_2():
    tokens = torch.randint(1000, (4, 33))

    def loss(output):
        return functional.cross_entropy(output.flatten(0, 1), tokens[:, 1:].flatten())

    return look(GPT(), tokens[:, :-1], loss)


def embedding():
    body = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU())
    return on_tokens(Classifier(started(body, he)))


class Last(nn.Module):
    """A recurrent layer, and a head on its last step, or on every one."""

    def __init__(self, layer, *, everywhere=False):
        super().__init__()
        self.layer, self.head, self.everywhere = layer, nn.Linear(32, 10), everywhere

    def forward(self, x):
        h, _ = self.layer(x)
        return self.head(h if self.everywhere else h[:, -1])


def recurrent(cell, **options):
    model = Last(cell(8, 32, batch_first=True))
    return model, lambda: look(model, torch.randn(16, 100, 8), cross_entropy(16, 10), **options)


def lstm():
    return recurrent(nn.LSTM)[1]()


def gru():
    return recurrent(nn.GRU)[1]()


def lstm_open():
    model, run = recurrent(nn.LSTM)
    with torch.no_grad():
        model.layer.bias_ih_l0[32:64] = math.log(100)
        model.layer.bias_hh_l0[32:64] = 0
    return run()


def lstm_everywhere():
    model = Last(nn.LSTM(8, 32, batch_first=True), everywhere=True)
    target = labels(1600, 10)
    return look(
        model,
        torch.randn(16, 100, 8),
        lambda output: functional.cross_entropy(output.flatten(0, 1), target),
    )


def half(dtype):
    """A healthy network in a narrow format, with a loss whose gradients are tiny."""
    model = started(mlp(), he).to(dtype)
    x, target = torch.randn(128, 64).to(dtype), labels(128, 10)

    def loss(output):
        return 1e-4 * functional.cross_entropy(output.float(), target)

    return look(model, x, loss)


def float16():
    return half(torch.float16)


def float16_sigmoid():
    model = started(mlp(nn.Sigmoid), nn.init.xavier_normal_).half()
    return look(model, torch.randn(128, 64).half(), cross_entropy(128, 10))


def bfloat16():
    return half(torch.bfloat16)


def frozen():
    model = started(mlp(), he)
    for parameter in model[:18].parameters():
        parameter.requires_grad_(False)
    return on_vectors(model)


def zero_head():
    model = started(mlp(widths=(64,) * 7), he)
    nn.init.zeros_(model[-1].weight)
    return on_vectors(model)


def one_nan():
    model, x = started(mlp(), he), torch.randn(128, 64)
    x[17, 3] = math.nan
    return look(model, x, cross_entropy(128, 10))


def batch_of_1():
    return on_vectors(started(mlp(), he), count=1)


class Auxiliary(nn.Module):
    def __init__(self):
        super().__init__()
        self.body, self.aux = started(mlp(), he), nn.Linear(64, 5)

    def forward(self, x):
        self.aux(x)
        return self.body(x)


def auxiliary():
    return on_vectors(Auxiliary())


class Shared(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.again, self.head = nn.Linear(64, 64), nn.Linear(64, 64), nn.Linear(64, 10)

    def forward(self, x):
        h = functional.relu(self.first(x))
        for _ in range(8):
            h = functional.relu(self.again(h))
        return self.head(h)


def shared():
    return on_vectors(started(Shared(), he))


NETWORKS = {
    "mlp, he": mlp_he,
    "mlp, pytorch default": mlp_default,
    "mlp, sigmoid": mlp_sigmoid,
    "mlp, large weights": mlp_large,
    "mlp, large tanh": mlp_large_tanh,
    "mlp, one layer off": mlp_dead,
    "mlp, pyramid": mlp_pyramid,
    "mlp, saturated output": mlp_saturated,
    "vgg, pooled": vgg_pooled,
    "vgg, pytorch default": vgg_default,
    "resnet": resnet_normalized,
    "resnet, zero last gains": resnet_zero_gains,
    "resnet, no normalization": resnet_plain,
    "batch norm without skips": batch_norm_plain,
    "u-net": u_net,
    "transformer, pre-norm": transformer_pre,
    "transformer, post-norm": transformer_post,
    "transformer, all parameters": transformer_parameters,
    "gpt-2": gpt_2,
    "embedding and mean": embedding,
    "lstm over 100 steps": lstm,
    "gru over 100 steps": gru,
    "lstm over 100 steps, open": lstm_open,
    "lstm, a loss at every step": lstm_everywhere,
    "float16, small loss": float16,
    "float16, sigmoid": float16_sigmoid,
    "bfloat16, small loss": bfloat16,
    "frozen backbone, new head": frozen,
    "zero head": zero_head,
    "one nan": one_nan,
    "batch of 1": batch_of_1,
    "an auxiliary head that is not used": auxiliary,
    "a layer used eight times": shared,
}


def seen(name, seed=0):
    """A look at the network of that name."""
    torch.manual_seed(seed)
    return NETWORKS[name]()

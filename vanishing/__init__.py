"""Vanishing and exploding gradients, measured: small networks whose every layer can be looked at.

Every public name is an attribute of this module, whatever room it comes from; what predicts
without running a network is `theory`, and what draws is `vanishing.plot`, which needs Matplotlib.
"""

from vanishing import theory
from vanishing.checking.duals import Dual
from vanishing.checking.gradients import (
    central_difference,
    complex_step,
    forward_mode,
    parameter_gradient,
)
from vanishing.checking.jacobians import (
    extreme_singular_values,
    jacobian,
    jvp,
    singular_values,
    vjp,
)
from vanishing.checking.projection import projection_test
from vanishing.measurement.correlations import (
    gradient_autocorrelation,
    signal_correlation,
    signal_difference,
)
from vanishing.measurement.diagnosis import Diagnosis, diagnose
from vanishing.measurement.measurements import Measurements, measure, measure_record
from vanishing.measurement.norms import norm_per_sample, rms
from vanishing.measurement.time_steps import state_gradients, step_jacobians
from vanishing.measurement.verdicts import verdict
from vanishing.measurement.watching import Watch, watch
from vanishing.nn.activations import (
    Activation,
    activation,
    elu,
    gelu,
    gelu_tanh,
    hard_tanh,
    identity,
    leaky_relu,
    mish,
    relu,
    scaled_tanh,
    selu,
    sigmoid,
    silu,
    softplus,
    softsign,
    swish,
    tanh,
)
from vanishing.nn.dense import dense_network
from vanishing.nn.elementwise import Activate, Dropout, PReLU
from vanishing.nn.initializers import (
    Initializer,
    calculate_gain,
    constant,
    gaussian,
    he,
    he_normal,
    he_uniform,
    initializer,
    lecun_normal,
    orthogonal,
    pytorch_default,
    scaled_gaussian,
    uniform,
    xavier,
    xavier_normal,
    xavier_uniform,
    zeros,
)
from vanishing.nn.layer import Layer, Mode, Nonlinearity
from vanishing.nn.linear import Linear
from vanishing.nn.losses import Loss, accuracy, mean_squared_error, softmax_cross_entropy
from vanishing.nn.lsuv import lsuv
from vanishing.nn.normalization import BatchNorm, LayerNorm, RMSNorm
from vanishing.nn.recurrence import GRU, LSTM, RNN, LastStep, Recurrent
from vanishing.nn.sequential import Gradients, Record, Sequential
from vanishing.nn.skips import Highway, Residual
from vanishing.training.clipping import (
    Clipped,
    clip_by_global_norm,
    clip_by_norm,
    clip_by_value,
)
from vanishing.training.datasets import Split, blobs, digits, spirals
from vanishing.training.descent import descend
from vanishing.training.loop import History, train
from vanishing.training.optimizers import SGD, AdaGrad, Adam, AdamW, Optimizer, RMSprop
from vanishing.training.schedules import warmup
from vanishing.training.side_by_side import SideBySide

__version__ = "0.1.0"

__all__ = [
    "Activate",
    "Activation",
    "AdaGrad",
    "Adam",
    "AdamW",
    "BatchNorm",
    "Clipped",
    "Diagnosis",
    "Dropout",
    "Dual",
    "GRU",
    "Gradients",
    "Highway",
    "History",
    "Initializer",
    "LSTM",
    "LastStep",
    "Layer",
    "LayerNorm",
    "Linear",
    "Loss",
    "Measurements",
    "Mode",
    "Nonlinearity",
    "Optimizer",
    "PReLU",
    "RMSNorm",
    "RMSprop",
    "RNN",
    "Record",
    "Recurrent",
    "Residual",
    "SGD",
    "Sequential",
    "SideBySide",
    "Split",
    "Watch",
    "accuracy",
    "activation",
    "blobs",
    "calculate_gain",
    "central_difference",
    "clip_by_global_norm",
    "clip_by_norm",
    "clip_by_value",
    "complex_step",
    "constant",
    "dense_network",
    "descend",
    "diagnose",
    "digits",
    "elu",
    "extreme_singular_values",
    "forward_mode",
    "gaussian",
    "gelu",
    "gelu_tanh",
    "gradient_autocorrelation",
    "hard_tanh",
    "he",
    "he_normal",
    "he_uniform",
    "identity",
    "initializer",
    "jacobian",
    "jvp",
    "leaky_relu",
    "lecun_normal",
    "lsuv",
    "mean_squared_error",
    "measure",
    "measure_record",
    "mish",
    "norm_per_sample",
    "orthogonal",
    "parameter_gradient",
    "projection_test",
    "pytorch_default",
    "relu",
    "rms",
    "scaled_gaussian",
    "scaled_tanh",
    "selu",
    "sigmoid",
    "signal_correlation",
    "signal_difference",
    "silu",
    "singular_values",
    "softmax_cross_entropy",
    "softplus",
    "softsign",
    "spirals",
    "state_gradients",
    "step_jacobians",
    "swish",
    "tanh",
    "theory",
    "train",
    "uniform",
    "verdict",
    "vjp",
    "warmup",
    "watch",
    "xavier",
    "xavier_normal",
    "xavier_uniform",
    "zeros",
]

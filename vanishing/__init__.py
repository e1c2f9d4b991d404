"""Vanishing and exploding gradients, measured: small networks whose every layer can be looked at."""

from vanishing.activations import Activation, activation, identity, leaky_relu, relu, sigmoid, tanh
from vanishing.checking import central_difference, complex_step, forward_mode, parameter_gradient, projection_test
from vanishing.datasets import Split, blobs, digits, spirals, two_moons
from vanishing.duals import Dual
from vanishing.initializers import Initializer, gaussian, initializer, pytorch_default, scaled_gaussian, uniform
from vanishing.initializers import he_normal, he_uniform, xavier_normal, xavier_uniform
from vanishing.layers import Activate, Affine, Layer, Mode
from vanishing.losses import Loss, accuracy, mean_squared_error, softmax_cross_entropy
from vanishing.measurements import Measurements, measure, measure_record, rms, verdict
from vanishing.networks import Gradients, Network, Record, dense_network
from vanishing.training import GradientDescent, History, Optimizer, descend, train

__version__ = "0.1.0"
__all__ = [
    "Activate", "Activation", "Affine", "Dual", "GradientDescent", "Gradients", "History", "Initializer", "Layer",
    "Loss", "Measurements", "Mode", "Network", "Optimizer", "Record", "Split", "accuracy", "activation", "blobs",
    "central_difference", "complex_step", "dense_network", "descend", "digits", "forward_mode", "gaussian",
    "he_normal", "he_uniform", "identity", "initializer", "leaky_relu", "mean_squared_error", "measure",
    "measure_record", "parameter_gradient", "projection_test", "pytorch_default", "relu", "rms", "scaled_gaussian",
    "sigmoid", "softmax_cross_entropy", "spirals", "tanh", "train", "two_moons", "uniform", "verdict",
    "xavier_normal", "xavier_uniform",
]  # fmt: skip

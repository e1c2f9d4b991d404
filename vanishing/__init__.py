"""Vanishing and exploding gradients, measured: small networks whose every layer can be looked at.

A module is imported when something of it is first used, so that `import vanishing` costs next to nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # for editors and type checkers, which do not run `__getattr__`
    from vanishing.activations import *
    from vanishing.initializers import *
    from vanishing.layers import *
    from vanishing.normalization import *
    from vanishing.branches import *
    from vanishing.recurrence import *
    from vanishing.networks import *
    from vanishing.losses import *
    from vanishing.measurements import *
    from vanishing.optimizers import *
    from vanishing.training import *
    from vanishing.duals import *
    from vanishing.checking import *
    from vanishing.jacobians import *
    from vanishing.diagnosis import *
    from vanishing.datasets import *
    from vanishing import theory as theory

_NAMES = {
    "activations":
        "Activation activation elu gelu gelu_tanh hard_tanh identity leaky_relu mish relu scaled_tanh selu "
        "sigmoid silu softplus softsign swish tanh",
    "initializers":
        "constant gain gaussian he he_normal he_uniform Initializer initializer lecun_normal lecun_uniform "
        "orthogonal pytorch_default scaled_gaussian uniform xavier xavier_normal xavier_uniform zeros",
    "layers": "Activate Affine Layer Mode",
    "normalization": "BatchNorm LayerNorm RMSNorm",
    "branches": "Dropout Highway PReLU Residual",
    "recurrence": "GRU LastStep LSTM Recurrent RNN state_gradients step_jacobians",
    "networks": "dense_network Gradients lsuv Network Record",
    "losses": "accuracy Loss mean_squared_error softmax_cross_entropy",
    "measurements": "measure measure_record Measurements rms verdict",
    "optimizers":
        "AdaGrad Adam AdamW clip_by_global_norm clip_by_norm clip_by_value Clipped GradientDescent Optimizer "
        "RMSprop warmup",
    "training": "descend History train",
    "duals": "Dual",
    "checking": "central_difference complex_step forward_mode parameter_gradient projection_test",
    "jacobians":
        "extreme_singular_values gradient_autocorrelation jacobian jvp signal_correlation singular_values vjp",
    "theory": "",
    "diagnosis": "diagnose Diagnosis",
    "datasets": "blobs digits spirals Split two_moons",
    "figures": "",
    "explorables": "",
}  # fmt: skip
_HOMES = {name: module for module, names in _NAMES.items() for name in names.split()}

__version__ = "0.1.0"
__all__ = [*sorted(_HOMES)]


def __getattr__(name: str) -> Any:
    if name in _NAMES:
        return import_module(f"vanishing.{name}")
    if name not in _HOMES:
        raise AttributeError(f"module 'vanishing' has no attribute {name!r}")
    globals()[name] = value = getattr(import_module(f"vanishing.{_HOMES[name]}"), name)
    return value


def __dir__() -> list[str]:
    return [*globals(), *_NAMES, *_HOMES]

"""Where a policy looks: seven methods of one signature, and checks of what they are worth.

* :mod:`objwrappers.sb3.saliency.methods`: :func:`saliency` by name, and :data:`METHODS`
* :mod:`objwrappers.sb3.saliency.perturbation`: blurs a spot at a time
* :mod:`objwrappers.sb3.saliency.policy_outputs`: a policy as a function of its images
* :mod:`objwrappers.sb3.saliency.checks`: randomised weights, deletion and insertion
"""

from objwrappers.sb3.saliency.methods import (
    METHODS,
    attention,
    grad_cam,
    gradient,
    integrated_gradients,
    perturbation,
    saliency,
    smooth_grad,
    var_grad,
)

__all__ = [
    "METHODS",
    "attention",
    "grad_cam",
    "gradient",
    "integrated_gradients",
    "perturbation",
    "saliency",
    "smooth_grad",
    "var_grad",
]

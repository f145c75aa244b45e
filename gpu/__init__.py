"""The pipeline: photos in, a 3D Gaussian splat out.

Imports nothing from `bot`. The bot imports only `gpu.job`, the job specification
that both sides share, which needs nothing but the standard library.
"""

import os

# A thread that waits for its work must sleep, not spin: beside two busy processes on two cores,
# training ran at 2.0 steps a second with the default and at 9.8 with this. OpenMP reads it when
# it is loaded, so it has to be set before torch or numba are.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

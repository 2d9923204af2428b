"""The stages of dvc.yaml: ``python -m stages.train --help``.

Importing this package fixes the numerics, as NumPy and PyTorch choose their kernels when they are loaded: so no stage
can forget it, nor import either of them before.
"""

import sys

from ser.files import failures
from ser.machine import numerics

if "--numerics=fast" not in sys.argv:  # asked for by the params of a stage, whose lock then says so
    numerics.fix()
failures.one_line_while_loading("stages")

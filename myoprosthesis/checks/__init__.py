"""Former name of `myoprosthesis.testing`, kept for one release."""

import warnings

from myoprosthesis.testing import *  # noqa: F403
from myoprosthesis.testing import __all__ as __all__

warnings.warn("myoprosthesis.checks is called myoprosthesis.testing now", DeprecationWarning, stacklevel=2)

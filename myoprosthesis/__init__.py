"""One policy, many bodies: a ROS 2 control stack for musculoskeletal models and prosthetic hands.

Imported after gymnasium, it adds its environments to gymnasium's registry; `import myoprosthesis.envs` always does.
"""

import sys

__version__ = "0.1.0"

if "gymnasium" in sys.modules:
    import myoprosthesis.envs  # noqa: F401

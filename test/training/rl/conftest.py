"""The environment of these tests is registered, and their runs can be imported."""

import importlib.util
import sys
from pathlib import Path

for name in ("point_env", "point_runs"):
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
        sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[name])

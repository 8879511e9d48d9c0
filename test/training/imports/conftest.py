"""Modules beside these tests can be imported by them."""

import importlib.util
import sys
from pathlib import Path

NAME = "foreign_files"
spec = importlib.util.spec_from_file_location(NAME, Path(__file__).with_name(f"{NAME}.py"))
assert spec is not None and spec.loader is not None
module = importlib.util.module_from_spec(spec)
sys.modules[NAME] = module
spec.loader.exec_module(module)

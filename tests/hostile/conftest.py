"""The fixtures of the integration tests: servers that are ended and checked after the test."""
import importlib.util
import pathlib
import sys

_path = pathlib.Path(__file__).resolve().parents[1] / "integration" / "conftest.py"
_spec = importlib.util.spec_from_file_location("integration_conftest", _path)
_module = importlib.util.module_from_spec(_spec)
sys.modules["integration_conftest"] = _module
_spec.loader.exec_module(_module)

globals().update({name: value for name, value in vars(_module).items()
                  if name.startswith("pytest_") or hasattr(value, "_pytestfixturefunction")})


def pytest_configure(config):
    config.addinivalue_line("markers", "alone: measures how long others wait meanwhile; CTest runs no other test beside it")

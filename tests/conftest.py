"""What every test may use."""

import os
import signal

import pytest
from hypothesis import Phase, settings

pytest_plugins = ["tests.support.postgres", "tests.support.valkey"]

# Who starts the tests in the background may have them ignore Ctrl+C or the end of a terminal, and so would every
# command to which a test sends such a signal.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGHUP, signal.SIG_DFL)

# A busy machine may take any time for one example; how long something takes is measured in bench/.
# Nor is a failure explained line by line: that traces greenlets, in which CPython 3.11 crashes.
settings.register_profile(
    "keywright", deadline=None, phases=[phase for phase in Phase if phase is not Phase.explain]
)
settings.load_profile("keywright")


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """Async tests run on asyncio, the loop the server runs on."""
    return "asyncio"


@pytest.fixture(scope="session", autouse=True)
def no_settings_of_the_developer() -> None:
    """No test sees the settings with which somebody runs Keywright on this machine."""
    for name in os.environ:
        if name.startswith("KEYWRIGHT_") and not name.startswith("KEYWRIGHT_TEST_"):
            del os.environ[name]

"""What most tests of this door need: somebody who may do everything, and a project."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.dialects.contember.asking import BLOG, Tenant

if TYPE_CHECKING:
    from tests.support.keywright import Keywright


@pytest.fixture(scope="module")
def root(keywright: Keywright) -> Tenant:
    """A global key of a super_admin."""
    return Tenant(keywright, keywright.key(None, "super_admin")["token"])


@pytest.fixture(scope="module")
def blog(keywright: Keywright) -> str:
    """The slug of a project with roles of its own."""
    keywright.tenant("my-blog", BLOG)
    return "my-blog"


@pytest.fixture(scope="module")
def admin(keywright: Keywright, blog: str) -> Tenant:
    """A key of an administrator of that project."""
    return Tenant(keywright, keywright.key(blog, "admin")["token"])


@pytest.fixture(scope="module")
def overseer(keywright: Keywright) -> Tenant:
    """A global key of a project_admin."""
    return Tenant(keywright, keywright.key(None, "project_admin")["token"])


@pytest.fixture(scope="module")
def reader(keywright: Keywright, blog: str) -> Tenant:
    """A key of somebody who may read everything in the project."""
    return Tenant(keywright, keywright.key(blog, "read_only")["token"])

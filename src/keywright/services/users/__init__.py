"""People: who they are, and what becomes of them."""

from keywright.services.users.shapes import (
    CreatedUser,
    ListUsers,
    NewUser,
    UserChanges,
    UserId,
    UserList,
    UserReset,
    UserView,
)
from keywright.services.users.use_cases import (
    create_user,
    delete_user,
    get_user,
    list_users,
    remove_user,
    reset_user,
    update_user,
)

__all__ = [
    "CreatedUser",
    "ListUsers",
    "NewUser",
    "UserChanges",
    "UserId",
    "UserList",
    "UserReset",
    "UserView",
    "create_user",
    "delete_user",
    "get_user",
    "list_users",
    "remove_user",
    "reset_user",
    "update_user",
]

"""Logging in and out, and showing who one is."""

from keywright.core.people import fold_login
from keywright.core.sessions import Lifetime
from keywright.services.sessions.delegating import SessionFor, create_session_for
from keywright.services.sessions.keeper import SessionKeeper
from keywright.services.sessions.opening import LoggedIn
from keywright.services.sessions.use_cases import (
    Confirmation,
    ListSessions,
    PasswordChange,
    SessionId,
    SessionList,
    SessionView,
    change_password,
    confirm_session,
    end_one_session,
    end_other_sessions,
    end_session,
    list_sessions,
)

__all__ = [
    "Confirmation",
    "Lifetime",
    "ListSessions",
    "LoggedIn",
    "PasswordChange",
    "SessionFor",
    "SessionId",
    "SessionKeeper",
    "SessionList",
    "SessionView",
    "change_password",
    "confirm_session",
    "create_session_for",
    "end_one_session",
    "end_other_sessions",
    "end_session",
    "fold_login",
    "list_sessions",
]

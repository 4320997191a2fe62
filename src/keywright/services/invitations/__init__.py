"""Invitations: links by which people come in, or set a new password."""

from keywright.services.invitations.acceptance import Visitor, accept
from keywright.services.invitations.shapes import (
    Acceptance,
    Accepted,
    InvitationId,
    InvitationList,
    InvitationView,
    Invited,
    ListInvitations,
    NewInvitation,
)
from keywright.services.invitations.use_cases import invite_user, list_invitations, revoke_invitation

__all__ = [
    "Acceptance",
    "Accepted",
    "InvitationId",
    "InvitationList",
    "InvitationView",
    "Invited",
    "ListInvitations",
    "NewInvitation",
    "Visitor",
    "accept",
    "invite_user",
    "list_invitations",
    "revoke_invitation",
]

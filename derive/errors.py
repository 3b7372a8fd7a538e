"""Errors meant for people: one line that says what, where, and what to do."""

from __future__ import annotations


class DeriveError(Exception):
    """An error whose message reaches the user as it is; `exit_code` is the command's."""

    exit_code = 2


class Refuted(DeriveError):
    """Something was checked and does not hold, or differs."""

    exit_code = 1


class BadInput(DeriveError, ValueError):
    """The user's input cannot be taken."""

    exit_code = 2


class Undecided(DeriveError):
    """The question was not decided within its limits."""

    exit_code = 3


class EnvironmentTrouble(DeriveError):
    """The machine refuses: permission, disk, lock."""

    exit_code = 4

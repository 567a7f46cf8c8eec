"""Passwords of people: Argon2id, and what is too weak to be one."""

from __future__ import annotations

import secrets
import unicodedata

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from app.errors import UsageError

# OWASP Password Storage Cheat Sheet, Argon2id: 46 MiB, one pass, one lane. 60 ms of CPU when this was written.
_HASHER = PasswordHasher(time_cost=1, memory_cost=47104, parallelism=1)

MIN_LENGTH = 12  # characters
MAX_LENGTH = 200
MIN_DISTINCT = 6  # different characters


def hash_password(password: str) -> str:
    """The hash to store, with salt and parameters. It takes as long as `verify_password`, in C, without the GIL."""
    return _HASHER.hash(_normalize(password))


def verify_password(password_hash: str, password: str) -> bool:
    """Whether this is the password. Takes the same time either way."""
    try:
        return _HASHER.verify(password_hash, _normalize(password))
    except (VerificationError, InvalidHashError):
        return False


def make_decoy() -> str:
    """A hash no password fits: what is verified for an account that does not exist."""
    return hash_password(secrets.token_hex(32))


def generate_password() -> str:
    """A password of 120 random bits."""
    return secrets.token_urlsafe(15)


def check_password(password: str, email: str) -> None:
    """Raises UsageError, never with the password, when it is too weak for the account `email`."""
    if not MIN_LENGTH <= len(password) <= MAX_LENGTH:
        raise UsageError(f"a password has {MIN_LENGTH} to {MAX_LENGTH} characters")
    if not password.isprintable():
        raise UsageError("a password has no line breaks and no other control characters")
    name = email.partition("@")[0].lower()
    if len(set(password.lower())) < MIN_DISTINCT or password.lower() in email.lower() or password.lower() == name:
        raise UsageError("this password is too easily guessed; several words make a good one")


def _normalize(password: str) -> str:
    """One text for what is typed alike on different keyboards (NIST SP 800-63B, 5.1.1.2)."""
    return unicodedata.normalize("NFKC", password)

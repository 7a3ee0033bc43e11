"""What a school says about itself, so that its own names and numbers raise no alarm, and its staff's names do."""

from __future__ import annotations

import re
from dataclasses import dataclass

_NOT_IN_A_NUMBER = re.compile(r"\D+")
_NOT_IN_A_NAME = re.compile(r"[\W_]+")
_DIGITS_COMPARED = 9  # the end of a number: 01632 960123 and +44 1632 960123 are one


@dataclass(frozen=True, slots=True)
class Known:
    """`staff`: names as people write them, with or without a title ("Mrs Example", "Sam Example").

    `allowed`: whatever is public anyway: names, places, phone numbers, e-mail addresses or whole mail domains,
    postcodes. How each is written (spaces, capitals, +44) does not matter.
    """

    staff: tuple[str, ...] = ()
    allowed: tuple[str, ...] = ()

    def allows_number(self, number: str) -> bool:
        """Is this telephone number, however it is written, one of those allowed?"""
        digits = _tail(number)
        return len(digits) == _DIGITS_COMPARED and any(digits == _tail(one) for one in self.allowed)

    def allows(self, words: str) -> bool:
        """Is this name, place, postcode or mail address, however it is spaced and capitalised, one of those allowed?"""
        bare = _bare(words)
        return any(bare == _bare(one) for one in self.allowed)

    def allows_mail(self, address: str) -> bool:
        """Is this mail address allowed, itself or its whole domain?"""
        return self.allows(address) or self.allows(address.rpartition("@")[2])


NOTHING = Known()
"""A school that has said nothing about itself."""


def _tail(number: str) -> str:
    return _NOT_IN_A_NUMBER.sub("", number)[-_DIGITS_COMPARED:]


def _bare(words: str) -> str:
    return _NOT_IN_A_NAME.sub("", words).casefold()

"""Matching and inclusion of segment lists, in bounded work.

A glob is a sequence of segments: literal ones, ones with `*` for any run of characters inside the segment,
`*` alone for any one segment, and `**` for any number of segments. All texts here are well-formed already.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

ONE = "*"
ANY = "**"


def canonical(segments: Sequence[str]) -> tuple[str, ...]:
    """Write a glob so that each `**` is followed by a literal or partly literal segment, or by nothing.

    In a run of `*` and `**` their order means nothing, and one `**` says as much as several.
    """
    written: list[str] = []
    endless = False
    for segment in segments:
        if segment == ANY:
            endless = True
            continue
        if segment != ONE and endless:
            written.append(ANY)
            endless = False
        written.append(segment)
    return (*written, ANY) if endless else tuple(written)


def segment_fits(glob: str, segment: str) -> bool:
    """Whether a glob segment other than `**` matches a segment.

    The segment may be a glob segment itself: its `*` counts as a character that only a wildcard matches, and
    so the answer is whether the first matches all that the second matches.
    """
    if glob in (segment, ONE):
        return True
    if "*" not in glob:
        return False
    head, *middle, tail = glob.split("*")
    if len(segment) < len(head) + len(tail) or not (segment.startswith(head) and segment.endswith(tail)):
        return False
    at, end = len(head), len(segment) - len(tail)
    for piece in middle:
        found = segment.find(piece, at, end)
        if found < 0:
            return False
        at = found + len(piece)
    return True


def fits(glob: Sequence[str], name: Sequence[str]) -> bool:
    """Whether a canonical glob matches the segments of a name.

    After each `**` the first place where what follows fits is as good as any later one, so that only the last
    `**` is ever extended: at most as many comparisons as the product of the two lengths.
    """
    at = place = 0
    resume = -1
    extended = 0
    while at < len(name):
        if place < len(glob) and glob[place] == ANY:
            place += 1
            resume, extended = place, at
        elif place < len(glob) and segment_fits(glob[place], name[at]):
            at += 1
            place += 1
        elif resume >= 0:
            extended += 1
            at, place = extended, resume
        else:
            return False
    return tuple(glob[place:]) in ((), (ANY,))


def includes(wide: Sequence[str], narrow: Sequence[str]) -> bool:
    """Whether the canonical glob `wide` matches every sequence of segments that `narrow` matches. Exact.

    Runs `wide` as an automaton, its places as the bits of a number, over the hardest of those sequences.
    There is a hardest one, and it is found step by step:

    - A wildcard of `narrow` is hardest when it stands for characters that `wide` does not name: only
      wildcards of `wide` accept these, and what they accept could be anything else as well.
    - Call a place settled if nothing but `*` segments stands between it and the next `**`. What is accepted
      from an earlier place is accepted from a settled one too, so that places before the furthest settled
      one can be forgotten.
    - Let `narrow` come to a `**`. If the furthest settled place stands before a `*`, more segments only
      lead further, and no segment is hardest. If it stands before a `**`, places beyond it do not outlive
      a long run of segments: one that led on through wildcards alone would be settled. So in both cases
      what remains is the furthest settled place; without one, nothing.
    """
    endless = sum(1 << place for place, segment in enumerate(wide) if segment == ANY)
    settled = _settled(wide)

    def reach(places: int) -> int:
        return places | ((places & endless) << 1)

    places = reach(1)
    for segment in narrow:
        if segment == ANY:
            furthest = 1 << (places & settled).bit_length() >> 1
            places = reach(furthest)
        else:
            fitting = sum(
                1 << place
                for place, own in enumerate(wide)
                if (places >> place) & 1 and own != ANY and segment_fits(own, segment)
            )
            places = reach((fitting << 1) | (places & endless))
        if not places:
            return False
    return bool((places >> len(wide)) & 1)


def _settled(glob: Sequence[str]) -> int:
    places = 0
    behind = False
    for place in range(len(glob) - 1, -1, -1):
        behind = glob[place] == ANY or (behind and glob[place] == ONE)
        places |= behind << place
    return places

"""The fields of a post of WordPress that we write, in a form in which they can be compared. Pure.

WordPress stores the row of a post at once (its words, slug and status), and its terms, picture and
meta one after the other behind it. So a write of ours that was cut off left the row as we sent it,
and of the rest some: what stands neither as we found it nor as we sent it is a person's.
"""

from __future__ import annotations

import html
from collections.abc import Collection, Iterator, Mapping
from difflib import SequenceMatcher
from itertools import product
from typing import Any
from urllib.parse import unquote, urlsplit

from contentstudio.publish import fingerprint, seo_fields, wordpress_blocks
from contentstudio.publish.port import sha256_of

TEXTS = ("title", "excerpt", "content")
ROW = (*TEXTS, "slug", "status")
TERMS = ("tags", "categories")
PLAIN = {
    "content": "text",
    "featured_media": "featured picture",
    "seo": "SEO fields",
}  # names as people know them
LONGEST = 80  # characters of a text that a sentence quotes
AROUND = 4  # words that it quotes before and after a change

Parts = Mapping[str, str]
"""By the name of a field what stands in it: a digest of a text, ids of terms; the status and the
slug as they are.
"""


def parts(post: Mapping[str, Any]) -> dict[str, str]:
    """What stands in a post, as REST tells it with context=edit."""
    row = {name: _digest(post[name]["raw"]) for name in TEXTS}
    rest = {name: _ids(post[name]) for name in TERMS} | {
        "featured_media": str(post["featured_media"])
    }
    return {
        **row,
        "slug": unquote(post["slug"]),
        "status": post["status"],
        **rest,
        "seo": _seo(post.get("meta")),
    }


def sent(
    fields: Mapping[str, Any], seo: Mapping[str, str] = {}, meta: Any = None
) -> dict[str, str]:
    """What stands in a post once `fields` and the SEO fields were written into one that has this
    `meta`.
    """
    digests = {name: _digest(fields[name]) for name in TEXTS if name in fields}
    digests |= {name: _ids(fields[name]) for name in TERMS if name in fields}
    digests |= {
        name: str(fields[name]) for name in ("slug", "status", "featured_media") if name in fields
    }
    if seo:
        digests["seo"] = _seo({**(meta if isinstance(meta, dict) else {}), **seo})
    return digests


def disturbed(there: Parts, before: Parts, ours: Parts) -> list[str]:
    """The fields that stand neither as they were found `before`, nor as we send them. A field that
    is in neither of the two is nobody's concern; `before` is empty where nobody knows it.
    """
    written = {**before, **ours}  # the row as it stands once we wrote: what we do not send stays
    row = min(
        (_others(there, side, ROW) for side in (written, before) if side), key=len, default=[]
    )
    sides = {
        name: [side for side in (before, ours) if name in side] for name in there if name not in ROW
    }
    return row + [
        name
        for name, any_ in sides.items()
        if any_ and all(_others(there, one, [name]) for one in any_)
    ]


def arrived(there: Parts, ours: Parts) -> bool:
    """Whether everything stands as we send it."""
    return not _others(there, ours, ours)


def _others(there: Parts, side: Parts, names: Collection[str]) -> list[str]:
    """Those of the fields that stand otherwise. A post that waited for its time may
    have come out.
    """
    return [
        name
        for name in names
        if name in side
        and there[name] != side[name]
        and (there[name], side[name]) != ("publish", "future")
    ]


def listed(names: Collection[str]) -> str:
    """The fields as people know them: “its title, its tags”."""
    return ", ".join(f"its {PLAIN.get(name, name)}" for name in names)


def said(fields: Mapping[str, Any]) -> list[Any]:
    """What our mark (`mark.py`) holds besides the text: title, excerpt, and what goes along of
    terms and pictures.
    """
    ids = [_ids(fields[name]) if name in fields else None for name in TERMS]
    return [
        fingerprint.words(fields["title"]),
        fingerprint.words(fields["excerpt"]),
        *ids,
        fields.get("featured_media"),
    ]


def could_be_said(post: Mapping[str, Any]) -> Iterator[list[Any]]:
    """What a mark would hold that was made of this post: terms and a picture that we did not send
    are not in it.
    """
    words = [fingerprint.words(post[name]["raw"]) for name in ("title", "excerpt")]
    for ids in product(
        *((_ids(post[name]), None) for name in TERMS), (post["featured_media"], None)
    ):
        yield [*words, *ids]


def differences(
    fields: Mapping[str, Any],
    seo: Mapping[str, str],
    post: Mapping[str, Any],
    names: Mapping[int, str],
) -> list[str]:
    """What WordPress made otherwise than it was sent, in sentences; `names` are those of the terms
    by their ids.
    """
    sentences = [
        _text(name, fields[name], post[name]["raw"])
        for name in ("title", "excerpt")
        if name in fields
    ]
    sentences.append(_content(fields["content"], post["content"]["raw"]))
    for name in TERMS:
        sentences += _terms(name, set(fields.get(name, post[name])), set(post[name]), names)
    if fields.get("featured_media", post["featured_media"]) != post["featured_media"]:
        sentences.append("WordPress did not take the featured picture")
    meta = post.get("meta")
    for key, value in seo.items():
        sentences.append(
            _text(f"field {key}", value, str(meta.get(key) or "") if isinstance(meta, dict) else "")
        )
    if unquote(post["slug"]) != fields["slug"]:
        sentences.append(f"WordPress made “{unquote(post['slug'])}” of the slug “{fields['slug']}”")
    if _others(
        {"status": post["status"]}, {"status": fields.get("status", post["status"])}, ["status"]
    ):
        sentences.append(f"WordPress made “{post['status']}” of the status “{fields['status']}”")
    return [sentence for sentence in sentences if sentence]


def _text(name: str, ours: str, there: str) -> str:
    if fingerprint.words(ours) == fingerprint.words(there):
        return ""
    if not fingerprint.words(there):
        return f"WordPress dropped the {name}"
    return f"WordPress made “{_short(there)}” of the {name} “{_short(ours)}”"


def _content(ours: str, there: str) -> str:
    before, after = fingerprint.words(ours), fingerprint.words(there)
    if not after and before:
        return "WordPress dropped the text"
    if before != after:
        return f"WordPress changed the text: {_change(before, after)}"
    if fingerprint.words_sha(ours) != fingerprint.words_sha(there):
        return "WordPress changed links or pictures of the text"
    return "" if fingerprint.MARK.search(there) else "WordPress removed our mark from the text"


def _change(before: list[str], after: list[str]) -> str:
    """The first change of words, with some around it."""
    changes = SequenceMatcher(None, before, after, autojunk=False).get_opcodes()
    _, i, j, k, m = next(change for change in changes if change[0] != "equal")
    quoted = [
        " ".join(words[max(0, start - AROUND) : end + AROUND])
        for words, start, end in ((before, i, j), (after, k, m))
    ]
    return f"“{_short(quoted[0])}” became “{_short(quoted[1])}”"


def _terms(kind: str, ours: set[int], there: set[int], names: Mapping[int, str]) -> Iterator[str]:
    if missing := sorted(ours - there):
        yield (
            f"WordPress did not take the {kind} "
            f"{', '.join(f'“{names.get(one, one)}”' for one in missing)}"
        )
    if added := sorted(there - ours):
        yield f"WordPress added {kind} of its own, with the ids {', '.join(map(str, added))}"


def _short(text: str) -> str:
    plain = " ".join(fingerprint.words(text))
    return plain if len(plain) <= LONGEST else plain[: LONGEST - 1] + "…"


def pick(terms: Collection[Mapping[str, Any]], name: str) -> list[int]:
    """The ids of the terms that a name means, one where it is clear.

    WordPress stores `&amp;` for `&`. Of nested categories with equal names the outermost is meant;
    a name that none has may be a slug.
    """
    folded = _fold(name)
    for fits in (
        [term for term in terms if _fold(term["name"]) == folded],
        [term for term in terms if unquote(term["slug"]).casefold() == folded],
    ):
        outermost = [term for term in fits if not term.get("parent")]
        exact = [
            term
            for term in outermost
            if " ".join(html.unescape(term["name"]).split()) == " ".join(name.split())
        ]
        for candidates in (exact, outermost, fits):
            if candidates:
                return sorted(int(term["id"]) for term in candidates)
    return []


def _fold(name: str) -> str:
    return " ".join(html.unescape(name).split()).casefold()


def same_address(holder: str, template: str, slug: str) -> bool:
    """Whether a post of this slug would be at the address of what holds the slug already;
    `template` is the post's address with %postname% in it, as WordPress tells it.
    """
    if "%postname%" not in template and "%pagename%" not in template:
        return False
    ours = template.replace("%postname%", slug).replace("%pagename%", slug)
    one, other = (unquote(urlsplit(url).path).rstrip("/").casefold() for url in (holder, ours))
    return one == other


def _digest(text: str) -> str:
    """Of the text as it stands, but for the names of entities and the spaces, which WordPress may
    write otherwise.
    """
    return sha256_of(html.unescape(wordpress_blocks.canonical(text)).split())[:16]


def _ids(ids: Collection[int]) -> str:
    return ",".join(map(str, sorted(set(ids))))


def _seo(meta: Any) -> str:
    filled = seo_fields.filled(meta)
    return (
        sha256_of({key: fingerprint.words(value) for key, value in filled.items()})[:16]
        if filled
        else ""
    )

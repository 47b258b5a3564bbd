"""Why a Git server refused, by what git printed; each cause with what mends it. Pure.

The texts are those of GitHub, GitLab, Bitbucket, Gitea, Azure DevOps and Gerrit, and git's own in English.
"""

from __future__ import annotations

import re

from contentstudio.publish.port import Finding

_UNPROTECT = "let this user push to the branch in the server's rules for it, or name another as branch in publish"
_CAUSES = {
    r"GH001|file size limit": ("a file is larger than the server takes", "use smaller pictures"),
    r"GH007|cannot push commits for|not a member of team|verified email": (
        "the server does not take our author",
        "name one that it knows as author in publish of the site",
    ),
    r"GH006|GH013|protected branch|rule violations|modified through pull requests|TF402455"
    r"|Permission to update branch|prohibited by Gerrit": ("the branch is protected", _UNPROTECT),
    r"branch is currently checked out": (
        "the repository has a work tree of its own at the branch",
        "publish to a bare repository, or run there: git config receive.denyCurrentBranch updateInstead",
    ),
    r"read[ -]only|write access .{0,40}not granted|not allowed to push code|denied to |insufficient permission": (
        "this user may read the repository and not push",
        "give its key or token the right to push",
    ),
    r"hook declined": ("a hook of the server declined the push", _UNPROTECT),
    r"permission denied|authentication failed|could not read (username|password)|invalid username": (
        "git is not logged in at the server",
        "let this user's git log in there without being asked, by a key or a stored token",
    ),
    r"host key verification failed": ("the server's key is not known here", "add it to known_hosts"),
    r"remote branch \S+ not found|couldn't find remote ref": (
        "the repository has no such branch",
        "push a first commit to the branch, or name another as branch in publish of the site",
    ),
}


def refusal(said: str) -> Finding | None:
    """The cause of what git printed; None where that tells none that is known."""
    for sign, (what, mend) in _CAUSES.items():
        if re.search(sign, said, re.IGNORECASE):
            return Finding(what=what, ok=False, mend=mend)
    return None

"""What git, ssh and curl say when they fail: which of it passes by itself, and why a server
refused, with the fix. Pure.

The sentences are those of git 2.30 to 2.50, OpenSSH 8 to 10, and curl 7.74 to 8 with OpenSSL or
GnuTLS, in English (`LC_ALL=C`); the refusals are those of GitHub, GitLab, Bitbucket, Gitea, Azure
DevOps and Gerrit.
"""

from __future__ import annotations

import re

from contentstudio.publish.port import Finding

# A person has to fix these, whatever else is said beside them, such as that the connection was
# closed then.
_LASTING = re.compile(
    r"""
    permission\ denied\ \( | too\ many\ authentication\ failures | host\ key\ verification\ failed
    | no\ matching\ (host\ key|key\ exchange|cipher) | bad\ owner\ or\ permissions
    | authentication\ failed | could\ not\ read\ (username|password) | invalid\ username\ or
    | repository\ not\ found | repository\ '[^']*'\ (not\ found|does\ not\ exist)
    | does\ not\ appear\ to\ be\ a\ git\ repository
    | project\ you\ were\ looking\ for\ could\ not\ be\ found
    | remote\ branch\ .*\ not\ found | couldn't\ find\ remote\ ref
    | src\ refspec\ .*\ does\ not\ match
    | hook\ declined | protected\ branch | \[rejected\]
    | (returned\ error:|rpc\ failed;\ http)\ (40[0-7]|41\d|42[0-8])
    | certificate\ (problem|verification\ failed|subject\ name) | server\ certificate
    | transport\ '[^']*'\ not\ allowed | unable\ to\ find\ remote\ helper
    """,
    re.I | re.X,
)
_PASSING = re.compile(
    r"""
    could\ not\ resolve | name\ resolution | name\ or\ service\ not\ known | nodename\ nor\ servname
    | timed\ out | timeout | operation\ too\ slow | not\ responding
    | connection\ (to\ \S+\ (port\ \d+\ )?)?(was\ |is\ )?(closed|reset|refused|aborted|timed)
    | connection\ to\ .*\ closed\ by\ remote\ host | failed\ to\ connect | couldn't\ connect
    | no\ route\ to\ host | (network|host)\ is\ (unreachable|down) | broken\ pipe
    | (recv|send)\ failure
    | kex_exchange_identification | ssh_exchange_identification | banner\ exchange
    | received\ disconnect
    | (hung|hang)\ up\ (unexpectedly|upon) | early\ eof | unexpected\ (eof|disconnect)
    | empty\ reply
    | rpc\ failed | returned\ error:\ (408|425|429|5\d\d)
    | not\ closed\ cleanly | transfer\ closed | outstanding\ read\ data
    | invalid\ index-pack\ output
    | (ssl|tls|gnutls)\w*([\ :_(].*)?(error|failed|terminated|syscall|eof|alert)
    | non-properly\ terminated
    | cannot\ lock\ ref | internal\ server\ error | bad\ gateway | service\ unavailable
    | temporarily\ unavailable
    | too\ many\ (requests|connections) | no\ space\ left\ on\ device | cannot\ allocate\ memory
    """,
    re.I | re.X,
)
_UNPROTECT = (
    "let this user push to the branch in the server's rules for it, or name another as "
    "branch in publish"
)
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
        "publish to a bare repository, or run there: git config "
        "receive.denyCurrentBranch updateInstead",
    ),
    r"read[ -]only|write access .{0,40}not granted|not allowed to push code|denied to "
    r"|insufficient permission": (
        "this user may read the repository and not push",
        "give its key or token the right to push",
    ),
    r"hook declined": ("a hook of the server declined the push", _UNPROTECT),
    r"permission denied|authentication failed|could not read (username|password)|invalid "
    r"username": (
        "git is not logged in at the server",
        "let this user's git log in there without being asked, by a key or a stored token",
    ),
    r"host key verification failed": (
        "the server's key is not known here",
        "add it to known_hosts",
    ),
    r"remote branch \S+ not found|couldn't find remote ref": (
        "the repository has no such branch",
        "push a first commit to the branch, or name another as branch in publish of the site",
    ),
}


def passes(message: str) -> bool:
    """Whether what a command wrote to its errors tells of something that passes without
    a person.
    """
    return not _LASTING.search(message) and bool(_PASSING.search(message))


def refusal(message: str) -> Finding | None:
    """The cause of what git printed; None where that tells none that is known."""
    for sign, (what, mend) in _CAUSES.items():
        if re.search(sign, message, re.IGNORECASE):
            return Finding(what=what, ok=False, mend=mend)
    return None

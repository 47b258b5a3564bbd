"""What git, ssh and curl say when they fail, and which of it passes by itself. Pure.

The sentences are those of git 2.30 to 2.50, OpenSSH 8 to 10, and curl 7.74 to 8 with OpenSSL or GnuTLS, in English
(`LC_ALL=C`).
"""

from __future__ import annotations

import re

# A person has to mend these, whatever else is said beside them, such as that the connection was closed then.
_LASTING = re.compile(
    r"""
    permission\ denied\ \( | too\ many\ authentication\ failures | host\ key\ verification\ failed
    | no\ matching\ (host\ key|key\ exchange|cipher) | bad\ owner\ or\ permissions
    | authentication\ failed | could\ not\ read\ (username|password) | invalid\ username\ or
    | repository\ not\ found | repository\ '[^']*'\ (not\ found|does\ not\ exist)
    | does\ not\ appear\ to\ be\ a\ git\ repository | project\ you\ were\ looking\ for\ could\ not\ be\ found
    | remote\ branch\ .*\ not\ found | couldn't\ find\ remote\ ref | src\ refspec\ .*\ does\ not\ match
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
    | no\ route\ to\ host | (network|host)\ is\ (unreachable|down) | broken\ pipe | (recv|send)\ failure
    | kex_exchange_identification | ssh_exchange_identification | banner\ exchange | received\ disconnect
    | (hung|hang)\ up\ (unexpectedly|upon) | early\ eof | unexpected\ (eof|disconnect) | empty\ reply
    | rpc\ failed | returned\ error:\ (408|425|429|5\d\d)
    | not\ closed\ cleanly | transfer\ closed | outstanding\ read\ data | invalid\ index-pack\ output
    | (ssl|tls|gnutls)\w*([\ :_(].*)?(error|failed|terminated|syscall|eof|alert) | non-properly\ terminated
    | cannot\ lock\ ref | internal\ server\ error | bad\ gateway | service\ unavailable | temporarily\ unavailable
    | too\ many\ (requests|connections) | no\ space\ left\ on\ device | cannot\ allocate\ memory
    """,
    re.I | re.X,
)


def passes(said: str) -> bool:
    """Whether what a command wrote to its errors tells of something that passes without a person."""
    return not _LASTING.search(said) and bool(_PASSING.search(said))

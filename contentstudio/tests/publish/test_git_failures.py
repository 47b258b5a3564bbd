"""What git, ssh and curl say of a failure tells whether it passes by itself."""

from __future__ import annotations

import pytest

from contentstudio.publish.git_failures import passes

UNREAD = """fatal: Could not read from remote repository.

Please make sure you have the correct access rights
and the repository exists."""
URL = "https://git.example/a/posts.git/"

PASSING = [
    *(
        f"fatal: unable to access '{URL}': {why}"
        for why in (
            "Could not resolve host: git.example",
            "Could not resolve proxy: proxy.example",
            "Failed to connect to git.example port 443 after 12 ms: Connection refused",
            "Failed to connect to git.example port 443 after 0 ms: Couldn't connect to server",
            "Failed to connect to git.example port 443 after 3 ms: No route to host",
            "Failed to connect to git.example port 443: Network is unreachable",
            "Failed to connect to git.example port 443 after 130543 ms: Connection timed out",
            "Operation timed out after 300001 milliseconds with 0 out of 0 bytes received",
            "Operation too slow. Less than 1000 bytes/sec transferred the last 30 seconds",
            "Recv failure: Connection reset by peer",
            "Send failure: Broken pipe",
            "Empty reply from server",
            "OpenSSL SSL_connect: Connection reset by peer in connection to git.example:443",
            "OpenSSL SSL_connect: SSL_ERROR_SYSCALL in connection to git.example:443",
            "OpenSSL SSL_read: error:0A000126:SSL routines::unexpected eof while reading, errno 0",
            "TLS connect error: error:00000000:lib(0)::reason(0)",
            "gnutls_handshake() failed: The TLS connection was non-properly terminated.",
            "gnutls_handshake() failed: Error in the pull function.",
            "GnuTLS recv error (-110): The TLS connection was non-properly terminated.",
            "GnuTLS recv error (-54): Error in the pull function.",
            "HTTP/2 stream 1 was not closed cleanly before end of the underlying stream",
            "transfer closed with outstanding read data remaining",
            *(
                f"The requested URL returned error: {status}"
                for status in (408, 429, 500, 502, 503, 504, 520)
            ),
        )
    ),
    "error: RPC failed; curl 56 GnuTLS recv error (-9): Error decoding the received TLS packet.\n"
    "fetch-pack: unexpected disconnect while reading sideband packet\nfatal: early EOF\n"
    "fatal: fetch-pack: invalid index-pack output",
    "error: RPC failed; HTTP 502 curl 22 The requested URL returned error: 502\n"
    "send-pack: unexpected disconnect while reading sideband packet\nfatal: the remote "
    "end hung up unexpectedly",
    "fatal: The remote end hung up unexpectedly",
    "fatal: the remote end hung up upon initial contact",
    *(
        f"{said}\n{UNREAD}"
        for said in (
            "ssh: Could not resolve hostname git.example: Temporary failure in name resolution",
            "ssh: Could not resolve hostname git.example: Name or service not known",
            *(
                f"ssh: connect to host git.example port 22: {why}"
                for why in (
                    "Connection refused",
                    "Connection timed out",
                    "No route to host",
                    "Network is unreachable",
                )
            ),
            "kex_exchange_identification: Connection closed by remote host\nConnection "
            "closed by 192.0.2.1 port 22",
            "kex_exchange_identification: read: Connection reset by peer\nConnection "
            "reset by 192.0.2.1 port 22",
            "ssh_exchange_identification: Connection closed by remote host",
            "banner exchange: Connection to 192.0.2.1 port 22: invalid format",
            "Connection closed by 192.0.2.1 port 22",
            "Connection to git.example closed by remote host.",
            "Connection timed out during banner exchange",
            "client_loop: send disconnect: Broken pipe",
            "packet_write_wait: Connection to 192.0.2.1 port 22: Broken pipe",
            "Timeout, server git.example not responding.",
            "Received disconnect from 192.0.2.1 port 22:11: Server shutting down",
        )
    ),
    "To git.example:a/posts.git\n ! [remote rejected] main -> main (cannot lock ref "
    "'refs/heads/main': is at 1 but "
    "expected 2)\nerror: failed to push some refs to 'git.example:a/posts.git'",
    " ! [remote rejected] main -> main (Internal Server Error)\nerror: failed to push some refs",
    "remote: GitLab is not responding\nfatal: Could not read from remote repository.",
    "error: file write error: No space left on device\nfatal: unable to write loose object file",
]

LASTING = [
    f"git@git.example: Permission denied (publickey).\n{UNREAD}",
    f"Permission denied (publickey,password).\nConnection closed by 192.0.2.1 port 22\n{UNREAD}",
    "Received disconnect from 192.0.2.1 port 22:2: Too many authentication "
    f"failures\nDisconnected\n{UNREAD}",
    f"No ED25519 host key is known for git.example and you have requested strict checking.\n"
    f"Host key verification failed.\n{UNREAD}",
    "Unable to negotiate with 192.0.2.1 port 22: no matching host key type found. Their "
    f"offer: ssh-rsa\n{UNREAD}",
    f"ERROR: Repository not found.\n{UNREAD}",
    f"ERROR: Permission to a/posts.git denied to b.\n{UNREAD}",
    f"fatal: '/srv/posts.git' does not appear to be a git repository\n{UNREAD}",
    f"remote: Repository not found.\nfatal: repository '{URL}' not found",
    "fatal: repository '/nowhere' does not exist",
    f"remote: Invalid username or password.\nfatal: Authentication failed for '{URL}'",
    "fatal: could not read Username for 'https://git.example': terminal prompts disabled",
    *(
        f"fatal: unable to access '{URL}': The requested URL returned error: {status}"
        for status in (400, 403, 407, 413)
    ),
    "error: RPC failed; HTTP 413 curl 22 The requested URL returned error: 413\n"
    "send-pack: unexpected disconnect while reading sideband packet\nfatal: the remote "
    "end hung up unexpectedly",
    f"fatal: unable to access '{URL}': SSL certificate problem: unable to get local "
    "issuer certificate",
    f"fatal: unable to access '{URL}': server certificate verification failed. CAfile: "
    "none CRLfile: none",
    f"fatal: unable to access '{URL}': SSL: no alternative certificate subject name "
    "matches target host name",
    "fatal: Remote branch main not found in upstream origin",
    "fatal: couldn't find remote ref main",
    "fatal: transport 'ext' not allowed",
    "remote: the upstream timed out\n ! [remote rejected] main -> main (pre-receive hook declined)",
    "remote: error: GH006: Protected branch update failed for refs/heads/main.\n"
    " ! [remote rejected] main -> main (protected branch hook declined)",
    " ! [rejected]        main -> main (fetch first)",
    "fatal: not a git repository",
    "",
]


@pytest.mark.parametrize("said", PASSING)
def test_what_passes_by_itself_is_tried_again(said: str) -> None:
    assert passes(said)


@pytest.mark.parametrize("said", LASTING)
def test_what_a_person_has_to_mend_is_not(said: str) -> None:
    assert not passes(said)

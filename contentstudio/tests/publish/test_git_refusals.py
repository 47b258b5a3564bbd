"""Why a Git server refused, by texts as servers print them."""

from __future__ import annotations

import pytest

from contentstudio.publish.git_failures import refusal


@pytest.mark.parametrize(
    ("said", "what"),
    [
        ("remote: error: GH006: Protected branch update failed for "
            "refs/heads/main.", "the branch is protected"),
        (
            "remote: error: GH013: Repository rule violations found for "
                "refs/heads/main.\n ! [remote rejected] HEAD -> "
            "main (push declined due to repository rule violations)",
            "the branch is protected",
        ),
        (" ! [remote rejected] HEAD -> main (protected branch hook "
            "declined)", "the branch is protected"),
        (
            "remote: GitLab: You are not allowed to push code to protected branches on "
                "this project.\n ! [remote "
            "rejected] HEAD -> main (pre-receive hook declined)",
            "the branch is protected",
        ),
        ("remote: Branch refs/heads/main can only be modified through pull "
            "requests.", "the branch is protected"),
        ("remote: Gitea: Not allowed to push to protected branch main", "the branch is protected"),
        ("remote: TF402455: Pushes to this branch are not permitted", "the branch is protected"),
        (" ! [remote rejected] HEAD -> main (pre-receive hook "
            "declined)", "a hook of the server declined the push"),
        (" ! [remote rejected] HEAD -> main (branch is currently checked "
            "out)", "the repository has a work tree"),
        ("remote: GitLab: You are not allowed to push code to this "
            "project.", "this user may read the repository"),
        ("remote: Permission to owner/site.git denied to "
            "studio.", "this user may read the repository"),
        ("ERROR: The key you are authenticating with has been marked as read "
            "only.", "this user may read"),
        ("remote: Write access to repository not granted.", "this user may read the repository"),
        ("git@example.org: Permission denied (publickey).", "git is not logged in"),
        ("fatal: could not read Username for 'https://example.org': terminal prompts "
            "disabled", "git is not logged in"),
        ("fatal: Authentication failed for "
            "'https://example.org/site.git/'", "git is not logged in"),
        ("Host key verification failed.", "the server's key is not known here"),
        ("warning: Could not find remote branch pages to clone.\nfatal: Remote branch "
            "pages not found in upstream "
         "origin", "the repository has no such branch"),
        ("remote: error: GH001: Large files detected.", "a file is larger"),
        ("remote: error: GH007: Your push would publish a private email "
            "address.", "does not take our author"),
    ],
)  # fmt: skip
def test_a_refusal_has_its_cause_and_its_mend(said: str, what: str) -> None:
    found = refusal(said)
    assert found is not None
    assert found.what.startswith(what) or what in found.what
    assert found.mend


@pytest.mark.parametrize(
    "said",
    [
        "",
        "fatal: early EOF",
        " ! [rejected] HEAD -> main (fetch first)",
        "fatal: unable to access: Could not resolve host",
    ],
)
def test_what_is_no_refusal_has_none(said: str) -> None:
    assert refusal(said) is None

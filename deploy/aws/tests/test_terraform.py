"""The module as Terraform reads it, with the provider mocked, and applied to an emulator.

An emulator takes much that AWS refuses: choices.tftest.hcl holds that. What neither can prove is
the checklist in docs/aws.md. OVERNIGHT_TERRAFORM_MIRROR names a folder with the AWS provider, where
a registry cannot be reached.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import shutil
import socket
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

import pytest

MODULE = Path(__file__).parents[1]
SCHEDULES = {
    "night": {
        "pipeline": "night",
        "cron": "0 4 * * *",
        "timezone": "UTC",
        "expression": "cron(0 4 * * ? *)",
    },
    "refresh": {
        "pipeline": "refresh",
        "cron": "30 5 * * 1",
        "timezone": "UTC",
        "expression": "cron(30 5 ? * MON *)",
    },
}

# Every * that a policy may have, and why.
STARS = {
    "xray:PutTraceSegments": "traces have no resource",
    "xray:PutTelemetryRecords": "traces have no resource",
    "ec2:CreateNetworkInterface": "an interface has no name before it is made; only in a network",
    "ec2:DescribeNetworkInterfaces": "EC2 lets nobody describe one alone; only in a network",
    "ec2:DeleteNetworkInterface": "Lambda's own check of a role asks for it; only in a network",
}


class Terraform:
    """Terraform in a copy of the module, so that nothing is left in the tree."""

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        self.folder = folder
        self._environment = environment

    def __call__(self, *arguments: str, codes: tuple[int, ...] = (0,)) -> str:
        done = subprocess.run(
            ["terraform", *arguments],
            cwd=self.folder,
            env=self._environment,
            capture_output=True,
            text=True,
        )
        assert done.returncode in codes, (
            f"terraform {' '.join(arguments)}\n{done.stdout}\n{done.stderr}"
        )
        return done.stdout

    def environment(self, **more: str) -> Terraform:
        return Terraform(self.folder, self._environment | more)


@pytest.fixture(scope="module")
def terraform(tmp_path_factory: pytest.TempPathFactory) -> Terraform:
    """A copy of the module with its provider at hand."""
    if shutil.which("terraform") is None:
        pytest.skip("terraform is not installed")
    folder = tmp_path_factory.mktemp("module")
    for file in MODULE.glob("*.tf"):
        shutil.copy(file, folder)
    (folder / "tests").mkdir()
    shutil.copy(MODULE / "tests/choices.tftest.hcl", folder / "tests")
    with zipfile.ZipFile(folder / "tests/any.zip", "w") as package:
        package.writestr("contentstudio/aws.py", "def worker(event, context): ...\n")
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "TF_VAR_"))}
    mirror = os.environ.get("OVERNIGHT_TERRAFORM_MIRROR")
    if mirror:
        settings = folder.parent / "mirror.tfrc"
        include = 'include = ["registry.terraform.io/hashicorp/aws"]'
        settings.write_text(
            f'provider_installation {{\n  filesystem_mirror {{\n    path = "{mirror}"\n  '
            f"  {include}\n  }}\n}}\n"
        )
        environment["TF_CLI_CONFIG_FILE"] = str(settings)
    made = Terraform(folder, environment | {"TF_IN_AUTOMATION": "1", "CHECKPOINT_DISABLE": "1"})
    made("init", "-input=false", "-no-color")
    return made


@pytest.fixture
def emulator(tmp_path: Path) -> Iterator[str]:
    """The URL of moto's server on loopback, with AWS's managed policies."""
    with closing(socket.create_server(("127.0.0.1", 0))) as free:
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    with (tmp_path / "moto.log").open("wb") as log:
        server = subprocess.Popen(
            [
                str(Path(sys.executable).with_name("moto_server")),
                "-H",
                "127.0.0.1",
                "-p",
                str(port),
            ],
            env={**os.environ, "MOTO_IAM_LOAD_MANAGED_POLICIES": "true"},
            stdout=log,
            stderr=log,
        )
    try:
        _wait_for(url, server)
        yield url
    finally:
        server.kill()
        server.wait()


def _wait_for(url: str, server: subprocess.Popen[bytes]) -> None:
    while server.poll() is None:
        try:
            urlopen(f"{url}/moto-api/", timeout=5).close()
            return
        except (URLError, ConnectionError):
            time.sleep(0.1)
    raise AssertionError("moto_server did not start")


def choices(folder: Path, **more: Any) -> str:
    """The option that names a file with these choices."""
    file = folder / "choices.tfvars.json"
    file.write_text(
        json.dumps({"package": "tests/any.zip", "schedules": SCHEDULES, **more}), "utf-8"
    )
    return f"-var-file={file}"


def test_the_module_is_valid_and_formatted(terraform: Terraform) -> None:
    assert json.loads(terraform("validate", "-json"))["diagnostics"] == []
    assert terraform("fmt", "-check", "-recursive", str(MODULE)) == ""


@pytest.mark.timeout(180)
def test_what_emulators_accept_and_aws_refuses_is_refused_early(terraform: Terraform) -> None:
    assert "0 failed" in terraform("test", "-no-color")


@pytest.mark.timeout(300)
def test_it_is_applied_stays_as_it_is_and_goes_again(
    terraform: Terraform, emulator: str, tmp_path: Path
) -> None:
    """On moto, without what moto has no mind of: the budget, the network, RDS."""
    shutil.copy(MODULE / "tests/moto_override.tf", terraform.folder)
    on_moto = terraform.environment(
        AWS_ENDPOINT_URL=emulator,
        AWS_ACCESS_KEY_ID="test",
        AWS_SECRET_ACCESS_KEY="test",
        AWS_REGION="eu-central-1",
    )
    options = (choices(tmp_path, working=False, usd_per_day=20), "-input=false", "-no-color")
    try:
        on_moto("apply", "-auto-approve", *options)
        assert "No changes" in on_moto("plan", "-detailed-exitcode", *options)
        check_deployed(json.loads(on_moto("show", "-json")), terraform.folder / "tests/any.zip")
        check_stars(policies(json.loads(on_moto("show", "-json"))))
        on_moto("destroy", "-auto-approve", "-refresh=false", *options)
        assert json.loads(on_moto("show", "-json")).get("values") is None
    finally:
        (terraform.folder / "moto_override.tf").unlink()


def resources(state: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    """The values of every resource of a kind."""
    return [
        each["values"]
        for each in state["values"]["root_module"]["resources"]
        if each["type"] == kind
    ]


def check_deployed(state: dict[str, Any], package: Path) -> None:
    """What the function runs is the zip that was built; its state has no secret."""
    digest = base64.b64encode(hashlib.sha256(package.read_bytes()).digest()).decode()
    functions = resources(state, "aws_lambda_function")
    assert {function["code_sha256"] for function in functions} == {digest}
    assert {function["handler"] for function in functions} == {
        f"contentstudio.aws.handlers.{name}" for name in ("worker", "schedule", "sweep", "console")
    }
    assert not resources(state, "aws_secretsmanager_secret_version")
    (night,) = [
        each for each in resources(state, "aws_scheduler_schedule") if each["name"] == "night"
    ]
    assert (
        json.loads(night["target"][0]["input"])["scheduled_time"]
        == "<aws.scheduler.scheduled-time>"
    )


def policies(state: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """The statements of each role."""
    return {
        p["role"]: json.loads(p["policy"])["Statement"]
        for p in resources(state, "aws_iam_role_policy")
    }


def check_stars(by_role: dict[str, list[dict[str, Any]]]) -> None:
    """No role may do more than it does; what has to be a * is named with its reason."""
    assert len(by_role) == 5
    for role, statements in by_role.items():
        for statement in statements:
            assert statement["Effect"] == "Allow"
            if "*" in statement["Resource"]:
                assert set(statement["Action"]) <= STARS.keys(), role
            assert not any("*" in action for action in statement["Action"]), role
            rest = [
                resource.removesuffix(":*") for resource in statement["Resource"] if resource != "*"
            ]
            assert all(
                resource.startswith("arn:aws:") and "*" not in resource for resource in rest
            ), role
    may = {
        role: {action for each in statements for action in each["Action"]}
        for role, statements in by_role.items()
    }
    takes = {role for role, actions in may.items() if "sqs:ReceiveMessage" in actions}
    assert takes == {"contentstudio-worker"}
    (schedule,) = [each for each in by_role["contentstudio-schedule"] if each["Sid"] == "Secrets"]
    assert all("/database" in arn for arn in schedule["Resource"]), "what fires slots needs no key"

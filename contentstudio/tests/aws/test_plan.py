"""The plan of a deployment: what works on Lambda, the clock in AWS's words,
connections, the bill.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from contentstudio.aws import plan
from contentstudio.aws.plan import Work, bill, expressions, workers
from contentstudio.cli.main import cli
from overnight.errors import ConfigError, UserError
from overnight.pipelines.triggers import Cron

WORDPRESS = 'publish = { to = "wordpress", user = "editor" }\n'
ROOT = Path(__file__).parents[3]


def write(folder: Path, *, site: str = WORDPRESS, rest: str = "") -> Path:
    file = folder / "contentstudio.toml"
    head = '[[site]]\nname = "garden"\nurl = "https://garden.example"\nsources = ["https://a.example/"]\n'
    file.write_text(f"{rest}\n{head}{site}", "utf-8")
    return file


def planned(file: Path, *options: str) -> Result:
    (file.parent / "module").mkdir(exist_ok=True)
    to = str(file.parent / "module")
    return CliRunner().invoke(
        cli, ["--config", str(file), "deploy", "aws", "--plan", "--to", to, *options]
    )


def answered(file: Path, *options: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(planned(file, "--json", *options).stdout)
    return found


@pytest.mark.parametrize(
    ("cron", "aws"),
    [
        ("0 4 * * *", ["cron(0 4 * * ? *)"]),
        ("30 5 * * 1", ["cron(30 5 ? * MON *)"]),
        ("*/20 4-6 * * 0,7", ["cron(0,20,40 4,5,6 ? * SUN *)"]),
        ("0 4 1,15 2 *", ["cron(0 4 1,15 2 ? *)"]),
        ("0 4 * * mon-wed", ["cron(0 4 ? * MON,TUE,WED *)"]),
        ("0 4 1 * 5", ["cron(0 4 1 * ? *)", "cron(0 4 ? * FRI *)"]),
        ("* * * * *", ["cron(* * * * ? *)"]),
    ],
)
def test_a_cron_is_said_in_aws_words(cron: str, aws: list[str]) -> None:
    assert expressions(Cron(cron)) == aws


@pytest.mark.parametrize("cron", ["0 4 L * *", "0 4 * * 1#2", "0 4 */2 * 1"])
def test_a_cron_that_aws_counts_otherwise_is_refused(cron: str) -> None:
    with pytest.raises(ConfigError, match="Scheduler"):
        expressions(Cron(cron))


def test_every_schedule_of_the_config_is_written_for_terraform(tmp_path: Path) -> None:
    told = answered(
        write(tmp_path, rest='[research]\ncron = "0 3 * * *"\ntimezone = "Europe/Belgrade"\n')
    )
    written = json.loads((tmp_path / "module/terraform.tfvars.json").read_text("utf-8"))
    assert written["schedules"]["night"] == {
        "pipeline": "night",
        "cron": "0 3 * * *",
        "timezone": "Europe/Belgrade",
        "expression": "cron(0 3 * * ? *)",
    }
    assert set(written["schedules"]) == {"night", "refresh", "checks", "tidy"}
    assert told["variables"] == written
    assert (
        written["workers"] * 6 + 15 + written["connections_kept"] <= written["postgres_connections"]
    )


def test_the_module_knows_every_variable_that_is_written(tmp_path: Path) -> None:
    text = (ROOT / "deploy/aws/variables.tf").read_text("utf-8")
    known = set(re.findall(r'^variable "(\w+)"', text, re.MULTILINE))
    written = answered(write(tmp_path, rest="[budget]\nusd_per_day = 20\n"), "--rds")["variables"]
    assert set(written) <= known
    assert written["usd_per_day"] == 20


def test_the_module_counts_connections_as_the_plan_does() -> None:
    text = (ROOT / "deploy/aws/functions.tf").read_text("utf-8")
    (listed,) = re.findall(r"connections = \{ (worker.*) \}", text)
    assert dict(re.findall(r"(\w+) = (\d+)", listed)) == {
        name: str(n) for name, n in plan.CONNECTIONS.items()
    }
    at_once = dict(re.findall(r"(\w+) += \{ memory = .*at_once = (\d+) \}", text))
    assert at_once == {name: str(number) for name, number in plan.AT_ONCE.items()}


@pytest.mark.parametrize(
    ("site", "rest", "what"),
    [
        ("", "", "published to a folder"),
        ('publish = { to = "git", repository = "git@host:posts" }\n', "", "published by Git"),
        (WORDPRESS + 'search_console = { name = "sc-domain:garden.example" }\n', "", "key file"),
        (
            WORDPRESS,
            "[writing.openai]\nbase_url = 'http://127.0.0.1:11434/v1'\n",
            "address of this machine",
        ),
        (
            WORDPRESS,
            "[writing.anthropic]\nbase_url = 'http://localhost:1'\n",
            "address of this machine",
        ),
        (
            WORDPRESS,
            "[writing.openai]\nbase_url = 'http://192.168.1.7/v1'\n",
            "address of this machine",
        ),
    ],
)
def test_what_does_not_work_on_lambda_is_reported_without_a_plan(
    tmp_path: Path, site: str, rest: str, what: str
) -> None:
    result = planned(write(tmp_path, site=site, rest=rest), "--json")
    told = json.loads(result.stdout)
    assert (result.exit_code, told["works"], told["file"]) == (1, False, None)
    assert [what in finding["what"] for finding in told["findings"] if finding["stops"]] == [True]
    assert not (tmp_path / "module/terraform.tfvars.json").exists()


def test_a_step_longer_than_lambda_is_reported_and_stops_nothing(tmp_path: Path) -> None:
    file = write(tmp_path)
    (long,) = answered(file)["findings"]
    assert "article/research (1500 s), article/generate (1500 s)" in long["what"]
    assert not long["stops"]
    assert answered(write(tmp_path, rest="[writing]\ndeadline_seconds = 120\n"))["findings"] == []


@pytest.mark.parametrize(
    ("options", "what"),
    [
        (["--name", "My Studio"], "it has 2 to 31 small letters"),
        (["--name", "studio\n"], "it has 2 to 31 small letters"),
        (["--region", "frankfurt"], "written like eu-central-1"),
        (["--articles", "nan"], "a number of articles a day"),
        (["--articles", "inf"], "a number of articles a day"),
        (["--connections", "36"], "37 are needed"),
        (["--to", "nowhere"], "there is no folder nowhere"),
    ],
)
def test_a_choice_that_aws_or_terraform_refuses_writes_nothing(
    tmp_path: Path, options: list[str], what: str
) -> None:
    result = planned(write(tmp_path), *options)
    assert isinstance(result.exception, UserError) and what in str(result.exception)
    assert list((tmp_path / "module").iterdir()) == []


def test_the_module_refuses_the_names_that_the_plan_refuses() -> None:
    text = (ROOT / "deploy/aws/variables.tf").read_text("utf-8")
    for pattern, variable in ((plan.NAME, "name"), (plan.REGION, "region")):
        assert f'regex("{pattern.pattern}", var.{variable})' in text


def test_workers_leave_connections_for_everybody_else() -> None:
    assert workers(100) == 10
    assert workers(60) == 5
    assert workers(1_000, 100) == 100
    with pytest.raises(
        ConfigError, match="30 connections are too few for 2 workers: 37 are needed"
    ):
        workers(30)
    with pytest.raises(
        ConfigError, match="100 connections are too few for 13 workers: 103 are needed"
    ):
        workers(100, 13)


def test_the_bill_is_its_arithmetic() -> None:
    work = Work(sites=100, articles_per_site=2)
    lines = {line.what: line.usd for line in bill(work).lines}
    assert work.steps == 100 * 5 + 200 * 9
    hints = work.steps * 30
    assert lines["Lambda, requests"] == pytest.approx((hints + 43_200) / 1e6 * 0.2)
    seconds = work.steps * (0.0233 / (1024 / 1769) + 0.3) + 200 * 60
    assert lines["Lambda, time"] == pytest.approx((seconds * 30 + 43_200 * 0.5 * 0.5) * 0.0000167)
    assert lines["SQS"] == 0  # 941,400 requests, and the first million is free
    assert bill(work).usd == sum(lines.values())
    assert bill(work, rds=True).usd - bill(work).usd == pytest.approx(
        730 * (0.016 + 0.045) + 20 * 0.115 + 5 * 0.045
    )


def test_a_larger_studio_costs_more_and_only_active_sites_count(tmp_path: Path) -> None:
    assert bill(Work(10, 2)).usd < bill(Work(100, 2)).usd < bill(Work(1_000, 2)).usd
    inactive = (
        '[[site]]\nname = "asleep"\nurl = "https://b.example"\nsources = '
        '["https://a.example/"]\nactive = false\n'
    )
    told = answered(write(tmp_path, site=WORDPRESS + inactive + WORDPRESS), "--articles", "3")
    assert told["bill"]["usd_per_month"] == round(bill(Work(1, 3)).usd, 2)


def test_a_person_reads_the_steps_in_order_with_their_own_names(tmp_path: Path) -> None:
    told = planned(
        write(tmp_path), "--name", "pages", "--region", "eu-west-1", "--arch", "arm64"
    ).stdout
    assert "make lambda CONFIG=" in told and "ARCH=arm64" in told
    assert "--region eu-west-1 --secret-id pages/database" in told
    assert "CONTENTSTUDIO_SECRET_GARDEN" in told
    assert "at most $150.00, by [budget] usd_per_day" in " ".join(told.split())


def test_without_plan_it_says_who_makes_what_is_made(tmp_path: Path) -> None:
    result = CliRunner().invoke(cli, ["--config", str(write(tmp_path)), "deploy", "aws"])
    assert "see what it takes with --plan" in str(result.exception)


def test_a_worker_without_a_postgres_to_share_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OVERNIGHT_DATABASE_URL", raising=False)
    result = CliRunner().invoke(cli, ["--config", str(write(tmp_path)), "worker"])
    assert "name it in OVERNIGHT_DATABASE_URL" in str(result.exception)

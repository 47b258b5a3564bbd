"""What is told when, and in which form."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from overnight import logs
from overnight.alerts import Alerts, Apprise, Button, Item, Mail, Message, Slack, Webhook
from overnight.alerts.mail import written
from overnight.alerts.rules import (
    AGAIN,
    PACE,
    RETRY_AT_MOST,
    RULES,
    TITLE_LIMIT,
    Due,
    News,
    Work,
    compose,
    due,
    retry_in,
)
from overnight.alerts.slack import BLOCKS, LABEL, QUESTION, SECTION, payload
from overnight.errors import ConfigError
from overnight.operations.commands import OPERATIONS, parse

NOON = datetime(2030, 1, 1, 12, tzinfo=UTC)
NIGHT = datetime(2030, 1, 1, 23, tzinfo=UTC)
MAIL = Mail("smtp.example", "a@example.com", ["b@example.com"])


def news(**changes: Any) -> News:
    row: dict[str, Any] = {
        **{
            "id": 1,
            "kind": "dead_letter",
            "subject": "p/s",
            "text": "why",
            "job_id": None,
            "count": 1,
        },
        **{"first_at": NOON, "resolved_at": None, "times": 0, "told_at": None},
    }
    return News(**row | changes)


def told(
    one: News,
    now: datetime,
    alerts: Alerts | None = None,
    lately: tuple[datetime, ...] = (),
    kinds: frozenset[str] = frozenset(RULES),
) -> bool:
    """Whether it is told at a moment whose morning has been told; by default a channel has heard of
    all kinds.
    """
    return bool(due(alerts or Alerts(), [one], now, now, lately, kinds).news)


@pytest.mark.parametrize(
    ("one", "now", "is_told"),
    [
        (news(), NOON, True),
        (news(), NIGHT, True),
        (news(kind="review"), NOON, False),
        (news(kind="of an app"), NOON, False),
        (news(resolved_at=NOON), NOON, False),
        (news(resolved_at=NOON, times=1, told_at=NOON), NOON, True),
        (news(resolved_at=NOON, times=1, told_at=NOON), NIGHT, False),
        (news(times=1, told_at=NOON, count=2), NOON + timedelta(seconds=AGAIN[0] - 1), False),
        (news(times=1, told_at=NOON, count=2), NOON + timedelta(seconds=AGAIN[0]), True),
        (news(times=2, told_at=NOON, count=2), NOON + timedelta(seconds=AGAIN[0]), False),
        (news(times=9, told_at=NIGHT - timedelta(days=2)), NIGHT, False),
    ],
)
def test_only_the_first_urgent_alert_ignores_the_quiet_hours(
    one: News, now: datetime, is_told: bool
) -> None:
    assert told(one, now) == is_told


def test_the_urgency_of_a_kind_is_the_owners() -> None:
    alerts = Alerts(urgency={"late_job": "now", "dead_letter": "morning"})
    assert told(news(kind="late_job"), NIGHT, alerts)
    assert not told(news(), NOON, alerts)


@pytest.mark.parametrize(
    ("kind", "subject", "urgency"),
    [
        ("dead_letter", "source/read", "morning"),
        ("dead_letter", "source/look", "now"),
        ("dead_letter", "sources/read", "now"),
        ("dead_letter", "shop/source", "now"),
        ("dead_letter", "webhook/pipeline:source", "now"),
        ("errors", "source/read", "now"),
        ("missed_slot", "night 0 4 * * * UTC", "now"),
        ("missed_slot", "refresh 30 5 * * 1 UTC", "morning"),
        ("missed_slot", "", "now"),
        ("late_job", "night", "now"),
        ("late_job", "nightly", "morning"),
        ("budget_spent", "key:garden", "morning"),
        ("of an app", "source/read", "morning"),
    ],
)
def test_the_narrowest_urgency_rule_decides_if_an_alert_wakes(
    kind: str, subject: str, urgency: str
) -> None:
    alerts = Alerts(
        urgency={
            "dead_letter:source": "morning",
            "dead_letter:source/look": "now",
            "missed_slot:refresh": "morning",
            "late_job:night": "now",
            "budget_spent": "morning",
        }
    )
    assert alerts.urgency_of(kind, subject) == urgency
    assert told(news(kind=kind, subject=subject), NIGHT, alerts) == (urgency == "now")


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"urgency": {"review": "now"}}, "never wakes anybody"),
        ({"urgency": {"review:article/gate": "now"}}, "never wakes anybody"),
        ({"urgency": {"dead:source": "now"}}, "there is no alert “dead”; there are: dead_letter"),
        ({"urgency": {"dead": "now"}}, "there is no alert “dead”; there are: dead_letter"),
        ({"urgency": {"late_job": "soon"}}, "write now or morning"),
        ({"morning": "7.30"}, "“7.30” is no time of day"),
        ({"quiet": ("22:00", "25:00")}, "“25:00” is no time of day"),
        ({"timezone": "Mars"}, "“Mars” is no time zone"),
        ({"channels": [MAIL, MAIL]}, "the same name"),
    ],
)
def test_a_wrong_rule_is_one_sentence(options: dict[str, Any], says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        Alerts(**options)


@pytest.mark.parametrize(("number", "seconds"), [*enumerate(PACE), (30, PACE[-1])])
def test_messages_that_follow_each_other_have_growing_pauses(number: int, seconds: float) -> None:
    lately = tuple(NOON - timedelta(seconds=seconds) for _ in range(number))
    assert told(news(), NOON, lately=lately)
    if number:
        assert not told(news(), NOON - timedelta(seconds=1), lately=lately) or not seconds


@pytest.mark.parametrize("number", range(1, len(PACE) + 2))
def test_the_first_alert_of_a_kind_waits_for_no_pace(number: int) -> None:
    lately, storm = (NOON,) * number, frozenset({"dead_letter"})
    assert not told(news(), NOON, lately=lately, kinds=storm)
    for kind in (
        kind for kind, rule in RULES.items() if rule.urgency == "now" and kind != "dead_letter"
    ):
        assert told(news(kind=kind), NOON, lately=lately, kinds=storm)
        assert not told(news(kind=kind), NOON, lately=lately, kinds=storm | {kind})
        assert not told(
            news(kind=kind, times=1, told_at=NIGHT - timedelta(days=9)), NOON, lately=lately
        )
    assert not told(news(kind="late_job"), NOON, lately=lately, kinds=storm)


def test_alerts_that_are_held_back_join_one_of_another_kind() -> None:
    found = due(
        Alerts(),
        [news(id=1), news(id=2, kind="breaker")],
        NOON,
        NOON,
        [NOON, NOON],
        {"dead_letter"},
    )
    assert [each.id for each in found.news] == [1, 2]


def test_the_daily_report_comes_once_a_day_and_ignores_the_pace() -> None:
    alerts = Alerts(morning="07:30", timezone="Europe/Belgrade")
    waiting = [news(kind="review"), news(resolved_at=NOON)]
    yesterday = datetime(2030, 1, 1, 6, 30, tzinfo=UTC)
    early, morning = yesterday + timedelta(hours=23, minutes=59), yesterday + timedelta(hours=24)
    assert due(alerts, waiting, early, yesterday, (), ()).news == []
    found = due(alerts, waiting, morning + timedelta(hours=2), yesterday, [morning] * 9, ())
    assert (found.news, found.morning) == (waiting, morning)
    assert due(alerts, waiting, morning + timedelta(hours=2), morning, (), ()).morning is None


def test_a_missed_morning_report_is_not_sent_in_the_next_night() -> None:
    alerts = Alerts(morning="20:00", quiet=("22:00", "07:00"))
    assert due(alerts, [news(kind="review")], NIGHT, NOON, (), ()).news == []
    assert due(alerts, [news(kind="review")], NIGHT.replace(hour=21), NOON, (), ()).news != []


@pytest.mark.parametrize(
    ("quiet", "hour", "is_quiet"),
    [
        (("22:00", "07:00"), 21, False),
        (("22:00", "07:00"), 22, True),
        (("22:00", "07:00"), 6, True),
        (("22:00", "07:00"), 7, False),
        (("01:00", "05:00"), 0, False),
        (("01:00", "05:00"), 1, True),
        (None, 3, False),
    ],
)
def test_quiet_hours_may_go_over_midnight(
    quiet: tuple[str, str] | None, hour: int, is_quiet: bool
) -> None:
    assert Alerts(quiet=quiet).is_quiet(NOON.replace(hour=hour)) == is_quiet


def test_delivery_retries_slow_down_to_at_most_an_hour_apart() -> None:
    waits = [retry_in(attempts, None, is_permanent=False) for attempts in range(1, 9)]
    assert waits == sorted(waits)
    assert waits[0] < 30 < waits[-1] <= 300
    assert retry_in(1, 120, is_permanent=False) == 120
    assert retry_in(1, 1e9, is_permanent=False) == RETRY_AT_MOST
    assert retry_in(1, None, is_permanent=True) == RETRY_AT_MOST


def test_what_wakes_stands_first_and_what_is_well_again_last() -> None:
    found = [news(id=1, resolved_at=NOON), news(id=2, kind="review"), news(id=3)]
    items = compose(
        Alerts(), "app", due(Alerts(), found, NOON, NOON - timedelta(days=1), (), ())
    ).items
    assert [(item.kind, item.state) for item in items] == [
        ("dead_letter", "new"),
        ("review", "new"),
        ("dead_letter", "resolved"),
    ]


def test_each_alert_names_its_next_command_and_console_page() -> None:
    alerts = Alerts(link="https://x.example")
    found = due(
        alerts,
        [news(job_id="abc"), news(), news(kind="breaker")],
        NOON,
        NOON - timedelta(days=1),
        (),
        (),
    )
    items = compose(alerts, "app", found).items
    assert [(item.press, item.url) for item in items] == [
        ("overnight show abc", "https://x.example/jobs/abc"),
        ("overnight dead", "https://x.example/dead"),
        ("overnight breakers", "https://x.example/breakers"),
    ]


def test_slacks_limits_hold_and_its_three_letters_are_escaped() -> None:
    item = Item(
        "k",
        "<!channel> & co",
        "new",
        "what",
        "&" * 5000,
        2,
        "now",
        url="https://x.example/?a=1&b=|",
    )
    made = payload(Message("t" * 400, (item,) * 80, 3, report="line\n" * 2000, press="alerts"))
    texts = [block["text"]["text"] for block in made["blocks"]]
    assert len(texts) <= BLOCKS
    assert len(texts[0]) == 150
    assert max(map(len, texts)) <= SECTION
    assert len(made["text"]) <= SECTION
    assert "<!channel>" not in str(made)
    assert any("&lt;!channel&gt; &amp; co" in text for text in texts)
    assert any("<https://x.example/?a=1&amp;b=%7C|open>" in text for text in texts)
    assert all(
        text.removesuffix("…").endswith("&amp;")
        for text in texts
        if text.startswith("*what") and text.endswith("…")
    )
    assert texts[-1] == "and 3 more: alerts"


def test_a_mail_has_two_parts_and_no_header_of_a_strangers() -> None:
    item = Item(
        "k", "<b>bold</b>", "new", "what", "why\r\nBcc: c@example.com", 1, "now", 0.5, "app alerts"
    )
    made = written(Message("two\r\nBcc: c@example.com", (item,)), MAIL, "app-1")
    assert made["Subject"] == "two Bcc: c@example.com"
    assert made["Bcc"] is None
    assert (made["Message-ID"], made["List-Id"]) == ("<app-1@example.com>", "<alerts.example.com>")
    plain, html = (part.get_content() for part in made.iter_parts())
    assert "its job cost $0.50\n" in plain
    assert "&lt;b&gt;bold&lt;/b&gt;" in html
    assert "<b>bold" not in html


@pytest.mark.parametrize(
    "make",
    [
        lambda: Slack("hooks.slack.com/services/x"),
        lambda: Slack("https://hooks.slack.com/ x"),
        lambda: Webhook("https://x.example", "short"),
        lambda: Mail("h", "a@example.com\r\nBcc: x@example.com", ["b@example.com"]),
        lambda: Mail("h", "a@example.com", []),
        lambda: Mail("h", "a@example.com", ["b@example.com"], "u", "verysecret", "none"),
        lambda: Apprise([]),
    ],
)
def test_a_wrong_address_is_refused_when_the_app_is_made(make: Any) -> None:
    with pytest.raises(ConfigError):
        make()


def test_no_address_shows_in_what_a_channel_looks_like() -> None:
    channels = [
        Slack("https://x.example/slacksecret"),
        Webhook("https://x.example/verysecret", "verysecret verysecret verysecret"),
        Mail("h", "a@example.com", ["b@example.com"], "u", "verysecret"),
        Apprise(["tgram://verysecret/1"]),
    ]
    assert "secret" not in repr(channels)
    assert "secret" not in logs.redact("POST /slacksecret, tgram://verysecret/1")


def item_of(one: News, work: Work, **settings: Any) -> Item:
    """The one alert of a message, of an app that calls its keys sites."""
    made = compose(Alerts(**settings), "app", Due([one]), "", {one.id: work}, "site")
    return made.items[0]


def test_every_kind_of_alert_says_whether_a_person_must_act() -> None:
    for kind, rule in RULES.items():
        assert rule.advice.startswith(("You need to ", "Nothing to do")), kind
        assert item_of(news(kind=kind), Work()).advice == rule.advice


@pytest.mark.parametrize(
    ("work", "about", "cost"),
    [
        (Work(), "p/s", None),
        (Work(1, "j1", ("garden",), 0.0), "p/s (site garden)", None),
        (Work(1, "j1", (), 0.5, None, "Tea"), "“Tea” (p/s)", "its job cost $0.50"),
        (
            Work(3, "j1", ("garden",), 4.5, None, "Tea"),
            "“Tea” and 2 more (p/s, site garden)",
            "its 3 jobs cost $4.50",
        ),
        (Work(3, "j1", ("a", "b", "c"), 1.0), "p/s (site a, b, c)", "its 3 jobs cost $1.00"),
        (Work(9, "j1", ("a", "b", "c", "d"), 1.0), "p/s (4 sites)", "its 9 jobs cost $1.00"),
    ],
)
def test_an_alert_names_its_work_and_what_all_of_it_cost(
    work: Work, about: str, cost: str | None
) -> None:
    item = item_of(news(job_id="j1"), work)
    assert (item.about, item.cost) == (about, cost)
    assert item.heading == f"job failed: {about} (since Tue 12:00)"


def test_a_scope_is_told_in_the_apps_own_word() -> None:
    assert item_of(news(kind="switch", subject="key:garden"), Work()).about == "site:garden"
    assert item_of(news(kind="switch", subject="monkey:a"), Work()).about == "monkey:a"


@pytest.mark.parametrize(
    ("kind", "work", "press", "page"),
    [
        ("dead_letter", Work(1, "j 1"), "overnight show 'j 1'", "/jobs/j%201"),
        (
            "dead_letter",
            Work(2, "j1"),
            "overnight dead --pipeline p --step s",
            "/dead?pipeline=p&step=s",
        ),
        ("review", Work(1, "j1", revision="ab"), "overnight review j1", "/review/j1"),
        ("review", Work(2, "j1"), "overnight review", "/review"),
    ],
)
def test_what_to_press_is_about_all_of_the_work(
    kind: str, work: Work, press: str, page: str
) -> None:
    item = item_of(news(kind=kind), work, link="https://x.example")
    assert (item.press, item.url) == (press, f"https://x.example{page}")


def test_a_long_title_is_cut_and_stands_on_one_line() -> None:
    title = item_of(news(), Work(1, "j1", title="a\nb " * 200)).title
    assert title is not None
    assert len(title) == TITLE_LIMIT + 1
    assert "\n" not in title


ONE, MANY = Work(1, "j1", ("garden",)), Work(7, "j1", ("a", "b"))


@pytest.mark.parametrize(
    ("one", "work", "buttons"),
    [
        (
            news(),
            ONE,
            [("replay", {"job": "j1"}, False), ("pause", {"scope": "key:garden"}, True)],
        ),
        (
            news(),
            MANY,
            [
                ("replay", {"pipeline": "p", "step": "s"}, True),
                ("pause", {"scope": "pipeline:p"}, True),
            ],
        ),
        (news(), Work(), []),
        (news(resolved_at=NOON), ONE, []),
        (
            news(kind="review"),
            Work(1, "j1", revision="abcdef12"),
            [("approve", {"job": "j1", "revision": "abcdef12"}, True)],
        ),
        (news(kind="review"), MANY, []),
        (news(kind="switch", subject="key:a"), Work(), [("resume", {"scope": "key:a"}, True)]),
        (news(kind="breaker"), ONE, []),
    ],
)
def test_an_alert_offers_what_one_command_does(
    one: News, work: Work, buttons: list[tuple[str, dict[str, str], bool]]
) -> None:
    made = item_of(one, work).buttons
    assert [(each.verb, each.values, bool(each.confirm)) for each in made] == buttons
    for each in made:
        parse(OPERATIONS[each.verb], {"reason": "a test", **each.values})


def test_buttons_keep_slacks_limits_and_leave_no_alert_out() -> None:
    long = Button("l" * 200, "replay", {"job": "j"}, "danger", "q" * 900)
    huge = Button("Retry", "replay", {"job": "j" * 3000})
    item = Item("k", "s", "new", "what", "why", 1, "now", buttons=(long, huge))
    made = payload(Message("t", (item,) * 30, press="alerts"), buttons=True)
    assert len(made["blocks"]) == BLOCKS
    kinds = [block["type"] for block in made["blocks"]]
    assert (kinds.count("section"), kinds.count("actions")) == (31, 18)
    rows = [block for block in made["blocks"] if block["type"] == "actions"]
    assert len({row["block_id"] for row in rows}) == len(rows)
    for (button,) in (row["elements"] for row in rows):
        assert len(button["text"]["text"]) == len(button["confirm"]["title"]["text"]) == LABEL
        assert len(button["confirm"]["text"]["text"]) == QUESTION
        assert button["style"] == "danger"
    plain = payload(Message("t", (item,) * 30, press="alerts"))
    assert "actions" not in [block["type"] for block in plain["blocks"]]

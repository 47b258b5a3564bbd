"""A team of agents: a planner, parallel researchers, a writer, and a person who approves.

Shown: jobs that a step starts and another one waits for; model calls that are cached, priced and
held by a budget; a review; publishing as an outside write. It needs `pip install 'overnight[llm]'`.
Without ANTHROPIC_API_KEY the model is a stand-in that knows nothing (team_model.py).

    overnight --app research_team:app start team '"green roofs"'
    overnight --app research_team:app worker --until-idle

Then `review JOB` shows the article and what to press. Once it is approved, a worker publishes it.
"""

from pathlib import Path

from team_model import Plan, Text, ask, open_model

from overnight import App, Budgets, Context, Limit, Pipeline, Review, Reviews, Snooze
from overnight.llm.client import LLM
from overnight.operations import queries

Ctx = Context[LLM]
CALLS = [Limit("anthropic", at_once=4)]  # shared by all steps that name it, over all workers
team, research = Pipeline("team", expect_within=3600), Pipeline("research")


@research.step(breaker="anthropic", limits=CALLS)
async def look_up(ctx: Ctx, question: str) -> str:
    answer = await ask(ctx, f"Answer in one paragraph: {question}", Text)
    return f"## {question}\n\n{answer.text}"


@team.step(breaker="anthropic", limits=CALLS)
async def plan(ctx: Ctx, topic: str) -> list[str]:
    """Each question becomes a job, which starts with the end of this step. Gives their ids."""
    answer = await ask(ctx, f"Which three questions lead to the heart of this? {topic}", Plan)
    return [ctx.spawn("research", f"{topic}: {question}") for question in answer.questions]


@team.step
async def gather(ctx: Ctx, jobs: list[str]) -> str | Snooze:
    """Looks, ever less often, until all have answered. A dead letter is waited for."""
    runs = [run for job in jobs for run in await queries.job(ctx.ledger.database, job)]
    if any(run["status"] != "succeeded" for run in runs):
        return Snooze(min(600, 2 * ctx.attempt), "researchers are at work")
    return "\n\n".join(run["output"] for run in runs)


@team.step(breaker="anthropic", limits=CALLS)
async def write(ctx: Ctx, notes: str) -> str:
    return (await ask(ctx, f"Make one article of these notes:\n{notes}", Text)).text


@team.step
def approve(ctx: Ctx, article: str) -> Review:
    """Approved, the article goes on as it stands; edited, it comes back to this step."""
    return Review(["a person reads what is published"], article)


@team.step
async def publish(ctx: Ctx, article: str) -> str:
    page = Path("published", f"{ctx.job_id}.md")

    async def put() -> str:
        page.parent.mkdir(exist_ok=True)
        page.write_text(article)
        return str(page)

    async def look() -> str | None:
        return str(page) if page.exists() and page.read_text() == article else None

    return str(await ctx.effect("publish", content=article, call=put, probe=look))


app = App(
    "research_team",
    [team, research],
    resources=open_model,
    extensions=[Reviews(preview=str), Budgets({"all": 5})],
)

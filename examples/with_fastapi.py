"""Orders over HTTP with FastAPI: one request starts a job, another one waits for its result.

Shown: a client that lives as long as the web server; a pipeline that says what it takes and gives;
the errors of a job as answers. The work is done by workers, in processes of their own.

    overnight --app with_fastapi:app worker
    uvicorn with_fastapi:web
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI, HTTPException
from pydantic import BaseModel

from overnight import App, Client, Context, NoResult, Permanent, Pipeline


class Order(BaseModel):
    number: int
    euros: float


orders = Pipeline[Order, str]("orders", id=lambda order: f"order-{order.number}")


@orders.step
async def ship(ctx: Context, order: Order) -> str:
    if order.euros <= 0:
        raise Permanent("nothing is paid")
    return f"order {order.number} is shipped"


app = App("shop", [orders])
client = Client(app)


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[None]:
    async with client:
        yield


web = FastAPI(lifespan=lifespan)


@web.post("/orders", status_code=202)
async def begin(order: Order) -> dict[str, str]:
    return {"job": (await client.start(orders, order)).id}


@web.get("/orders/{job}")
async def result(job: str) -> str:
    try:
        return await client.job(job, orders).result(timeout=20)
    except TimeoutError as error:
        raise HTTPException(503, str(error), {"retry-after": "20"}) from error
    except NoResult as error:
        raise HTTPException(409, str(error)) from error

# Ray Serve in front of several servers: each replica hands the requests it is given on to one of them, as they come.
import itertools
import sys
import time

import aiohttp
import ray
from ray import serve
from starlette.requests import Request
from starlette.responses import StreamingResponse

port, backends = int(sys.argv[1]), sys.argv[2:]


@serve.deployment(num_replicas=len(backends), ray_actor_options={"num_cpus": 0.1}, max_ongoing_requests=100)
class Front:
    def __init__(self, backends):
        self.turns = itertools.cycle(backends)
        self.session = None

    async def __call__(self, request: Request):
        if self.session is None:
            self.session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=None))
        url = next(self.turns) + request.url.path
        headers = {"content-type": request.headers.get("content-type", "application/json")}
        answer = await self.session.request(request.method, url, data=await request.body(), headers=headers)

        async def body():
            async with answer:
                async for chunk in answer.content.iter_any():
                    yield chunk

        return StreamingResponse(body(), status_code=answer.status, media_type=answer.headers.get("content-type"))


ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
serve.start(http_options={"host": "127.0.0.1", "port": port})
serve.run(Front.bind(backends), route_prefix="/")
while True:
    time.sleep(60)

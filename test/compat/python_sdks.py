"""The official Python SDKs against a running Weir.

Reads {"url", "key", "models", "faulty"} as JSON from stdin, `faulty` naming for each SDK and model the one whose target may fail.
Prints one JSON object a line and case: {"sdk", "model", "case", "error", "callId", "usage"}; `error` is null where it held.
"""

import asyncio
import json
import sys
import traceback

import anthropic
import openai

CITY = 'São "Paulo" 堰'
USE_BOTH = (
    'Use get_weather and get_time. '
    '[[sim tool=get_weather args={"city": "São \\"Paulo\\" 堰"} tool=get_time args={"zone": "CET"}]]'
)
WEATHER = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
CLOCK = {"type": "object", "properties": {"zone": {"type": "string"}}, "required": ["zone"]}
FORECAST = {
    "type": "object",
    "properties": {"city": {"type": "string"}, "rain": {"type": "boolean"}},
    "required": ["city", "rain"],
    "additionalProperties": False,
}
HELLO = [{"role": "user", "content": "hello"}]
COUNT = [{"role": "user", "content": "count [[sim chunks=40 delayMs=2 reasoning=0]]"}]
DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
NUMBERS = "".join(f"0{DIGITS[index // 36]}{DIGITS[index % 36]} " for index in range(40))


def same(actual, expected):
    if actual != expected:
        raise AssertionError(f"expected {expected!r}, got {actual!r}")


def holds(text, part):
    if part not in (text or ""):
        raise AssertionError(f"expected {part!r} in {text!r}")


def raises(kind, call, **fields):
    try:
        call()
    except kind as error:
        for name, value in fields.items():
            same(getattr(error, name), value)
        return error
    raise AssertionError(f"expected {kind.__name__}, nothing was raised")


class OpenAICases:
    name = "openai"

    def __init__(self, setup, model):
        self.model, self.faulty = model, setup["faulty"][self.name][model]
        self.options = {"base_url": setup["url"] + "/v1", "api_key": setup["key"], "max_retries": 0, "timeout": 30}
        self.client = openai.OpenAI(**self.options)

    def create(self, **request):
        raw = self.client.chat.completions.with_raw_response.create(model=self.model, **request)
        answer = raw.parse()
        return answer, noted(raw.headers["x-request-id"], openai_usage(answer.usage))

    def plain(self):
        answer, note = self.create(messages=HELLO)
        holds(answer.choices[0].message.content, "hello")
        same(answer.choices[0].finish_reason, "stop")
        return note

    def stream(self):
        with self.client.chat.completions.stream(
            model=self.model, messages=COUNT, stream_options={"include_usage": True}
        ) as stream:
            pieces = [event.delta for event in stream if event.type == "content.delta"]
            answer = stream.get_final_completion()
        same("".join(pieces), NUMBERS)
        same(answer.choices[0].message.content, NUMBERS)
        if answer.usage.completion_tokens < 40:
            raise AssertionError(f"usage of a stream: {answer.usage}")

    def tools(self):
        tools = [
            {"type": "function", "function": {"name": "get_weather", "parameters": WEATHER}},
            {"type": "function", "function": {"name": "get_time", "parameters": CLOCK}},
        ]
        question = {"role": "user", "content": USE_BOTH}
        first, _ = self.create(messages=[question], tools=tools)
        same(first.choices[0].finish_reason, "tool_calls")
        calls = first.choices[0].message.tool_calls
        same([json.loads(call.function.arguments) for call in calls], [{"city": CITY}, {"zone": "CET"}])
        results = [{"role": "tool", "tool_call_id": call.id, "content": f"result of {call.function.name}"} for call in calls]
        second, note = self.create(messages=[question, first.choices[0].message, *results], tools=tools)
        holds(second.choices[0].message.content, "The tool get_weather returned: result of get_weather")
        holds(second.choices[0].message.content, "The tool get_time returned: result of get_time")
        return note

    def schema(self):
        form = {"type": "json_schema", "json_schema": {"name": "forecast", "strict": True, "schema": FORECAST}}
        answer, note = self.create(messages=HELLO, response_format=form)
        forecast = json.loads(answer.choices[0].message.content)
        same([type(forecast["city"]), type(forecast["rain"])], [str, bool])
        return note

    def errors(self):
        wrong = openai.OpenAI(**{**self.options, "api_key": "sk-weir-000000000000-doesnotexist"})
        raises(
            openai.AuthenticationError,
            lambda: wrong.chat.completions.create(model=self.model, messages=HELLO),
            status_code=401,
            code="invalid_api_key",
        )
        raises(
            openai.NotFoundError,
            lambda: self.client.chat.completions.create(model="no-such", messages=HELLO),
            code="model_not_found",
            param="model",
        )
        raises(openai.BadRequestError, lambda: self.client.chat.completions.create(model=self.model, messages=[]))
        failing = [{"role": "user", "content": "hello [[sim fail=429 retryAfter=2]]"}]
        error = raises(
            openai.RateLimitError, lambda: self.client.chat.completions.create(model=self.faulty, messages=failing)
        )
        same(error.response.headers["retry-after"], "2")

    def broken_stream(self):
        broken = [{"role": "user", "content": "hello [[sim fail=reset@3 delayMs=5]]"}]
        stream = self.client.chat.completions.create(model=self.faulty + "-too", messages=broken, stream=True)
        raises(openai.APIError, lambda: list(stream), type="server_error")

    def asynchronous(self):
        async def run():
            async with openai.AsyncOpenAI(**self.options) as client:
                stream = await client.chat.completions.create(model=self.model, messages=COUNT, stream=True)
                return "".join([chunk.choices[0].delta.content or "" async for chunk in stream if chunk.choices])

        same(asyncio.run(run()), NUMBERS)

    def models(self):
        if self.model not in [model.id for model in self.client.models.list()]:
            raise AssertionError("the model is not listed")
        same(self.client.models.retrieve(self.model).id, self.model)


class AnthropicCases:
    name = "anthropic"

    def __init__(self, setup, model):
        self.model, self.faulty = model, setup["faulty"][self.name][model]
        self.options = {"base_url": setup["url"], "api_key": setup["key"], "max_retries": 0, "timeout": 30}
        self.client = anthropic.Anthropic(**self.options)
        self.key = setup["key"]

    def create(self, client=None, **request):
        messages = (client or self.client).messages
        raw = messages.with_raw_response.create(model=self.model, max_tokens=4000, **request)
        answer = raw.parse()
        return answer, noted(raw.headers["request-id"], anthropic_usage(answer.usage))

    def plain(self):
        answer, note = self.create(messages=HELLO)
        holds(spoken(answer), "hello")
        same(answer.stop_reason, "end_turn")
        return note

    def older_version(self):
        headers = {"anthropic-version": "2023-06-01", "x-api-key": self.key}
        answer, note = self.create(anthropic.Anthropic(**self.options, default_headers=headers), messages=HELLO)
        holds(spoken(answer), "hello")
        return note

    def stream(self):
        with self.client.messages.stream(model=self.model, max_tokens=4000, messages=COUNT) as stream:
            pieces = list(stream.text_stream)
            answer = stream.get_final_message()
        same("".join(pieces), NUMBERS)
        same(spoken(answer), NUMBERS)
        return noted(stream.response.headers["request-id"], anthropic_usage(answer.usage))

    def tools(self):
        tools = [
            {"name": "get_weather", "description": "Weather", "input_schema": WEATHER},
            {"name": "get_time", "description": "Time", "input_schema": CLOCK},
        ]
        question = {"role": "user", "content": USE_BOTH}
        first, _ = self.create(messages=[question], tools=tools)
        same(first.stop_reason, "tool_use")
        calls = [block for block in first.content if block.type == "tool_use"]
        same([call.input for call in calls], [{"city": CITY}, {"zone": "CET"}])
        results = [{"type": "tool_result", "tool_use_id": call.id, "content": f"result of {call.name}"} for call in calls]
        messages = [question, {"role": "assistant", "content": first.content}, {"role": "user", "content": results}]
        second, note = self.create(messages=messages, tools=tools)
        holds(spoken(second), "The tool get_weather returned: result of get_weather")
        holds(spoken(second), "The tool get_time returned: result of get_time")
        return note

    def tool_runner(self):
        @anthropic.beta_tool
        def get_weather(city: str) -> str:
            """The weather of a city.

            Args:
                city: where
            """
            same(city, CITY)
            return "18 degrees"

        content = 'Use get_weather. [[sim tool=get_weather args={"city": "São \\"Paulo\\" 堰"}]]'
        runner = self.client.beta.messages.tool_runner(
            model=self.model, max_tokens=4000, tools=[get_weather], messages=[{"role": "user", "content": content}]
        )
        holds(spoken(runner.until_done()), "The tool get_weather returned: 18 degrees")

    def schema(self):
        answer, note = self.create(
            messages=HELLO, output_config={"format": {"type": "json_schema", "schema": FORECAST}}
        )
        forecast = json.loads(spoken(answer))
        same([type(forecast["city"]), type(forecast["rain"])], [str, bool])
        return note

    def errors(self):
        wrong = anthropic.Anthropic(**{**self.options, "api_key": "sk-weir-000000000000-doesnotexist"})
        hello = {"model": self.model, "max_tokens": 100, "messages": HELLO}
        raises(anthropic.AuthenticationError, lambda: wrong.messages.create(**hello), status_code=401)
        raises(anthropic.NotFoundError, lambda: self.client.messages.create(**{**hello, "model": "no-such"}))
        raises(anthropic.BadRequestError, lambda: self.client.messages.create(**{**hello, "messages": []}))
        failing = [{"role": "user", "content": "hello [[sim fail=429 retryAfter=2]]"}]
        error = raises(
            anthropic.RateLimitError,
            lambda: self.client.messages.create(model=self.faulty, max_tokens=100, messages=failing),
        )
        same(error.response.headers["retry-after"], "2")

    def broken_stream(self):
        broken = [{"role": "user", "content": "hello [[sim fail=reset@3 delayMs=5]]"}]
        request = {"model": self.faulty + "-too", "max_tokens": 100, "messages": broken}
        raises(anthropic.APIError, lambda: list(self.client.messages.create(**request, stream=True)))

    def asynchronous(self):
        async def run():
            async with anthropic.AsyncAnthropic(**self.options) as client:
                async with client.messages.stream(model=self.model, max_tokens=4000, messages=COUNT) as stream:
                    return "".join([text async for text in stream.text_stream])

        same(asyncio.run(run()), NUMBERS)

    def models(self):
        if self.model not in [model.id for model in self.client.models.list()]:
            raise AssertionError("the model is not listed")
        same(self.client.models.retrieve(self.model).id, self.model)


def spoken(answer):
    return "".join(block.text for block in answer.content if block.type == "text")


def noted(call_id, usage):
    return {"callId": call_id, "usage": usage}


def openai_usage(usage):
    details = usage.prompt_tokens_details
    read = (details and details.cached_tokens) or 0
    written = getattr(details, "cache_write_tokens", None) or 0
    return {
        "inputUncached": usage.prompt_tokens - read - written,
        "inputCacheRead": read,
        "inputCacheWrite": written,
        "output": usage.completion_tokens,
    }


def anthropic_usage(usage):
    return {
        "inputUncached": usage.input_tokens,
        "inputCacheRead": usage.cache_read_input_tokens or 0,
        "inputCacheWrite": usage.cache_creation_input_tokens or 0,
        "output": usage.output_tokens,
    }


def main():
    setup = json.load(sys.stdin)
    for sdk in (OpenAICases, AnthropicCases):
        cases = [name for name in vars(sdk) if not name.startswith("_") and name not in ("name", "create")]
        for model in setup["models"]:
            subject = sdk(setup, model)
            for case in cases:
                line = {"sdk": sdk.name, "model": model, "case": case, "error": None}
                try:
                    line.update(getattr(subject, case)() or {})
                except Exception:
                    line["error"] = traceback.format_exc(limit=-4)
                print(json.dumps(line), flush=True)


main()

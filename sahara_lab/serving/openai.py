"""OpenAI's requests and answers for language models: completions and chat completions, without streaming."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from typing import Any

import orjson

from sahara_lab.errors import InputError

_PASSED = ("temperature", "top_p", "seed")
_REFUSED = {"stream": "streaming", "tools": "tools", "logprobs": "log probabilities", "stop": "stop sequences"}
Shape = Callable[[bytes], bytes]


def parsed(body: bytes) -> dict[str, Any]:
    """A request as a JSON object.

    Raises:
        InputError: it is something else, or asks for what is not offered.
    """
    try:
        found = orjson.loads(body)
    except ValueError:
        found = None
    if not isinstance(found, dict) or not isinstance(found.get("model"), str):
        raise InputError("the request is a JSON object that names a model")
    for name, words in _REFUSED.items():
        if found.get(name):
            raise InputError(f"{words} is not offered here", hint=f"Leave {name} out")
    if found.get("n") not in (None, 1):
        raise InputError("one answer a request is offered here", hint="Leave n out")
    return found


def asked(request: dict[str, Any], *, chat: bool) -> bytes:
    """What the model is asked for a request.

    Raises:
        InputError: it has no prompt or messages.
    """
    name = "messages" if chat else "prompt"
    given = request.get(name)
    if not given or not isinstance(given, list if chat else str | list):
        raise InputError(f"the request has no {name}")
    many = given if not chat and isinstance(given, list) else [given]
    settings = {key: request[key] for key in _PASSED if request.get(key) is not None}
    most = request.get("max_completion_tokens") or request.get("max_tokens") or 16
    return orjson.dumps({"instances": [{name: one, "max_tokens": most, **settings} for one in many]})


def shape(model: str, *, chat: bool) -> Shape:
    """Turns predictions of a language model into OpenAI's answer."""

    def shaped(body: bytes) -> bytes:
        predictions = orjson.loads(body)["predictions"]
        choices = [
            {
                "index": at,
                "finish_reason": one["finish_reason"],
                **(
                    {"message": {"role": "assistant", "content": one["text"]}}
                    if chat
                    else {"text": one["text"], "logprobs": None}
                ),
            }
            for at, one in enumerate(predictions)
        ]
        prompt = sum(one["prompt_tokens"] for one in predictions)
        completion = sum(one["completion_tokens"] for one in predictions)
        return orjson.dumps(
            {
                "id": f"{'chatcmpl' if chat else 'cmpl'}-{secrets.token_hex(12)}",
                "object": "chat.completion" if chat else "text_completion",
                "created": int(time.time()),
                "model": model,
                "choices": choices,
                "usage": {
                    "prompt_tokens": prompt,
                    "completion_tokens": completion,
                    "total_tokens": prompt + completion,
                },
            }
        )

    return shaped

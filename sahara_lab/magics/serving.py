"""``%sahara serve`` and ``%sahara call``: models as a service."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from sahara_lab.errors import InputError

if TYPE_CHECKING:
    from sahara_lab.lab import Lab


def add_parsers(command: Callable[[str, str], argparse.ArgumentParser]) -> None:
    """The arguments of these commands."""
    serve = command("serve", "serve a model until stopped; without a model, list what is served")
    serve.add_argument("asset", nargs="?", help="owner/name, or owner/name@version")
    serve.add_argument("--loader", help="a function of this notebook that makes a model of its files, or FILE.py:NAME")
    serve.add_argument("--price", default="0", help="tokens a call costs who has no key")
    serve.add_argument("--replicas", default="1", help="how many copies, or the fewest and the most: 1-4")
    serve.add_argument("--batch", type=int, default=16, help="most calls that are computed together")
    serve.add_argument("--cpus", type=float, default=1.0, help="of each copy")
    serve.add_argument("--gpus", type=float, default=0.0, help="of each copy")
    serve.add_argument("--stop", action="store_true", help="serve it no longer")
    serve.add_argument("--usage", action="store_true", help="show who called how often")

    call = command("call", "call a served model")
    call.add_argument("asset", help="owner/name")
    call.add_argument("payload", help="a variable of this notebook, or JSON")
    call.add_argument("--max-price", help="the most that this call may cost, in tokens")
    call.add_argument("--budget", help="the most that may wait for calls of this model, in tokens")
    call.add_argument("--url", help="the gateway, when it is not on this machine")
    call.add_argument("--as", dest="variable", help="variable that receives the answer")


class ServingCommands:
    """The commands' bodies, mixed into the magics."""

    shell: Any

    @property
    def lab(self) -> Lab:
        """The Lab of the account that acts."""
        raise NotImplementedError

    def _serve(self, given: argparse.Namespace) -> Any:
        from sahara_lab.serving.wording import bounds, loader_of

        options = vars(given)
        asset, stop, usage = options.pop("asset"), options.pop("stop"), options.pop("usage")
        if usage:
            return self.lab.serving.usage()
        if asset is None:
            return self.lab.serving.status()
        if stop:
            self.lab.serving.stop(asset)
            print(f"{asset} is served no longer")
            return None
        if named := options.pop("loader"):
            options["loader"] = self.shell.user_ns.get(named) or loader_of(named)
        options["replicas"] = bounds(options["replicas"])
        return self.lab.serving.serve(asset, **options)

    def _call(self, given: argparse.Namespace) -> Any:
        payload, names = given.payload, self.shell.user_ns
        try:
            value = names[payload] if payload in names else json.loads(payload)
        except ValueError:
            raise InputError(
                f"{payload!r} is no variable here, and not JSON", hint="Quote JSON: '[1, 2]', '\"hello\"'"
            ) from None
        answer = self.lab.serving.call(
            given.asset, value, max_price=given.max_price, budget=given.budget, url=given.url
        )
        if given.variable:
            names[given.variable] = answer
            return None
        return answer

"""Language models as Hugging Face writes them: config.json, tokenizer.json and safetensors. Needs ``transformers``.

Only architectures that come with ``transformers`` are built; code in an asset (``auto_map``) is refused.
"""

from __future__ import annotations

from typing import Any

from sahara_lab.errors import InputError, JobError
from sahara_lab.serving.models import ModelFiles

TOKENIZER, TOKENIZER_CONFIG = "tokenizer.json", "tokenizer_config.json"
MOST_TOKENS = 4096
_SPECIAL = ("bos_token", "eos_token", "pad_token", "unk_token", "chat_template")


class LanguageModel:
    """Continues prompts.

    An instance is ``{"prompt": text}`` or ``{"messages": [{"role", "content"}, …]}``, with ``max_tokens``,
    ``temperature`` (0 takes the likeliest), ``top_p`` and ``seed``; a prediction is ``{"text", "prompt_tokens",
    "completion_tokens", "finish_reason"}``.
    """

    kind = "language"

    def __init__(self, model: Any, tokenizer: Any) -> None:
        self._model = model
        self._tokenizer = tokenizer
        self._room = int(getattr(model.config, "max_position_embeddings", 0) or MOST_TOKENS)

    def __call__(self, instances: list[Any]) -> list[Any]:
        asked = [_Asked.of(instance, self._tokenizer) for instance in instances]
        groups: dict[tuple[Any, ...], list[int]] = {}
        for at, one in enumerate(asked):
            groups.setdefault(one.settings, []).append(at)
        answers: list[Any] = [None] * len(asked)
        for settings, members in groups.items():
            found = self._generate([asked[at].text for at in members], *settings)
            for at, answer in zip(members, found, strict=True):
                answers[at] = answer
        return answers

    def _generate(
        self, texts: list[str], most: int, temperature: float, top_p: float, seed: int | None
    ) -> list[dict[str, Any]]:
        import torch

        batch = self._tokenizer(texts, return_tensors="pt", padding=True, return_token_type_ids=False)
        width = int(batch["input_ids"].shape[1])
        if not width or width >= self._room:
            raise InputError(f"a prompt has 1 to {self._room - 1} tokens here, this one {width}")
        if seed is not None:
            torch.manual_seed(seed)
        sampling = (
            {"do_sample": True, "temperature": temperature, "top_p": top_p} if temperature else {"do_sample": False}
        )
        with torch.inference_mode():
            out = self._model.generate(
                **batch,
                max_new_tokens=min(most, self._room - width),
                pad_token_id=self._tokenizer.pad_token_id,
                **sampling,
            )
        end, answers = self._tokenizer.eos_token_id, []
        for row, mask in zip(out[:, width:].tolist(), batch["attention_mask"].tolist(), strict=True):
            stopped = end in row
            tokens = row[: row.index(end)] if stopped else row
            answers.append(
                {
                    "text": self._tokenizer.decode(tokens, skip_special_tokens=True),
                    "prompt_tokens": sum(mask),
                    "completion_tokens": len(tokens),
                    "finish_reason": "stop" if stopped else "length",
                }
            )
        return answers


class _Asked:
    """One instance, checked."""

    def __init__(self, text: str, settings: tuple[Any, ...]) -> None:
        self.text = text
        self.settings = settings

    @classmethod
    def of(cls, instance: Any, tokenizer: Any) -> _Asked:
        if not isinstance(instance, dict):
            raise InputError('an instance is {"prompt": …} or {"messages": […]}')
        most, seed = instance.get("max_tokens") or 16, instance.get("seed")
        temperature, top_p = instance.get("temperature", 1.0), instance.get("top_p", 1.0)
        if not isinstance(most, int) or not 0 < most <= MOST_TOKENS:
            raise InputError(f"max_tokens is 1 to {MOST_TOKENS}")
        if not _number(temperature, 0, 2) or not _number(top_p, 1e-6, 1):
            raise InputError("temperature is 0 to 2, top_p above 0 and at most 1")
        if seed is not None and (not isinstance(seed, int) or not 0 <= seed < 2**63):
            raise InputError("a seed is a whole number")
        return cls(_text(instance, tokenizer), (most, float(temperature), float(top_p), seed))


def _number(value: object, low: float, high: float) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and low <= value <= high


def _text(instance: dict[str, Any], tokenizer: Any) -> str:
    messages, prompt = instance.get("messages"), instance.get("prompt")
    if isinstance(prompt, str) and messages is None:
        return prompt
    if not isinstance(messages, list) or not all(
        isinstance(one, dict) and isinstance(one.get("role"), str) and isinstance(one.get("content"), str)
        for one in messages
    ):
        raise InputError("a prompt is text, messages are objects with role and content")
    plain = [{"role": one["role"], "content": one["content"]} for one in messages]
    if tokenizer.chat_template:
        return str(tokenizer.apply_chat_template(plain, tokenize=False, add_generation_prompt=True))
    return "".join(f"{one['role']}: {one['content']}\n" for one in plain) + "assistant:"


def language_model(files: ModelFiles, config: dict[str, Any]) -> LanguageModel:
    """Build a language model from an asset's files; nothing of them reaches the disk.

    Raises:
        InputError: its config, weights or tokenizer do not fit each other, or it wants code of its own to run.
        JobError: ``transformers`` is not installed.
    """
    try:
        from tokenizers import Tokenizer
        from transformers import AutoConfig, AutoModelForCausalLM, PreTrainedTokenizerFast
    except ImportError:
        raise JobError("language models need transformers", hint='Run: pip install "sahara-lab[language]"') from None
    if "auto_map" in config:
        raise InputError(f"{files.name} wants code of its own to run, which is refused")
    kept = {name: value for name, value in config.items() if name != "model_type"}
    try:
        build: Any = AutoModelForCausalLM.from_config
        model = build(AutoConfig.for_model(str(config["model_type"]), **kept)).eval()
        model.tie_weights()  # before, so that a weight stored under one name only fills both
        missing, unexpected = model.load_state_dict(files.weights(), strict=False)
        state = model.state_dict()
        filled = {value.data_ptr() for name, value in state.items() if name not in missing}
        absent = [name for name in missing if state[name].data_ptr() not in filled]
        if unexpected or absent:
            raise InputError(f"the weights do not fit config.json: {[*unexpected, *absent][0]}")
        tokenizer = Tokenizer.from_str(files.read(TOKENIZER).decode("utf-8"))
    except (TypeError, ValueError, KeyError, RuntimeError) as error:
        raise InputError(
            f"{files.name} is no language model that can be built: {str(error).splitlines()[0]}"
        ) from error
    said = files.json(TOKENIZER_CONFIG) if TOKENIZER_CONFIG in files.names else {}
    special = {name: said[name] for name in _SPECIAL if isinstance(said.get(name), str)}
    wrap: Any = PreTrainedTokenizerFast
    wrapped = wrap(tokenizer_object=tokenizer, padding_side="left", **special)
    if wrapped.pad_token is None:
        if wrapped.eos_token is None:
            raise InputError(f"{TOKENIZER_CONFIG} of {files.name} names neither pad_token nor eos_token")
        wrapped.pad_token = wrapped.eos_token
    return LanguageModel(model, wrapped)

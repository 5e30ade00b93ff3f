"""A tiny language model with its own tokenizer, made here, is served as OpenAI's clients expect it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
import urllib3

from sahara_lab.errors import InputError, JobError

pytestmark = [pytest.mark.network, pytest.mark.ray]
TEXT = "the owl and the cat and the dog and the owl"


@pytest.fixture(scope="module")
def parrot(alice: Any, publish_model: Any, tmp_path_factory: pytest.TempPathFactory, ray: None) -> Iterator[Any]:
    """``alice/parrot``: a Llama of two small layers that has learned one line by heart."""
    pytest.importorskip("transformers")
    import torch
    from safetensors.torch import save_model
    from tokenizers import Tokenizer, models, pre_tokenizers, trainers
    from transformers import LlamaConfig, LlamaForCausalLM

    tokenizer = Tokenizer(models.WordLevel(unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.train_from_iterator([TEXT], trainers.WordLevelTrainer(special_tokens=["<unk>", "<end>"]))
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=tokenizer.get_vocab_size(),
        hidden_size=32,
        intermediate_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        max_position_embeddings=64,
        bos_token_id=1,
        eos_token_id=1,
        tie_word_embeddings=True,
    )
    model = LlamaForCausalLM(config)
    line = torch.tensor([[*tokenizer.encode(TEXT).ids, 1]])
    optimizer = torch.optim.Adam(model.parameters(), 1e-2)
    for _ in range(150):
        loss = model(input_ids=line, labels=line).loss
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    folder = tmp_path_factory.mktemp("parrot")
    save_model(model, str(folder / "model.safetensors"))
    (folder / "config.json").write_text(json.dumps(config.to_dict()))
    tokenizer.save(str(folder / "tokenizer.json"))
    (folder / "tokenizer_config.json").write_text(json.dumps({"eos_token": "<end>", "unk_token": "<unk>"}))
    yield alice.serve(publish_model(folder, "parrot"))
    alice.serving.stop("alice/parrot")


def test_completions_and_chat_are_openais(alice: Any, parrot: Any) -> None:
    key = alice.serving.new_key("openai").reveal()
    http, headers = urllib3.PoolManager(), {"authorization": f"Bearer {key}"}

    def post(path: str, **body: Any) -> Any:
        given = {"model": "alice/parrot", "temperature": 0, "max_tokens": 32, **body}
        return http.request("POST", f"{parrot.url}/v1{path}", json=given, headers=headers)

    done = post("/completions", prompt="the owl and the cat").json()
    assert done["object"] == "text_completion"
    assert done["choices"][0]["text"].split() == TEXT.split()[5:]
    assert done["choices"][0]["finish_reason"] == "stop"
    assert done["usage"] == {"prompt_tokens": 5, "completion_tokens": 6, "total_tokens": 11}
    said = post("/chat/completions", messages=[{"role": "user", "content": "the owl"}], max_tokens=3).json()
    assert said["object"] == "chat.completion"
    assert said["choices"][0]["message"]["role"] == "assistant"
    assert said["usage"]["completion_tokens"] <= 3
    several = post("/completions", prompt=["the owl", "the owl and the cat"], max_tokens=2).json()
    assert [choice["index"] for choice in several["choices"]] == [0, 1]
    streamed = post("/completions", prompt="the", stream=True)
    assert (streamed.status, streamed.json()["error"]["code"]) == (400, "input")
    assert post("/completions", prompt="the owl " * 100).status == 400
    assert post("/completions", prompt="the", model="alice/none").status == 404


def test_call_takes_prompts_and_messages(alice: Any, parrot: Any) -> None:
    told = alice.call("alice/parrot", {"prompt": "the owl", "temperature": 0, "max_tokens": 2})
    assert told["text"].split() == ["and", "the"]
    with pytest.raises(InputError, match="max_tokens is 1 to"):
        alice.call("alice/parrot", {"prompt": "the owl", "max_tokens": -1})


def test_an_asset_that_brings_code_is_refused(alice: Any, publish_model: Any, tmp_path: Any, ray: None) -> None:
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "llama", "auto_map": {"AutoModel": "evil.Model"}}))
    (tmp_path / "evil.py").write_text("raise SystemExit")
    with pytest.raises(JobError, match="code of its own"):
        alice.serve(publish_model(tmp_path, "evil"))

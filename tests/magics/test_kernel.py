"""The Sahara kernel: magics loaded, the server's secrets gone."""

from __future__ import annotations

from sahara_lab.magics.kernel import scrub


def test_what_looks_like_a_secret_is_taken_out() -> None:
    environment = {
        "JUPYTER_TOKEN": "t",
        "AWS_SECRET_ACCESS_KEY": "s",
        "OPENAI_API_KEY": "k",
        "DB_PASSWORD": "p",
        "PATH": "/bin",
    }
    scrub(environment)
    assert environment == {"PATH": "/bin"}


def test_a_started_kernel_has_the_magics_and_no_token(monkeypatch) -> None:  # type: ignore[no-untyped-def]
    from jupyter_client.manager import start_new_kernel

    monkeypatch.setenv("JUPYTER_TOKEN", "not-for-notebooks")
    manager, client = start_new_kernel(kernel_name="sahara")
    try:
        texts: list[str] = []

        def keep(message: dict) -> None:  # type: ignore[type-arg]
            texts.append(str(message["content"].get("text", message["content"].get("data", ""))))

        client.execute_interactive("import os; print(os.environ.get('JUPYTER_TOKEN'))", output_hook=keep, timeout=60)
        client.execute_interactive("%sahara help", output_hook=keep, timeout=60)
        assert "None\n" in texts
        assert any("%sahara license" in text for text in texts)
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)

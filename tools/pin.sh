#!/usr/bin/env bash
# Renew constraints.txt: resolve everything for every supported Python, keep torch's own CUDA pins to torch.
set -euo pipefail
cd "$(dirname "$0")/.."
printf 'torch==2.13.0\n' | .venv/bin/uv pip compile pyproject.toml --group dev --all-extras --universal --python-version 3.11 \
  -c - --upgrade --no-header --no-annotate --no-emit-index-url --no-emit-find-links --quiet \
  | grep -vE '^(nvidia-|cuda-|triton==)' | sed -E 's/^torch==2\.13\.0.*/torch==2.13.0/' | sort -u > constraints.new
mv constraints.new constraints.txt

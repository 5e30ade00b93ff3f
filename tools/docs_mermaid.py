"""A hook of mkdocs: diagrams written in Mermaid are drawn in the reader's browser, as GitHub draws them."""

from __future__ import annotations

import re
from typing import Any

#: The library that nbconvert draws with; where it cannot be fetched the reader sees the diagram's source.
LIBRARY = "https://cdnjs.cloudflare.com/ajax/libs/mermaid/11.10.0/mermaid.esm.min.mjs"
_FENCE = re.compile(r'<pre><code class="(?:language-)?mermaid">(.*?)</code></pre>', re.DOTALL)


def on_page_content(html: str, **_: Any) -> str:
    """Turn fenced Mermaid into elements that the library looks for, and load it on pages that have some."""
    drawn, count = _FENCE.subn(r'<pre class="mermaid">\1</pre>', html)
    if not count:
        return html
    return f'{drawn}<script type="module">import mermaid from "{LIBRARY}"; mermaid.initialize({{}});</script>'

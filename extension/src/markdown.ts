import type { IRenderMime, IRenderMimeRegistry } from '@jupyterlab/rendermime';

/** Elements that Markdown makes and that can neither load, send nor run anything. */
const TAGS = [
  ...['p', 'br', 'hr', 'blockquote', 'pre', 'code', 'em', 'strong', 'del', 'sub', 'sup', 'a', 'span'],
  ...['h1', 'h2', 'h3', 'h4', 'h5', 'h6', 'ul', 'ol', 'li', 'dl', 'dt', 'dd'],
  ...['table', 'thead', 'tbody', 'tr', 'th', 'td']
];

/** A renderer for descriptions that strangers wrote: no images (they phone home), no HTML, no commands, no styles. */
export function strictMarkdown(rendermime: IRenderMimeRegistry): IRenderMimeRegistry {
  const { sanitizer } = rendermime;
  const strict: IRenderMime.ISanitizer = {
    sanitize: dirty =>
      sanitizer.sanitize(dirty, {
        allowedTags: TAGS,
        allowedAttributes: { a: ['href', 'rel', 'target'] },
        allowedStyles: {}
      }),
    getAutolink: () => false,
    allowNamedProperties: false,
    allowCommandLinker: false
  };
  return rendermime.clone({ sanitizer: strict });
}

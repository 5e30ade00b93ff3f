// The messages of the sidebar as a gettext template (sahara_lab/locale/sahara_lab.pot), for translators.
//
//   node messages.mjs            writes it
//   node messages.mjs --check    fails where it is not what the sources say

/* global console, process */

import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

const here = dirname(fileURLToPath(import.meta.url));
const target = join(here, '..', 'sahara_lab', 'locale', 'sahara_lab.pot');

/** Calls of a translation bundle, and how many of their first arguments are messages. */
const CALLS = { __: 1, _n: 2 };

function* calls(node) {
  if (ts.isCallExpression(node) && ts.isPropertyAccessExpression(node.expression)) {
    const count = CALLS[node.expression.name.text];
    const messages = node.arguments.slice(0, count ?? 0);
    if (messages.length && messages.every(ts.isStringLiteralLike)) {
      yield { node, messages: messages.map(message => message.text) };
    }
  }
  for (const child of node.getChildren()) {
    yield* calls(child);
  }
}

function template() {
  const places = new Map();
  const files = readdirSync(join(here, 'src'), { recursive: true })
    .filter(name => /\.tsx?$/.test(name))
    .sort();
  for (const name of files) {
    const path = join(here, 'src', name);
    const source = ts.createSourceFile(path, readFileSync(path, 'utf8'), ts.ScriptTarget.Latest, true);
    for (const { messages } of calls(source)) {
      const key = JSON.stringify(messages);
      places.set(key, (places.get(key) ?? new Set()).add(relative(here, path)));
    }
  }
  const entries = [...places].map(([key, found]) => {
    const [one, many] = JSON.parse(key).map(text => JSON.stringify(text));
    const plural = many ? `msgid_plural ${many}\nmsgstr[0] ""\nmsgstr[1] ""` : 'msgstr ""';
    return `#: ${[...found].join(' ')}\nmsgid ${one}\n${plural}\n`;
  });
  const head = 'msgid ""\nmsgstr ""\n"Content-Type: text/plain; charset=UTF-8\\n"\n"Domain: sahara_lab\\n"\n';
  return [head, ...entries].join('\n');
}

const made = template();
if (process.argv.includes('--check')) {
  let present = '';
  try {
    present = readFileSync(target, 'utf8');
  } catch {
    // a missing template is an old one
  }
  if (present !== made) {
    console.error('sahara_lab/locale/sahara_lab.pot is not what the sources say. Run: jlpm messages');
    process.exit(1);
  }
} else {
  writeFileSync(target, made);
}

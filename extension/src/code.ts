/** Python that a person can run: how to open what they licensed, how to publish what they trained. */

import type { Asset, Job, Terms } from './values';

const text = (value: string): string => JSON.stringify(value);

/** `connect()` as an account; empty is the one that acts by default. */
function connect(account: string): string {
  return `import sahara_lab as sahara\n\nlab = sahara.connect(${account && `account=${text(account)}`})`;
}

const TABLES: Record<string, string> = {
  parquet: 'read_parquet',
  csv: 'read_csv',
  json: 'read_json',
  feather: 'read_feather',
  orc: 'read_orc'
};
const TEXTS = [
  'txt',
  'md',
  'rst',
  'log',
  'py',
  'yaml',
  'yml',
  'toml',
  'ini',
  'html',
  'xml',
  'svg',
  'r',
  'sql'
];
const IMAGES = ['png', 'jpg', 'jpeg', 'gif', 'webp'];

const ending = (path: string): string => (path.split('/').pop() ?? '').split('.').slice(1).pop() ?? '';

/** Code that opens one file of a vault, in the way its name suggests. Without an account, the default one acts. */
export function fileCode(url: string, account: string): string {
  const kind = ending(url).toLowerCase();
  const open = (mode = ''): string =>
    `with fsspec.open(${text(url)}${mode}${account && `, account=${text(account)}`}) as file:`;
  const reader =
    kind === 'tsv' || kind === 'jsonl' ? { tsv: 'read_csv', jsonl: 'read_json' }[kind] : TABLES[kind];
  if (reader) {
    const options = kind === 'tsv' ? ', sep="\\t"' : kind === 'jsonl' ? ', lines=True' : '';
    const who = account && `, storage_options={"account": ${text(account)}}`;
    const call = `pd.${reader}(${text(url)}${options}${who})`;
    const broken = `pd.${reader}(\n    ${[text(url), ...`${options}${who}`.split(', ').filter(Boolean)].join(',\n    ')},\n)`;
    return `import pandas as pd\n\ntable = ${call.length > 80 ? broken : call}\ntable.head()`;
  }
  if (kind === 'safetensors') {
    const load = 'import fsspec\nfrom safetensors.numpy import load\n\n';
    return `${load}${open()}\n    tensors = load(file.read())\n{name: tensor.shape for name, tensor in tensors.items()}`;
  }
  if (kind === 'npy') {
    return `import fsspec\nimport numpy as np\n\n${open()}\n    array = np.load(file, allow_pickle=False)\narray.shape`;
  }
  if (IMAGES.includes(kind)) {
    return `import fsspec\nfrom IPython.display import Image\n\n${open()}\n    image = Image(file.read())\nimage`;
  }
  if (TEXTS.includes(kind)) {
    return `import fsspec\n\n${open(', "rt", encoding="utf-8"')}\n    text = file.read()\nprint(text[:2000])`;
  }
  return `import fsspec\n\n${open()}\n    content = file.read()\nlen(content)`;
}

/** Code that lists a folder of a vault with everything beneath it. */
export function folderCode(url: string, account: string): string {
  const files = `fsspec.filesystem("vault"${account && `, account=${text(account)}`})`;
  return `import fsspec\n\nfiles = ${files}\nfiles.find(${text(url)})`;
}

/** Code that opens an asset's files: a table where there is one, else the first of its files. */
export function openCode(asset: Pick<Asset, 'name' | 'version' | 'files'>, account: string): string {
  const file = asset.files.find(file => ending(file.path) in TABLES) ?? asset.files[0];
  const url = `vault://${asset.name}@${asset.version}`;
  return file ? fileCode(`${url}/${file.path}`, account) : folderCode(url, account);
}

/** Code that licenses an asset on one of its offers, at the price it has now. */
export function licenseCode(
  asset: Pick<Asset, 'name'>,
  offer: Pick<Terms, 'flavor' | 'price'>,
  account: string
): string {
  const price = offer.price.tokens.replace(/,/g, '');
  const call = `lab.market.license(${text(asset.name)}, license=${text(offer.flavor)}, max_price=${text(price)})`;
  return `${connect(account)}\nlab.market.quote(${text(asset.name)}, ${text(offer.flavor)})\n${call}`;
}

/** Code for something that was found: its files where they can be read, else what it is. */
export function listingCode(
  listing: Pick<Asset, 'name' | 'version'>,
  readable: boolean,
  account: string
): string {
  return readable
    ? folderCode(`vault://${listing.name}@${listing.version}`, account)
    : `${connect(account)}\nlab.market.get(${text(listing.name)})`;
}

/** Code that publishes the result of a job; parents and what they are owed come from the job itself. */
export function publishCode(job: Pick<Job, 'id' | 'name'>, account: string): string {
  const name = (job.name || 'my-model').toLowerCase().replace(/[^a-z0-9._-]+/g, '-');
  return [
    connect(account),
    `job = lab.compute.job(${text(job.id)})`,
    'lab.market.publish(',
    '    job,',
    `    name=${text(name)},`,
    '    license=sahara.License.commercial(price="5"),',
    ')'
  ].join('\n');
}

/** Code that publishes a folder, for someone who owns nothing yet. */
export function firstPublishCode(account: string): string {
  return [
    connect(account),
    'lab.market.publish(',
    '    "data/",',
    '    name="my-dataset",',
    '    license=sahara.License.commercial_remix(price="25", royalty="10%"),',
    ')'
  ].join('\n');
}

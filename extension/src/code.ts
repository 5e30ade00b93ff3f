/** Python that a person can run: how to open what they licensed, how to publish what they trained. */

import type { Asset, Job } from './values';

const text = (value: string): string => JSON.stringify(value);

/** `connect()` as an account; empty is the one that acts by default. */
function connect(account: string): string {
  return `import sahara_lab as sahara\n\nlab = sahara.connect(${account && `account=${text(account)}`})`;
}

const READERS: Record<string, string> = {
  parquet: 'read_parquet',
  csv: 'read_csv',
  json: 'read_json',
  feather: 'read_feather'
};

/** Code that opens an asset's files: a table where there is one, else the list of its files. Without an account, the default one. */
export function openCode(asset: Pick<Asset, 'name' | 'version' | 'files'>, account: string): string {
  const table = asset.files.find(file => (file.path.split('.').pop() ?? '') in READERS);
  if (table) {
    const reader = READERS[table.path.split('.').pop() ?? ''];
    const url = `vault://${asset.name}@${asset.version}/${table.path}`;
    const options = account && `    storage_options={"account": ${text(account)}},\n`;
    return `import pandas as pd\n\ntable = pd.${reader}(\n    ${text(url)},\n${options})\ntable.head()`;
  }
  const file = asset.files[0];
  if (file) {
    const url = `vault://${asset.name}@${asset.version}/${file.path}`;
    return [
      'import fsspec',
      '',
      `with fsspec.open(${text(url)}${account && `, account=${text(account)}`}) as file:`,
      '    content = file.read()',
      'len(content)'
    ].join('\n');
  }
  return `import fsspec\n\nfiles = fsspec.filesystem("vault"${account && `, account=${text(account)}`})\nfiles.ls(${text(`${asset.name}@${asset.version}`)})`;
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

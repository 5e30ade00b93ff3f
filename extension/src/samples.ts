/** What of files tells what a listing could say: documents whole, the first rows of tables, the ends of Parquet files. */

import type { Picked } from './dropped';

const DOCUMENTS = ['README.md', 'croissant.json', 'metadata.json'];
const MOST_DOCUMENT = 512 * 1024;
const ROWS = 16 * 1024;
const FOOTER = 64 * 1024;
const MOST_TABLES = 10;

/** In base64, by path. Files that cannot be read are left out. */
export async function samplesOf(files: Picked[]): Promise<Record<string, string>> {
  const documents = files.filter(({ path, file }) => DOCUMENTS.includes(path) && file.size <= MOST_DOCUMENT);
  const tables = files.filter(({ path }) => /\.(csv|tsv|parquet)$/.test(path)).slice(0, MOST_TABLES);
  const samples: Record<string, string> = {};
  for (const { path, file } of [...documents, ...tables]) {
    try {
      samples[path] = await base64(telling(path, file));
    } catch {
      continue;
    }
  }
  return samples;
}

function telling(path: string, file: File): Blob {
  if (DOCUMENTS.includes(path)) {
    return file;
  }
  return path.endsWith('.parquet') ? file.slice(-FOOTER) : file.slice(0, ROWS);
}

function base64(blob: Blob): Promise<string> {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve((reader.result as string).split(',', 2)[1] ?? '');
    reader.onerror = () => reject(reader.error as Error);
    reader.readAsDataURL(blob);
  });
}

/** Requests to this Jupyter server, with failures turned into one kind of error that says what to do. */

import { URLExt } from '@jupyterlab/coreutils';
import { ServerConnection } from '@jupyterlab/services';
import type { TranslationBundle } from '@jupyterlab/translation';

import type { RequestOptions, Send } from './api';
import { LabError } from './values';

export function sendTo(settings: ServerConnection.ISettings, trans: TranslationBundle): Send {
  return async (path: string, options: RequestOptions = {}): Promise<unknown> => {
    const query = URLExt.objectToQueryString(options.query ?? {});
    const url = URLExt.join(settings.baseUrl, 'sahara-lab', 'api', path) + query;
    const init = described(options);
    let response: Response;
    try {
      response = await ServerConnection.makeRequest(url, init, settings);
    } catch (error) {
      if (options.signal?.aborted) {
        throw error;
      }
      throw new LabError(
        trans.__('The Jupyter server does not answer'),
        'server',
        trans.__('Check that JupyterLab still runs, then reload the page')
      );
    }
    const answer = await response.json().catch(() => null);
    if (response.ok && answer !== null) {
      return answer;
    }
    if (answer?.code) {
      throw new LabError(answer.message, answer.code, answer.hint);
    }
    if (response.status === 404) {
      throw new LabError(
        trans.__('The server half of Sahara Lab is not loaded'),
        'extension',
        trans.__('Run: %1', 'jupyter server extension enable sahara_lab')
      );
    }
    throw new LabError(trans.__('The Jupyter server answered %1', String(response.status)), 'server');
  };
}

function described({ body, bytes, method, signal }: RequestOptions): RequestInit {
  if (bytes) {
    return { method: 'PUT', body: bytes, headers: { 'Content-Type': 'application/octet-stream' }, signal };
  }
  return body ? { method: 'POST', body: JSON.stringify(body), signal } : { method: method ?? 'GET', signal };
}

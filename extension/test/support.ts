import type { RequestOptions, Send } from '../src/api';

export interface Deferred<T> {
  promise: Promise<T>;
  resolve: (value: T) => void;
  reject: (reason: Error) => void;
}

export function deferred<T>(): Deferred<T> {
  let resolve!: (value: T) => void;
  let reject!: (reason: Error) => void;
  const promise = new Promise<T>((yes, no) => {
    resolve = yes;
    reject = no;
  });
  return { promise, resolve, reject };
}

export interface Recorded {
  path: string;
  options: RequestOptions;
}

/** A transport that answers from a function and remembers what was asked. */
export function transport(answer: (asked: Recorded) => unknown): { send: Send; asked: Recorded[] } {
  const asked: Recorded[] = [];
  const send: Send = async (path, options = {}) => {
    const request = { path, options };
    asked.push(request);
    return answer(request);
  };
  return { send, asked };
}

export async function until(condition: () => boolean, limit = 2_000): Promise<void> {
  const end = Date.now() + limit;
  while (!condition()) {
    if (Date.now() > end) {
      throw new Error('the condition did not come true');
    }
    await new Promise(resolve => setTimeout(resolve, 5));
  }
}

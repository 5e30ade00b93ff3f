import type { Api } from '../api';
import type { Grant, Library, Request } from '../values';
import { Loader } from './loader';

/** What the account owns, holds and can claim. */
export class LibraryModel {
  readonly content: Loader<Library>;

  constructor(private readonly api: Api) {
    this.content = new Loader(() => api.library());
  }

  /** The valid license for an asset, if the account holds one. */
  held(name: string): Grant | undefined {
    return this.content.value?.licenses.find(grant => grant.asset === name && grant.status === 'valid');
  }

  owns(name: string): boolean {
    return this.content.value?.published.some(listing => listing.name === name) ?? false;
  }

  /** The newest request of the account for an asset. */
  asked(name: string): Request | undefined {
    return this.content.value?.asked.find(request => request.asset === name);
  }

  claim(): Promise<void> {
    return this.content.replace(this.api.claim());
  }
}

import type { Api } from '../api';
import type { Grant, Library } from '../values';
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

  claim(): Promise<void> {
    return this.content.replace(this.api.claim());
  }
}

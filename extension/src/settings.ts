import type { ISettingRegistry } from '@jupyterlab/settingregistry';
import { type ISignal, Signal } from '@lumino/signaling';

/** What a person can set; the schema's defaults where there is no registry or it fails. */
export class Settings {
  private readonly _changed = new Signal<this, void>(this);

  account = '';
  order = 'relevance';
  balance = true;

  get changed(): ISignal<this, void> {
    return this._changed;
  }

  /** Read the settings of a plugin, and follow them. */
  async follow(registry: ISettingRegistry | null, plugin: string): Promise<void> {
    const settings = await registry?.load(plugin).catch(() => undefined);
    const take = (): void => {
      const { account, order, balance } = settings?.composite ?? {};
      this.account = typeof account === 'string' ? account : '';
      this.order = typeof order === 'string' ? order : 'relevance';
      this.balance = balance !== false;
      this._changed.emit();
    };
    settings?.changed.connect(take);
    take();
  }
}

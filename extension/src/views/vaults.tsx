import { addIcon, fileUploadIcon, newFolderIcon } from '@jupyterlab/ui-components';
import React, { useRef, useState } from 'react';

import { chosenFiles, droppedFiles, isFileDrag } from '../dropped';
import { useDesk } from '../desk';
import { formatSize } from '../format';
import { Action, Busy, Empty, Problem, useSignals } from './parts';
import { VaultTree } from './tree';

/** Vaults that are mine or that I am licensed for, and the way to put files into them. */
export function VaultsView(): JSX.Element {
  const { vaults, trans } = useDesk();
  useSignals(vaults.list.changed);
  const { value, error } = vaults.list;
  return (
    <div className="jp-Sahara-vaults">
      <UploadBar />
      <UploadProgress />
      {error && <Problem error={error} retry={() => void vaults.refresh()} />}
      {!value && !error && <Busy label={trans.__('Loading')} />}
      {value && value.length === 0 && !error && (
        <Empty title={trans.__('No vaults yet')}>
          <p>
            {trans.__(
              'Drop a folder on “New vault” to encrypt and publish it, or license something in the market.'
            )}
          </p>
        </Empty>
      )}
      {value && value.length > 0 && <VaultTree />}
    </div>
  );
}

/** Buttons that take files from this computer; the first is also where files are dropped. */
function UploadBar(): JSX.Element {
  const { actions, uploads, trans } = useDesk();
  useSignals(uploads.changed);
  const files = useRef<HTMLInputElement>(null);
  const folder = useRef<HTMLInputElement>(null);
  const [over, setOver] = useState(false);
  const take = (event: React.ChangeEvent<HTMLInputElement>): void => {
    const picked = chosenFiles(event.target.files as FileList);
    event.target.value = '';
    actions.publish(picked);
  };
  return (
    <div
      className="jp-Sahara-drop"
      data-drop={over}
      onDragOver={event => {
        if (isFileDrag(event)) {
          event.preventDefault();
          event.dataTransfer.dropEffect = 'copy';
          setOver(true);
        }
      }}
      onDragLeave={() => setOver(false)}
      onDrop={event => {
        if (isFileDrag(event)) {
          event.preventDefault();
          setOver(false);
          void droppedFiles(event.dataTransfer).then(picked => actions.publish(picked));
        }
      }}
    >
      <span className="jp-Sahara-dropLabel">
        <addIcon.react tag="span" width={14} height={14} />
        {trans.__('New vault')}
      </span>
      <Action
        icon={newFolderIcon}
        label={trans.__('Folder')}
        title={trans.__('Encrypt and publish a folder of this computer')}
        disabled={uploads.busy}
        onClick={() => folder.current?.click()}
      />
      <Action
        icon={fileUploadIcon}
        label={trans.__('Files')}
        title={trans.__('Encrypt and publish files of this computer')}
        disabled={uploads.busy}
        onClick={() => files.current?.click()}
      />
      <input ref={files} type="file" multiple hidden data-take="files" onChange={take} />
      <input
        ref={folder}
        type="file"
        hidden
        data-take="folder"
        onChange={take}
        {...{ webkitdirectory: '', directory: '' }}
      />
    </div>
  );
}

/** The upload that runs, or how the last one ended. */
function UploadProgress(): JSX.Element | null {
  const { uploads, trans } = useDesk();
  useSignals(uploads.changed);
  const { plan, state, error, fraction } = uploads;
  if (!plan || !state) {
    return null;
  }
  if (error) {
    return (
      <div className="jp-Sahara-problem" role="alert">
        <strong>{trans.__('%1 was not published: %2', plan.name, error.message)}</strong>
        {error.hint && <p className="jp-Sahara-hint">{error.hint}</p>}
        <div className="jp-Sahara-buttons">
          {state.retryable && (
            <Action accent label={trans.__('Try again')} onClick={() => void uploads.retry()} />
          )}
          <Action label={trans.__('Dismiss')} onClick={() => uploads.dismiss()} />
        </div>
      </div>
    );
  }
  const percent = fraction === null ? null : Math.floor(fraction * 100);
  const words = {
    receiving: trans.__('Sending %1 of %2', formatSize(state.received), formatSize(state.total)),
    publishing: trans.__('Publishing: %1', state.step),
    done: trans.__('Published'),
    canceled: trans.__('Canceled. Nothing was published.'),
    failed: ''
  }[state.phase];
  const name = trans.__('%1, version %2', plan.name, String(plan.version));
  return (
    <div className="jp-Sahara-upload">
      <div>
        <strong title={name}>{name}</strong>
        {uploads.busy ? (
          <Action label={trans.__('Cancel')} onClick={() => void uploads.cancel()} />
        ) : (
          <Action label={trans.__('Close')} onClick={() => uploads.dismiss()} />
        )}
      </div>
      {uploads.busy && (
        <div
          className="jp-Sahara-progress"
          role="progressbar"
          aria-label={trans.__('Publishing %1', plan.name)}
          aria-valuemin={0}
          aria-valuemax={100}
          aria-valuenow={percent ?? undefined}
          aria-valuetext={words}
          data-unknown={percent === null}
        >
          <span style={{ width: percent === null ? '30%' : `${percent}%` }} />
        </div>
      )}
      <span className="jp-Sahara-muted" role="status">
        {words}
      </span>
    </div>
  );
}

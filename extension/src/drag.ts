import { MimeData } from '@lumino/coreutils';
import { Drag } from '@lumino/dragdrop';
import type React from 'react';

const THRESHOLD = 5;

/** Begin to drag code into a notebook once the pointer moves far enough; a click stays a click. */
export function dragCode(down: React.PointerEvent, code: () => string, label: string): void {
  if (down.button !== 0) {
    return;
  }
  const { clientX, clientY } = down;
  const move = (event: PointerEvent): void => {
    if (Math.hypot(event.clientX - clientX, event.clientY - clientY) > THRESHOLD) {
      done();
      start(code(), label, event.clientX, event.clientY);
    }
  };
  const done = (): void => {
    document.removeEventListener('pointermove', move);
    document.removeEventListener('pointerup', done);
  };
  document.addEventListener('pointermove', move);
  document.addEventListener('pointerup', done);
}

function start(code: string, label: string, x: number, y: number): void {
  const mimeData = new MimeData();
  mimeData.setData('text/plain', code);
  mimeData.setData('application/vnd.jupyter.cells', [
    { cell_type: 'code', source: code, metadata: {}, outputs: [], execution_count: null }
  ]);
  const dragImage = document.createElement('div');
  dragImage.className = 'jp-Sahara-dragImage';
  dragImage.textContent = label;
  const drag = new Drag({ mimeData, dragImage, proposedAction: 'copy', supportedActions: 'copy' });
  void drag.start(x, y).then(() => drag.dispose());
}

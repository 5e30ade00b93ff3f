import { LabIcon } from '@jupyterlab/ui-components';

const svg = (body: string, box = 24): string =>
  `<svg xmlns="http://www.w3.org/2000/svg" width="16" viewBox="0 0 ${box} ${box}"><g class="jp-icon3 jp-icon-selectable" fill="#616161">${body}</g></svg>`;

const icon = (name: string, body: string): LabIcon =>
  new LabIcon({ name: `sahara-lab:${name}`, svgstr: svg(body) });

/** A sun over two dunes. */
export const saharaIcon = icon(
  'sahara',
  '<circle cx="16.5" cy="7" r="3"/>' +
    '<path d="M1.5 17.2C5 12.5 7.8 10.2 10.2 10.2c2.7 0 4.4 2.6 7.1 5.1-2 .9-3.7 2.6-5.6 2.6-3.3 0-5.9-1.9-10.2-.7z"/>' +
    '<path d="M1.5 20.5c2.4-1.5 4.6-2 7-1.5 3.7.8 6.3-3.4 9.8-3.4 1.7 0 3 .8 4.2 2.1v2.8z"/>'
);

export const datasetIcon = icon(
  'dataset',
  '<path d="M12 3C7.6 3 4 4.6 4 6.5S7.6 10 12 10s8-1.600 8-3.500S16.400 3 12 3z"/>' +
    '<path d="M4 8.900v3.600C4 14.400 7.600 16 12 16s8-1.600 8-3.500V8.900C18.300 10.600 15.300 11.500 12 11.500S5.700 10.600 4 8.900z"/>' +
    '<path d="M4 14.900v2.600C4 19.400 7.600 21 12 21s8-1.600 8-3.500v-2.600c-1.700 1.700-4.700 2.600-8 2.600s-6.300-.9-8-2.600z"/>'
);

export const modelIcon = icon(
  'model',
  '<path d="M5 3.500a2.500 2.500 0 0 1 2.300 3.500l2.600 2a3.500 3.500 0 0 1 4.200 0l2.600-2a2.500 2.500 0 1 1 1.200 1.600l-2.600 2a3.500 3.500 0 0 1 0 2.800l2.600 2a2.500 2.500 0 1 1-1.200 1.600l-2.600-2a3.500 3.500 0 0 1-4.200 0l-2.600 2a2.500 2.500 0 1 1-1.200-1.600l2.600-2a3.500 3.500 0 0 1 0-2.800l-2.600-2A2.500 2.500 0 1 1 5 3.500z"/>'
);

export const assetIcon = icon(
  'asset',
  '<path d="M12 2.500l8.500 4.700v9.600L12 21.500l-8.500-4.700V7.200zm0 2.300L6.600 7.800 12 10.800l5.400-3zM5.500 9.500v6.100l5.500 3v-6zm7.500 9.100l5.500-3V9.500L13 12.600z"/>'
);

export function kindIcon(kind: string): LabIcon {
  return kind === 'dataset' ? datasetIcon : kind === 'model' ? modelIcon : assetIcon;
}

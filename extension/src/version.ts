/** The version of this half; the server says its own. A test compares it with package.json. */
export const VERSION = '0.1.0';

// Stands for the query editor's parts (vite.config.ts): the libraries name them, nothing here opens them.
const nothing = {};
export default nothing;
export const loader = { config: (): void => undefined, init: (): Promise<object> => Promise.resolve({}) };
export const Editor = (): null => null;
export const DiffEditor = (): null => null;
export const useMonaco = (): null => null;

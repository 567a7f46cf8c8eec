declare const __PLACE__: string;
declare module '*.css';

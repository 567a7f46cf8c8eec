// Our own few icons, 16 px, in the colour of the text beside them.
const PATHS = {
  orders: 'M3 4h10M3 8h10M3 12h6',
  channels: 'M4 3v10M8 6v7M12 9v4',
  quarantine: 'M8 2.500 14 13H2L8 2.500ZM8 6.500v3M8 11.200v.1',
  operations: 'M1.500 8.500h3l2-5 3 9 2-4h3',
  audit: 'M4 2.500h6l2.500 2.500v8.500H4zM6.500 7.500h4M6.500 10.500h4',
  search: 'M7 11.500a4.500 4.500 0 1 0 0-9 4.500 4.500 0 0 0 0 9ZM10.500 10.500 14 14',
  close: 'm4 4 8 8M12 4l-8 8',
  check: 'm3 8.500 3.200 3L13 4.500',
  down: 'm4 6 4 4 4-4',
  left: 'M10 3.500 5.500 8l4.500 4.500',
  out: 'M6 3H3v10h10v-3M9 3h4v4M13 3 7.500 8.500',
  sun: 'M8 11a3 3 0 1 0 0-6 3 3 0 0 0 0 6ZM8 1.200v1.300M8 13.500v1.300M1.200 8h1.300M13.500 8h1.300M3.200 3.200l.9.9M11.900 11.900l.9.9M12.800 3.200l-.9.9M4.100 11.900l-.9.9',
  moon: 'M13.500 9.500A6 6 0 0 1 6.500 2.500a6 6 0 1 0 7 7Z',
  system: 'M2.500 3h11v8h-11zM6 13.500h4',
  user: 'M8 8a2.750 2.750 0 1 0 0-5.500A2.750 2.750 0 0 0 8 8ZM2.800 13.500a5.200 5.200 0 0 1 10.400 0',
  more: 'M3.500 8h.1M8 8h.1M12.500 8h.1',
  download: 'M8 2.500v7.500M4.800 7 8 10.200 11.200 7M3 13.500h10',
  refresh: 'M13 8a5 5 0 1 1-1.500-3.600M13 2v3h-3',
  bell: 'M4 7a4 4 0 0 1 8 0c0 3.500 1.500 4.500 1.500 4.500h-11S4 10.500 4 7ZM6.800 13.700a1.300 1.300 0 0 0 2.400 0',
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({ name, className }: { name: IconName; className?: string }) {
  return (
    <svg
      viewBox="0 0 16 16"
      width="16"
      height="16"
      fill="none"
      stroke="currentColor"
      strokeWidth={name === 'more' ? 2 : 1.4}
      strokeLinecap="round"
      strokeLinejoin="round"
      aria-hidden="true"
      className={className ?? 'shrink-0'}
    >
      <path d={PATHS[name]} />
    </svg>
  );
}

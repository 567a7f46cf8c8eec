import { useEffect, useRef, useState, type Ref } from 'react';
import { countFilters, dayBefore, parseFilters, toCsvAddress, type Filters } from '../../lib/filters';
import { CHANNEL_STATUSES, CHANNELS, nameChannel, nameStatus, STATUSES } from '../../lib/names';
import { Button, buttonClass } from '../../ui/button';
import { Choice } from '../../ui/fields';
import { Icon } from '../../ui/icons';
import { Kbd } from '../../ui/marks';
import { DayField } from './day-field';

const PAUSE_MS = 200; // after a letter, before the API is asked

interface FilterBarProps {
  filters: Filters;
  onChange: (filters: Filters) => void;
  searchRef: Ref<HTMLInputElement>;
}

const name = (values: readonly string[], nameOne: (value: string) => string) => values.map((value) => ({ value, name: nameOne(value) }));
const CHANNEL_CHOICES = name(CHANNELS, nameChannel);
const STATUS_CHOICES = name(STATUSES, nameStatus);
const CHANNEL_STATUS_CHOICES = name(CHANNEL_STATUSES, nameStatus);
const PERIODS = [
  { value: '0', name: 'Today' },
  { value: '6', name: 'Last 7 days' },
  { value: '29', name: 'Last 30 days' },
  { value: 'between', name: 'Between' },
];

export function FilterBar({ filters, onChange, searchRef }: FilterBarProps) {
  const set = (some: Record<string, string>): void => {
    onChange(parseFilters({ ...filters, ...some }));
  };
  const count = countFilters(filters);
  return (
    <search className="flex shrink-0 flex-wrap items-center gap-2 border-b border-line bg-surface px-3 py-2 md:px-4" aria-label="Orders">
      <SearchField text={filters.text ?? ''} onText={(text) => set({ text })} inputRef={searchRef} />
      <div className="-mx-3 flex min-w-0 items-center gap-2 overflow-x-auto px-3 py-0.5 md:mx-0 md:flex-wrap md:overflow-visible md:px-0">
        <Choice label="Channel" all="All channels" choices={CHANNEL_CHOICES} value={filters.channel ?? ''} onChoose={(channel) => set({ channel })} className="shrink-0" />
        <Choice label="Status" all="Any status" choices={STATUS_CHOICES} value={filters.status ?? ''} onChoose={(status) => set({ status })} className="shrink-0" />
        <Choice
          label="Status at the channel"
          all="Any channel status"
          choices={CHANNEL_STATUS_CHOICES}
          value={filters.channel_status ?? ''}
          onChoose={(channel_status) => set({ channel_status })}
          className="shrink-0"
        />
        <Period filters={filters} onChange={set} />
        {count > 0 && (
          <Button look="quiet" className="px-2" onClick={() => onChange({})}>
            Clear
          </Button>
        )}
      </div>
      <a href={toCsvAddress(filters)} download className={`${buttonClass()} ml-auto max-md:hidden`} title="These orders as a CSV file">
        <Icon name="download" />
        CSV
      </a>
    </search>
  );
}

function SearchField({ text, onText, inputRef }: { text: string; onText: (text: string) => void; inputRef: Ref<HTMLInputElement> }) {
  const [written, setWritten] = useState(text);
  const told = useRef(text);
  const tell = useRef(onText);
  useEffect(() => {
    tell.current = onText;
  });
  // An address that came from elsewhere (back, a link, "Clear") has the last word.
  useEffect(() => {
    if (text !== told.current) {
      told.current = text;
      setWritten(text);
    }
  }, [text]);
  useEffect(() => {
    const timer = setTimeout(() => {
      if (written !== told.current) {
        told.current = written;
        tell.current(written);
      }
    }, PAUSE_MS);
    return () => clearTimeout(timer);
  }, [written]);
  return (
    <span className="relative w-full md:w-80">
      <span className="pointer-events-none absolute inset-y-0 left-2.5 flex items-center text-muted">
        <Icon name="search" />
      </span>
      <input
        ref={inputRef}
        type="search"
        aria-label="Search orders"
        placeholder="Number, customer, email or channel's id"
        className="field w-full pr-8 pl-8.5 [&::-webkit-search-cancel-button]:hidden"
        value={written}
        maxLength={200}
        spellCheck={false}
        onChange={(event) => setWritten(event.target.value)}
        onKeyDown={(event) => {
          if (event.key === 'Escape') {
            event.currentTarget.blur();
          }
        }}
      />
      <span className="pointer-events-none absolute inset-y-0 right-2 hidden items-center md:flex">{written === '' && <Kbd>/</Kbd>}</span>
    </span>
  );
}

function Period({ filters, onChange }: { filters: Filters; onChange: (some: Record<string, string>) => void }) {
  const [between, setBetween] = useState(false);
  const today = dayBefore(0);
  const preset = filters.to === undefined ? PERIODS.find((one) => one.value !== 'between' && dayBefore(Number(one.value)) === filters.from) : undefined;
  const isSet = filters.from !== undefined || filters.to !== undefined;
  const shown = preset === undefined && (between || isSet);
  const write = (some: Record<string, string>): void => {
    setBetween(true); // the fields stay while one of them is written anew
    onChange(some);
  };
  return (
    <>
      <Choice
        label="Placed"
        all="Any time"
        choices={PERIODS}
        value={shown ? 'between' : (preset?.value ?? '')}
        onChoose={(value) => {
          setBetween(value === 'between');
          if (value === 'between') {
            onChange({ from: filters.from ?? dayBefore(29), to: today });
          } else {
            onChange({ from: value === '' ? '' : dayBefore(Number(value)), to: '' });
          }
        }}
        className="shrink-0"
      />
      {shown && (
        <span className="flex shrink-0 items-center gap-1.5">
          <DayField label="Placed from" value={filters.from ?? ''} max={filters.to ?? today} onDay={(from) => write({ from })} />
          <span className="text-muted">to</span>
          <DayField label="Placed to" value={filters.to ?? ''} min={filters.from} onDay={(to) => write({ to })} />
        </span>
      )}
    </>
  );
}

import { useEffect, useState } from 'react';

interface DayFieldProps {
  label: string;
  /** YYYY-MM-DD, or nothing. */
  value: string;
  min?: string | undefined;
  max?: string | undefined;
  onDay: (day: string) => void;
}

/** A day. While its year is being written, "2026" is 2, 20 and 202 first: those are nobody's wish, and are not told. */
export function DayField({ label, value, min, max, onDay }: DayFieldProps) {
  const [written, setWritten] = useState(value);
  useEffect(() => {
    setWritten(value);
  }, [value]);
  return (
    <input
      type="date"
      aria-label={label}
      className="field"
      value={written}
      min={min}
      max={max}
      onChange={(event) => {
        const day = event.target.value;
        setWritten(day);
        if (!day.startsWith('0')) {
          onDay(day);
        }
      }}
      onBlur={() => setWritten(value)}
    />
  );
}

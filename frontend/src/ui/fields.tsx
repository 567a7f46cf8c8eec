import { Checkbox } from '@base-ui/react/checkbox';
import { useId, type InputHTMLAttributes, type ReactNode, type Ref, type SelectHTMLAttributes } from 'react';
import { cx } from './cx';
import { Icon } from './icons';

interface ChoiceProps extends Omit<SelectHTMLAttributes<HTMLSelectElement>, 'onChange'> {
  label: string;
  /** The first choice: none of the others. */
  all?: string;
  choices: readonly { value: string; name: string }[];
  value: string;
  onChoose: (value: string) => void;
}

/** The browser's own select: every keyboard and every phone knows it. */
export function Choice({ label, all, choices, value, onChoose, className, ...rest }: ChoiceProps) {
  return (
    <span className={cx('relative inline-flex', className)}>
      <select
        aria-label={label}
        value={value}
        onChange={(event) => {
          onChoose(event.target.value);
        }}
        className={cx('field w-full appearance-none pr-7 hover:bg-hover', value !== '' && all !== undefined && 'border-accent bg-accent-soft')}
        {...rest}
      >
        {all !== undefined && <option value="">{all}</option>}
        {choices.map((one) => (
          <option key={one.value} value={one.value}>
            {one.name}
          </option>
        ))}
      </select>
      <span className="pointer-events-none absolute inset-y-0 right-2 flex items-center text-muted">
        <Icon name="down" />
      </span>
    </span>
  );
}

interface FieldProps extends InputHTMLAttributes<HTMLInputElement> {
  label: ReactNode;
  hint?: ReactNode;
  ref?: Ref<HTMLInputElement>;
}

export function Field({ label, hint, className, ...rest }: FieldProps) {
  const id = useId();
  return (
    <div className={cx('flex flex-col gap-1', className)}>
      <label htmlFor={id} className="font-medium">
        {label}
      </label>
      <input id={id} className="field h-9" aria-describedby={hint === undefined ? undefined : `${id}-hint`} {...rest} />
      {hint !== undefined && (
        <p id={`${id}-hint`} className="text-xs text-muted">
          {hint}
        </p>
      )}
    </div>
  );
}

export function Tick({ label, checked, some = false, onChange }: { label: string; checked: boolean; some?: boolean; onChange: (checked: boolean) => void }) {
  return (
    <Checkbox.Root
      aria-label={label}
      checked={checked}
      indeterminate={some && !checked}
      tabIndex={-1}
      onCheckedChange={(next) => onChange(next)}
      className="flex size-4 cursor-pointer items-center justify-center rounded border border-strong bg-surface text-on-accent data-[checked]:border-accent data-[checked]:bg-accent data-[indeterminate]:border-accent data-[indeterminate]:bg-accent"
    >
      <Checkbox.Indicator className="flex">
        {some && !checked ? <span className="h-0.5 w-2 rounded bg-on-accent" /> : <Icon name="check" className="size-3" />}
      </Checkbox.Indicator>
    </Checkbox.Root>
  );
}

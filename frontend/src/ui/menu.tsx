import { Menu } from '@base-ui/react/menu';
import type { ReactElement, ReactNode } from 'react';
import { cx } from './cx';

const ITEM =
  'flex h-8 w-full cursor-pointer items-center gap-2 rounded-md px-2 text-sm outline-none select-none data-[highlighted]:bg-hover data-[disabled]:opacity-50';

interface DropdownProps {
  trigger: ReactElement;
  label: ReactNode;
  children: ReactNode;
  open?: boolean;
  onOpenChange?: (open: boolean) => void;
  side?: 'top' | 'bottom';
}

export function Dropdown({ trigger, label, children, open, onOpenChange, side = 'bottom' }: DropdownProps) {
  const control = { ...(open === undefined ? {} : { open }), ...(onOpenChange ? { onOpenChange: (next: boolean) => onOpenChange(next) } : {}) };
  return (
    <Menu.Root modal={false} {...control}>
      <Menu.Trigger render={trigger}>{label}</Menu.Trigger>
      <Menu.Portal>
        <Menu.Positioner sideOffset={4} align="end" side={side} className="z-50 outline-none">
          <Menu.Popup className="min-w-44 rounded-lg border border-line bg-raised p-1 shadow-xl outline-none">{children}</Menu.Popup>
        </Menu.Positioner>
      </Menu.Portal>
    </Menu.Root>
  );
}

export function DropdownItem({ onSelect, children, danger = false }: { onSelect: () => void; children: ReactNode; danger?: boolean }) {
  return (
    <Menu.Item className={cx(ITEM, danger && 'text-bad')} onClick={onSelect}>
      {children}
    </Menu.Item>
  );
}

export function DropdownLink({ href, children }: { href: string; children: ReactNode }) {
  return (
    <Menu.Item className={ITEM} nativeButton={false} render={<a href={href}>{children}</a>}>
      {children}
    </Menu.Item>
  );
}

export function DropdownLine() {
  return <Menu.Separator className="mx-1 my-1 h-px bg-line" />;
}

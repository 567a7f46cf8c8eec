import { Dialog } from '@base-ui/react/dialog';
import type { ReactNode } from 'react';
import { Button } from './button';
import { cx } from './cx';
import { Icon } from './icons';

interface ModalProps {
  open: boolean;
  onClose: () => void;
  title: ReactNode;
  description?: ReactNode;
  wide?: boolean;
  children: ReactNode;
  /** The buttons, at the right; the last one is the main one. */
  actions?: ReactNode;
}

const BACKDROP = 'fixed inset-0 z-40 bg-shade transition-opacity duration-100 data-[ending-style]:opacity-0 data-[starting-style]:opacity-0';
const POPUP =
  'fixed z-50 flex flex-col border border-line bg-raised shadow-xl outline-none transition-[opacity,translate] duration-100 ' +
  'data-[ending-style]:opacity-0 data-[starting-style]:opacity-0 ' +
  'inset-x-0 bottom-0 max-h-[92dvh] rounded-t-xl md:inset-x-auto md:bottom-auto md:left-1/2 md:top-[12dvh] md:max-h-[78dvh] md:-translate-x-1/2 md:rounded-xl';

/** A dialog in the middle; on a phone, a sheet from below. */
export function Modal({ open, onClose, title, description, wide = false, children, actions }: ModalProps) {
  return (
    <Dialog.Root
      open={open}
      onOpenChange={(next) => {
        if (!next) {
          onClose();
        }
      }}
    >
      <Dialog.Portal>
        <Dialog.Backdrop className={BACKDROP} />
        <Dialog.Popup className={cx(POPUP, wide ? 'md:w-[46rem]' : 'md:w-[30rem]')}>
          <div className="flex items-start gap-3 px-4 pt-4 md:px-5">
            <div className="min-w-0 flex-1">
              <Dialog.Title className="text-lg font-semibold">{title}</Dialog.Title>
              {description !== undefined && <Dialog.Description className="mt-0.5 text-muted">{description}</Dialog.Description>}
            </div>
            <Dialog.Close render={<Button look="quiet" small aria-label="Close" className="-mr-1" />}>
              <Icon name="close" />
            </Dialog.Close>
          </div>
          <div className="min-h-0 flex-1 overflow-y-auto px-4 py-4 md:px-5">{children}</div>
          {actions !== undefined && <div className="flex flex-wrap justify-end gap-2 border-t border-line px-4 py-3 md:px-5">{actions}</div>}
        </Dialog.Popup>
      </Dialog.Portal>
    </Dialog.Root>
  );
}

import { Toast } from '@base-ui/react/toast';
import { cx } from './cx';
import { Button } from './button';
import { Icon } from './icons';

const manager = Toast.createToastManager();

/** Tell something that happened, for a few seconds; failures stay until they are closed. */
export function tell(title: string, options: { detail?: string; failed?: boolean } = {}): void {
  manager.add({
    title,
    ...(options.detail === undefined ? {} : { description: options.detail }),
    type: options.failed === true ? 'failed' : 'done',
    timeout: options.failed === true ? 0 : 4000,
    priority: options.failed === true ? 'high' : 'low',
  });
}

function List() {
  const { toasts } = Toast.useToastManager();
  return toasts.map((toast) => (
    <Toast.Root
      key={toast.id}
      toast={toast}
      className={cx(
        'flex items-start gap-2 rounded-lg border bg-raised px-3 py-2.5 shadow-lg transition-opacity duration-150',
        'data-[ending-style]:opacity-0 data-[starting-style]:opacity-0',
        toast.type === 'failed' ? 'border-bad' : 'border-line',
      )}
    >
      <span className={cx('mt-0.5', toast.type === 'failed' ? 'text-bad' : 'text-ok')}>
        <Icon name={toast.type === 'failed' ? 'quarantine' : 'check'} />
      </span>
      <Toast.Content className="min-w-0 flex-1">
        <Toast.Title className="font-medium" render={<p />} />
        <Toast.Description className="text-muted" />
      </Toast.Content>
      <Toast.Close render={<Button look="quiet" small aria-label="Close" className="-mt-1 -mr-1.5" />}>
        <Icon name="close" />
      </Toast.Close>
    </Toast.Root>
  ));
}

export function Toasts() {
  return (
    <Toast.Provider toastManager={manager} limit={4}>
      <Toast.Portal>
        <Toast.Viewport className="fixed inset-x-3 bottom-16 z-[60] mx-auto flex max-w-sm flex-col gap-2 md:inset-x-auto md:right-4 md:bottom-4 md:w-88">
          <List />
        </Toast.Viewport>
      </Toast.Portal>
    </Toast.Provider>
  );
}

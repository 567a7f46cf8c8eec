import { Dialog } from '@base-ui/react/dialog';
import { useSession } from '../api/session';
import { sessionEnded } from '../api/session-state';
import { useStore } from '../lib/store';
import { LoginForm } from './login-form';

function goOn(isOther: boolean): void {
  if (isOther) {
    window.location.reload(); // the cover stays until all that the last person saw is gone
  } else {
    sessionEnded.set(false);
  }
}

/**
 * The session has ended: log in over the page, which stays as it is, with all that was written into it.
 * The backdrop covers it wholly: whoever comes to a screen that was left alone sees no customer.
 */
export function LogInAgain() {
  const ended = useStore(sessionEnded);
  const session = useSession();
  return (
    <Dialog.Root open={ended} disablePointerDismissal onOpenChange={() => undefined}>
      <Dialog.Portal>
        <Dialog.Backdrop className="fixed inset-0 z-[70] bg-page" />
        <Dialog.Popup className="fixed inset-x-4 top-[16dvh] z-[71] mx-auto max-w-88 rounded-xl border border-line bg-raised p-5 shadow-xl outline-none">
          <Dialog.Title className="text-lg font-semibold">Your session has ended</Dialog.Title>
          <Dialog.Description className="mt-0.5 mb-4 text-muted">Log in again, and go on where you were. Nothing you wrote is lost.</Dialog.Description>
          {session !== null && <LoginForm email={session.user.email} onDone={goOn} />}
        </Dialog.Popup>
      </Dialog.Portal>
    </Dialog.Root>
  );
}

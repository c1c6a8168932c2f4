import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";

/** Asks before something is done that others will feel; says why if it could not be done. */
export function ConfirmDialog(props: {
  title: string;
  children: ComponentChildren;
  /** The verb on the button. */
  verb: string;
  dangerous?: boolean;
  act: () => Promise<unknown>;
  close: () => void;
}) {
  const { title, children, verb, dangerous = false, act, close } = props;
  const dialog = useRef<HTMLDialogElement>(null);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<string | null>(null);

  useEffect(() => dialog.current?.showModal(), []);

  const confirm = async () => {
    setBusy(true);
    setError(null);
    try {
      await act();
      close();
    } catch (caught) {
      setError((caught as Error).message);
      setBusy(false);
    }
  };

  return (
    <dialog ref={dialog} class="dialog" onClose={close} aria-labelledby="dialog-title">
      <h2 id="dialog-title">{title}</h2>
      <div class="dialog-text">{children}</div>
      {error && (
        <p class="field-error" role="alert">
          {error}
        </p>
      )}
      <div class="buttons">
        <button type="button" class="button" onClick={() => dialog.current?.close()}>
          Leave it as it is
        </button>
        <button
          type="button"
          class={dangerous ? "button button-danger" : "button button-primary"}
          disabled={busy}
          onClick={() => void confirm()}
        >
          {verb}
        </button>
      </div>
    </dialog>
  );
}

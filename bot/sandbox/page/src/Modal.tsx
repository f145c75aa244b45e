import { type ReactNode, useEffect, useRef } from "react";

/** A window above all else. The browser keeps the focus inside, and Escape closes it. */
export function Modal({ title, alert, testId, close, children }: {
  title: string;
  alert?: boolean;
  testId?: string;
  close: () => void;
  children: ReactNode;
}) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => dialog.current?.showModal(), []);
  return (
    <dialog
      ref={dialog}
      role={alert ? "alertdialog" : "dialog"}
      aria-label={title}
      data-testid={testId}
      onCancel={(event) => { event.preventDefault(); close(); }}
      onClick={(event) => event.target === dialog.current && close()}
    >
      <div className="sheet">{children}</div>
    </dialog>
  );
}

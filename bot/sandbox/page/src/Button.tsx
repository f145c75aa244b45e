import { useState } from "react";
import { Modal } from "./Modal";
import { Link, Mrkdwn } from "./mrkdwn";
import type { Confirm, Element, Names, Press } from "./types";

/** A button of a message or a view: a link, or an action that may ask back first. */
export function Button({ element, block, press, names }: {
  element: Element;
  block: { block_id: string };
  press: Press;
  names: Names;
}) {
  const [asking, setAsking] = useState(false);
  const { type, action_id, value, text, style, url, confirm } = element;
  const send = () => press({ type, action_id, block_id: block.block_id, value, text });
  const className = `button ${style ?? ""}`;
  const testId = `button-${action_id}`;
  if (url) {
    return <Link href={url} className={className} testId={testId} onClick={send}>{text.text}</Link>;
  }
  return (
    <>
      <button type="button" className={className} data-testid={testId}
              onClick={() => (confirm ? setAsking(true) : send())}>
        {text.text}
      </button>
      {asking && confirm && (
        <AskBack confirm={confirm} names={names} close={() => setAsking(false)} yes={send} />
      )}
    </>
  );
}

function AskBack({ confirm, names, close, yes }: {
  confirm: Confirm;
  names: Names;
  close: () => void;
  yes: () => void;
}) {
  return (
    <Modal title={confirm.title.text} alert close={close}>
      <h2>{confirm.title.text}</h2>
      <p><Mrkdwn text={confirm.text.text} names={names} /></p>
      <footer>
        <button type="button" className="button" data-testid="confirm-cancel" onClick={close}>
          {confirm.deny.text}
        </button>
        <button type="button" className={`button filled ${confirm.style ?? "primary"}`} data-testid="confirm-ok"
                autoFocus onClick={() => { close(); yes(); }}>
          {confirm.confirm.text}
        </button>
      </footer>
    </Modal>
  );
}

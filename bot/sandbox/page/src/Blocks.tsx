import { useState } from "react";
import { Message as PassiveBlocks } from "slack-blocks-to-jsx";
import type { Block, Element, Press, Snapshot } from "./types";

type Passive = Parameters<typeof PassiveBlocks>[0]["blocks"];

/**
 * Renders blocks. The library draws everything that is only looked at; buttons are ours, since it
 * has no way to hear of a press.
 */
export function Blocks({ blocks, names, press }: { blocks: Block[]; names: Snapshot["names"]; press: Press }) {
  return (
    <>
      {blocks.map((block, index) =>
        block.type === "actions" ? (
          <div className="actions" key={index}>
            {block.elements?.map((element) => (
              <Button key={element.action_id} element={element} block={block} press={press} />
            ))}
          </div>
        ) : (
          <PassiveBlocks
            key={index}
            blocks={[block] as Passive}
            logo=""
            name=""
            theme="light"
            withoutWrapper
            hooks={{ user: (user) => <Mention id={user.id} names={names} />, link: Link }}
          />
        ),
      )}
    </>
  );
}

function Mention({ id, names }: { id: string; names: Snapshot["names"] }) {
  return <span className="mention">@{names[id] ?? id}</span>;
}

/** A link; one to a splat can be found by the tests. */
function Link({ href, children }: { href: string; children: React.ReactNode }) {
  return (
    <a href={href} target="_blank" rel="noreferrer" data-testid={testIdOf(href)}>
      {children}
    </a>
  );
}

function testIdOf(href: string): string | undefined {
  return href.includes("/viewer/?manifest=") ? "viewer-link" : undefined;
}

function Button({ element, block, press }: { element: Element; block: Block; press: Press }) {
  const [asking, setAsking] = useState(false);
  const send = () =>
    press({
      type: element.type,
      action_id: element.action_id,
      block_id: block.block_id ?? "",
      value: element.value,
      text: element.text,
    });
  const className = `button ${element.style ?? ""}`;
  if (element.url) {
    return (
      <a className={className} href={element.url} target="_blank" rel="noreferrer" onClick={send}
         data-testid={testIdOf(element.url) ?? `button-${element.action_id}`}>
        {element.text?.text}
      </a>
    );
  }
  return (
    <>
      <button className={className} data-testid={`button-${element.action_id}`}
              onClick={() => (element.confirm ? setAsking(true) : send())}>
        {element.text?.text}
      </button>
      {asking && element.confirm && (
        <Confirm element={element} close={() => setAsking(false)} yes={send} />
      )}
    </>
  );
}

function Confirm({ element, close, yes }: { element: Element; close: () => void; yes: () => void }) {
  const confirm = element.confirm;
  if (!confirm) return null;
  return (
    <div className="backdrop" onKeyDown={(event) => event.key === "Escape" && close()}>
      <div className="dialog" role="alertdialog" aria-label={confirm.title.text}>
        <h2>{confirm.title.text}</h2>
        <p>{confirm.text.text}</p>
        <footer>
          <button className="button" data-testid="confirm-cancel" onClick={close}>
            {confirm.deny.text}
          </button>
          <button className="button danger" data-testid="confirm-ok" autoFocus
                  onClick={() => { close(); yes(); }}>
            {confirm.confirm.text}
          </button>
        </footer>
      </div>
    </div>
  );
}

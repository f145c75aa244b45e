import { useState } from "react";
import { act } from "./api";

const COMMANDS = [
  ["/splat <photos> [splat|aerial]", "make a splat"],
  ["/splat", "choose in a dialog"],
  ["/splat datasets", "which photos are there"],
  ["/splat status", "how the job stands"],
  ["/splat list", "the newest jobs"],
  ["/splat cancel", "stop the job"],
  ["/splat help", "everything else"],
] as const;

/** The message box. `thread` is the time stamp of the thread that it writes into. */
export function Composer({ thread, placeholder }: { thread?: string; placeholder: string }) {
  const [text, setText] = useState("");
  const send = () => {
    if (!text.trim()) return;
    void act("type", thread ? { text, thread_ts: thread } : { text });
    setText("");
  };
  const hints = text.startsWith("/") ? COMMANDS.filter(([command]) => command.startsWith(text.slice(0, 6))) : [];
  return (
    <div className="composer">
      {hints.length > 0 && !thread && (
        <ul className="hints" aria-label="Commands">
          {hints.map(([command, meaning]) => (
            <li key={command}><code>{command}</code> {meaning}</li>
          ))}
        </ul>
      )}
      <input
        aria-label={placeholder}
        data-testid={thread ? "thread-input" : "message-input"}
        placeholder={placeholder}
        value={text}
        onChange={(event) => setText(event.target.value)}
        onKeyDown={(event) => event.key === "Enter" && send()}
      />
      <button className="button primary" data-testid={thread ? "thread-send" : "send"} onClick={send}>Send</button>
    </div>
  );
}

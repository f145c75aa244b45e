import { type DragEvent, type KeyboardEvent, useRef, useState } from "react";
import { act, share } from "./api";
import { AttachIcon, CloseIcon, FileIcon, SendIcon } from "./icons";

const COMMANDS = [
  { fill: "/splat ", shape: "/splat <photos> [splat|aerial]", meaning: "Make a splat" },
  { fill: "/splat", shape: "/splat", meaning: "Make a splat, in a dialog" },
  { fill: "/splat upload ", shape: "/splat upload [name]", meaning: "A page for many photos" },
  { fill: "/splat datasets", shape: "/splat datasets", meaning: "Which photos are there" },
  { fill: "/splat status", shape: "/splat status [job]", meaning: "How a job stands" },
  { fill: "/splat list", shape: "/splat list", meaning: "The newest jobs" },
  { fill: "/splat cancel ", shape: "/splat cancel [job]", meaning: "Stop a job" },
  { fill: "/splat help", shape: "/splat help", meaning: "Everything else" },
];

/** Milliseconds in which a pressed suggestion can be read in the box before it goes. */
const READ = 350;

/** The message box. `thread` is the time stamp of the thread that it writes into. */
export function Composer({ channel, thread, placeholder, suggestion, onSent }: {
  channel: string;
  thread?: string;
  placeholder: string;
  suggestion?: string | undefined;
  onSent: (words: string) => void;
}) {
  const [text, setText] = useState("");
  const [at, setAt] = useState(-1);
  const [files, setFiles] = useState<readonly File[]>([]);
  const picker = useRef<HTMLInputElement>(null);
  const hints = thread ? [] : matching(text);
  const edit = (value: string) => { setText(value); setAt(-1); };
  const send = (words = text) => {
    if (!words.trim() && !files.length) return;
    const body = thread ? { text: words, thread_ts: thread, channel } : { text: words, channel };
    const sent: Promise<unknown> = files.length ? share(files, words, channel, thread) : act("type", body);
    edit("");
    setFiles([]);
    // The sandbox does not answer, which the page says above: nothing that was typed is lost.
    sent.catch(() => { setText((newer) => newer || words); setFiles((newer) => (newer.length ? newer : files)); });
    onSent(words);
  };
  const attach = (more: FileList | null) => setFiles((old) => [...old, ...(more ?? [])]);
  const drop = (event: DragEvent) => { event.preventDefault(); attach(event.dataTransfer.files); };
  const suggest = (words: string) => { edit(words); setTimeout(() => send(words), READ); };
  const onKey = (event: KeyboardEvent) => {
    const hint = hints[at];
    if (event.key === "Enter" && !event.shiftKey && !event.nativeEvent.isComposing) hint ? edit(hint.fill) : send();
    else if (event.key === "Tab" && hints.length && !event.shiftKey) edit((hint ?? hints[0])?.fill ?? text);
    else if (event.key === "ArrowDown" && hints.length) setAt((at + 1) % hints.length);
    else if (event.key === "ArrowUp" && hints.length) setAt((at <= 0 ? hints.length : at) - 1);
    else return;
    event.preventDefault();
  };
  return (
    <div className="composer" onDragOver={(event) => event.preventDefault()} onDrop={drop}>
      {hints.length > 0 && (
        <ul className="popup" role="listbox" aria-label="Commands">
          {hints.map((hint, place) => (
            <li key={hint.shape} role="option" aria-selected={place === at}
                onMouseDown={(event) => { event.preventDefault(); edit(hint.fill); }}>
              <code>{hint.shape}</code> <span>{hint.meaning}</span>
            </li>
          ))}
        </ul>
      )}
      {suggestion && (
        <button type="button" className="suggestion" data-testid="suggestion" onClick={() => suggest(suggestion)}>
          <span>Try</span> <code>{suggestion}</code>
        </button>
      )}
      {files.length > 0 && (
        <ul className="attached" aria-label="Files to send">
          {files.map((file, place) => (
            <li key={place}>
              <FileIcon /> {file.name}
              <button type="button" aria-label={`Leave out ${file.name}`}
                      onClick={() => setFiles(files.filter((_, other) => other !== place))}>
                <CloseIcon />
              </button>
            </li>
          ))}
        </ul>
      )}
      <div className="box">
        <input ref={picker} type="file" multiple hidden data-testid={thread ? "thread-files" : "files"}
               onChange={(event) => { attach(event.target.files); event.target.value = ""; }} />
        <button type="button" className="attach" aria-label="Attach files" onClick={() => picker.current?.click()}>
          <AttachIcon />
        </button>
        <textarea aria-label={placeholder} data-testid={thread ? "thread-input" : "message-input"} rows={1}
                  placeholder={placeholder} value={text} onKeyDown={onKey} autoFocus={!thread}
                  onChange={(event) => edit(event.target.value)} />
        <button type="button" className="send" data-testid={thread ? "thread-send" : "send"} aria-label="Send"
                disabled={!text.trim() && !files.length} onClick={() => send()}>
          <SendIcon />
        </button>
      </div>
    </div>
  );
}

/** The commands that may still come of what is typed. */
function matching(text: string) {
  const typed = text.trimEnd();
  if (!typed.startsWith("/")) return [];
  const matches = COMMANDS.filter(({ fill }) => fill.startsWith(typed));
  return matches.some(({ fill }) => fill === typed && fill !== "/splat") ? [] : matches;
}

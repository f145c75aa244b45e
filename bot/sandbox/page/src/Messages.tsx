import { useEffect, useRef } from "react";
import { act } from "./api";
import { Blocks } from "./Blocks";
import type { Message, Snapshot } from "./types";

/** A list of messages that stays at its end while new ones come. */
export function MessageList({ messages, all, openThread }: {
  messages: Message[];
  all: Snapshot;
  openThread?: (ts: string) => void;
}) {
  const end = useRef<HTMLDivElement>(null);
  useEffect(() => {
    end.current?.scrollIntoView({ block: "end" });
  }, [messages.length]);
  return (
    <div className="messages" role="log" aria-live="polite">
      {messages.map((message) => (
        <MessageRow key={message.ts} message={message} all={all} openThread={openThread} />
      ))}
      <div ref={end} />
    </div>
  );
}

function MessageRow({ message, all, openThread }: {
  message: Message;
  all: Snapshot;
  openThread?: (ts: string) => void;
}) {
  const replies = all.messages.filter((m) => m.thread_ts === message.ts && !m.visible_to);
  const isBot = message.user === all.bot;
  const name = isBot ? "Splatbot" : message.user === all.person ? "you" : "Slackbot";
  const time = new Date(Number(message.ts) * 1000);
  return (
    <article className={message.visible_to ? "message ephemeral" : "message"} data-testid="message">
      <div className={`avatar ${isBot ? "bot" : name}`} aria-hidden>{isBot ? "◉" : name[0]}</div>
      <div className="body">
        {message.visible_to && (
          <p className="note">
            Only visible to you
            <button className="plain" onClick={() => void act("dismiss", { ts: message.ts })}>Dismiss</button>
          </p>
        )}
        <p className="who">
          <b>{name}</b> {isBot && <span className="tag">APP</span>}
          <time>{time.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" })}</time>
        </p>
        <Blocks
          blocks={message.blocks.length ? message.blocks : asBlocks(message.text)}
          names={all.names}
          press={(action) => void act("press", { ts: message.ts, action })}
        />
        {message.files.map((file) => (
          <figure key={file.id}>
            <figcaption>{file.title}</figcaption>
            <a href={file.url} target="_blank" rel="noreferrer"><img src={file.url} alt={file.title} /></a>
          </figure>
        ))}
        {openThread && replies.length > 0 && (
          <button className="plain thread" data-testid="thread-open" onClick={() => openThread(message.ts)}>
            {replies.length} {replies.length === 1 ? "reply" : "replies"}
          </button>
        )}
      </div>
    </article>
  );
}

/** A message without blocks is shown as Slack does: its text as mrkdwn. */
function asBlocks(text: string): Message["blocks"] {
  if (!text) return [];
  return [{ type: "section", text: { type: "mrkdwn", text } } as Message["blocks"][number]];
}

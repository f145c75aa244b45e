import { type ReactNode, useEffect, useRef } from "react";
import { act } from "./api";
import { Blocks, Entity, Picture } from "./Blocks";
import { BotFace, Emoji, EyeIcon, FileIcon } from "./icons";
import { clock, day, Mrkdwn } from "./mrkdwn";
import type { Message, Snapshot } from "./types";

/** Seconds within which messages of one author stand together under one name. */
const TOGETHER = 300;

/** Pixels from its end at which a list still counts as being at its end. */
const NEAR = 80;

/**
 * A list of messages that stays at its end while new ones and their pictures come. `sent` counts what the person
 * has sent here: who sends wants to see the answer, and so goes to the end.
 */
export function MessageList({ messages, all, openThread, intro, afterFirst, sent }: {
  messages: Message[];
  all: Snapshot;
  openThread?: (ts: string) => void;
  intro?: ReactNode;
  afterFirst?: ReactNode;
  sent: number;
}) {
  const list = useRef<HTMLDivElement>(null);
  const content = useRef<HTMLDivElement>(null);
  useEffect(() => stayAtEnd(list.current, content.current), []);
  useEffect(() => { if (sent) list.current?.scrollTo(0, list.current.scrollHeight); }, [sent]);
  return (
    <div className="messages" role="log" aria-live="polite" ref={list} tabIndex={0} aria-label="Messages">
      <div ref={content}>
        {intro}
        {messages.map((message, place) => (
          <div key={message.ts}>
            <MessageRow message={message} all={all} openThread={openThread}
                        isContinued={place > (afterFirst ? 1 : 0) && continues(messages[place - 1], message)} />
            {place === 0 && afterFirst}
          </div>
        ))}
      </div>
    </div>
  );
}

/** Scroll to the end whenever the content grows, unless the person has scrolled up. */
function stayAtEnd(list: HTMLElement | null, content: HTMLElement | null): (() => void) | undefined {
  if (!list || !content) return undefined;
  let [isAtEnd, top] = [true, 0];
  const note = () => {
    const isNear = list.scrollHeight - list.scrollTop - list.clientHeight < NEAR;
    // Content that grows also leaves its end below; only who scrolls up wants to stay there.
    isAtEnd = isNear || (isAtEnd && list.scrollTop >= top);
    top = list.scrollTop;
    // The browser holds what is in view where it is: that would lift the list off its end.
    list.style.overflowAnchor = isAtEnd ? "none" : "auto";
  };
  note();
  const observer = new ResizeObserver(() => { if (isAtEnd) list.scrollTop = list.scrollHeight; });
  list.addEventListener("scroll", note, { passive: true });
  observer.observe(content);
  observer.observe(list);
  return () => { observer.disconnect(); list.removeEventListener("scroll", note); };
}

function continues(before: Message | undefined, message: Message): boolean {
  if (!before || before.visible_to !== message.visible_to || before.user !== message.user) return false;
  return Number(message.ts) - Number(before.ts) < TOGETHER;
}

function MessageRow({ message, all, openThread, isContinued }: {
  message: Message;
  all: Snapshot;
  openThread: ((ts: string) => void) | undefined;
  isContinued: boolean;
}) {
  const replies = all.messages.filter((m) => m.thread_ts === message.ts && !m.visible_to);
  const isBot = message.user === all.bot;
  const name = isBot ? "Splatbot" : message.user === all.person ? "You" : "Slackbot";
  const kind = `message ${message.visible_to ? "ephemeral" : ""} ${isContinued ? "continued" : ""}`;
  return (
    <article className={kind} data-testid="message">
      {isContinued ? <Time ts={message.ts} /> : <Avatar name={name} />}
      <div className="body">
        {message.visible_to && <OnlyYou ts={message.ts} />}
        {!isContinued && (
          <p className="who">
            <b>{name}</b> {name !== "You" && <span className="tag">APP</span>} <Time ts={message.ts} />
          </p>
        )}
        <Content message={message} all={all} />
        {!isBot && message.files.length > 0 && <Shortcuts ts={message.ts} all={all} />}
        {openThread && replies.length > 0 && (
          <button type="button" className="replies" data-testid="thread-open" onClick={() => openThread(message.ts)}>
            <Avatar name="Splatbot" /> <b>{count(replies.length)}</b>
            <span>Last reply at <Time ts={replies.at(-1)?.ts ?? message.ts} /></span>
          </button>
        )}
      </div>
    </article>
  );
}

function Content({ message, all }: { message: Message; all: Snapshot }) {
  return (
    <>
      {message.blocks.length > 0 ? (
        <Blocks blocks={message.blocks} names={all.names}
                press={(action) => void act("press", { ts: message.ts, action })} />
      ) : (
        message.text && <p><Mrkdwn text={message.text} names={all.names} />{message.edited && <small> (edited)</small>}</p>
      )}
      {message.files.length > 0 && (
        <div className={message.files.length > 1 ? "files many" : "files"}>
          {message.files.map((file) => <Attached key={file.id} file={file} />)}
        </div>
      )}
      {message.unfurls.map((unfurl, place) => (
        <div className="unfurl" key={place}>
          {unfurl.entity && <Entity entity={unfurl.entity} />}
          {unfurl.blocks && <Blocks blocks={unfurl.blocks} names={all.names} press={() => undefined} />}
        </div>
      ))}
      {message.reactions.length > 0 && (
        <p className="reactions">{message.reactions.map((name) => <span key={name}><Emoji name={name} /> 1</span>)}</p>
      )}
    </>
  );
}

/** A picture, or the name of a file that is none. */
function Attached({ file }: { file: Message["files"][number] }) {
  if (file.is_picture) return <Picture url={file.url} alt={file.title} title={file.title} />;
  return <a className="file" href={file.url} download={file.title}><FileIcon /> {file.title}</a>;
}

/** The bot's shortcuts on a message with files. */
function Shortcuts({ ts, all }: { ts: string; all: Snapshot }) {
  return (
    <div className="shortcuts">
      {all.shortcuts.map(({ callback_id, name }) => (
        <button key={callback_id} type="button" data-testid={`shortcut-${callback_id}`}
                onClick={() => void act("shortcut", { ts, callback_id })}>
          <span className="avatar"><BotFace /></span> {name}
        </button>
      ))}
    </div>
  );
}

function OnlyYou({ ts }: { ts: string }) {
  return (
    <p className="note">
      <EyeIcon /> Only visible to you ·{" "}
      <button type="button" className="plain" data-testid="dismiss" onClick={() => void act("dismiss", { ts })}>Dismiss</button>
    </p>
  );
}

function Avatar({ name }: { name: string }) {
  if (name === "Splatbot") return <div className="avatar" aria-hidden><BotFace /></div>;
  return <div className={`avatar ${name}`} aria-hidden>{name[0]}</div>;
}

function Time({ ts }: { ts: string }) {
  const when = new Date(Number(ts) * 1000);
  return (
    <time dateTime={when.toISOString()} title={`${day(when)} ${clock(when)}`}>
      {clock(when)}
    </time>
  );
}

/** "1 reply", "2 replies". */
export function count(replies: number): string {
  return `${replies} ${replies === 1 ? "reply" : "replies"}`;
}

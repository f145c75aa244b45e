import type { ReactNode } from "react";
import { Emoji } from "./icons";
import type { Names } from "./types";

/** Slack's own markup; see docs.slack.dev/messaging/formatting-message-text. */
const MARKUP = new RegExp(
  [
    "```\\n?(?<block>[\\s\\S]+?)\\n?```",
    "`(?<code>[^`\\n]+)`",
    "<(?<angle>[^<>\\n]+)>",
    "(?<address>https?://[^\\s<>|]*[^\\s<>|.,;:!?)'\"*_~])",
    "(?<![\\w*])\\*(?<bold>\\S(?:[^*\\n]*?\\S)?)\\*(?![\\w*])",
    "(?<![\\w_])_(?<italic>\\S(?:[^_\\n]*?\\S)?)_(?![\\w_])",
    "(?<![\\w~])~(?<strike>\\S(?:[^~\\n]*?\\S)?)~(?![\\w~])",
    ":(?<emoji>[a-z0-9_+-]+):",
    "(?<newline>\\n)",
  ].join("|"),
  "g",
);

/** A text in Slack's markup. */
export function Mrkdwn({ text, names }: { text: string; names: Names }) {
  return <>{rendered(text, names)}</>;
}

function rendered(text: string, names: Names): ReactNode[] {
  const nodes: ReactNode[] = [];
  let end = 0;
  for (const match of text.matchAll(MARKUP)) {
    nodes.push(unescaped(text.slice(end, match.index)));
    nodes.push(<Marked key={match.index} found={match.groups ?? {}} names={names} />);
    end = match.index + match[0].length;
  }
  return [...nodes, unescaped(text.slice(end))];
}

function Marked({ found, names }: { found: Record<string, string | undefined>; names: Names }) {
  if (found["block"]) return <pre>{unescaped(found["block"])}</pre>;
  if (found["code"]) return <code>{unescaped(found["code"])}</code>;
  if (found["bold"]) return <b>{rendered(found["bold"], names)}</b>;
  if (found["italic"]) return <i>{rendered(found["italic"], names)}</i>;
  if (found["strike"]) return <s>{rendered(found["strike"], names)}</s>;
  if (found["emoji"]) return <Emoji name={found["emoji"]} />;
  if (found["address"]) return <Link href={unescaped(found["address"])}>{unescaped(found["address"])}</Link>;
  if (found["angle"]) return <Angle inside={found["angle"]} names={names} />;
  return <br />;
}

/** The hours and minutes of a moment, alike wherever the page says a time. */
export function clock(when: Date): string {
  return when.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
}

/** The day of a moment. */
export function day(when: Date): string {
  return when.toLocaleDateString([], { year: "numeric", month: "short", day: "numeric" });
}

/** A moment in the reader's own time zone: `!date^1795271520^{date_short} {time}`. */
function moment(target: string): string | undefined {
  const [, seconds = "", format = ""] = target.split("^");
  const when = new Date(Number(seconds) * 1000);
  if (Number.isNaN(when.getTime())) return undefined;
  return format
    .replaceAll("{date_short}", day(when))
    .replaceAll("{time}", clock(when));
}

/** What stands in angle brackets: a person, a channel, a moment, or a link with or without words. */
function Angle({ inside, names }: { inside: string; names: Names }) {
  const [target = "", words] = inside.split("|", 2);
  if (target.startsWith("@")) return <span className="mention">@{names[target.slice(1)] ?? words ?? target.slice(1)}</span>;
  if (target.startsWith("#")) return <span className="mention">#{words ?? "splats"}</span>;
  if (target.startsWith("!date^")) return <>{moment(target) ?? words}</>;
  if (target.startsWith("!")) return <span className="mention">@{target.slice(1)}</span>;
  return <Link href={unescaped(target)}>{unescaped(words ?? target)}</Link>;
}

/** A link in a new tab; one to a splat can be found by the tests. */
export function Link({ href, className, testId, onClick, children }: {
  href: string;
  className?: string;
  testId?: string;
  onClick?: () => void;
  children: ReactNode;
}) {
  const isViewer = href.includes("/viewer/?manifest=");
  if (!/^(https?|mailto):/.test(href)) return <>{children}</>;
  return (
    <a href={href} className={className} target="_blank" rel="noopener noreferrer" onClick={onClick}
       data-testid={isViewer ? "viewer-link" : testId}>
      {children}
    </a>
  );
}

function unescaped(text: string): string {
  return text.replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&amp;", "&");
}

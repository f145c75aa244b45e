import { type ComponentProps, useState } from "react";
import { act, useSnapshot } from "./api";
import { Blocks } from "./Blocks";
import { Composer } from "./Composer";
import { Dialog } from "./Dialog";
import { BotFace, CloseIcon } from "./icons";
import { count, MessageList } from "./Messages";
import type { Message, Snapshot } from "./types";


type Place = "channel" | "home" | "direct";

/** A calm look-alike of Slack: one channel, one app, one person. */
export function App() {
  const { all, isConnected } = useSnapshot();
  const [place, setPlace] = useState<Place>("channel");
  const [thread, setThread] = useState<string | null>(null);
  const go = (to: Place) => {
    setPlace(to);
    setThread(null);
    if (to === "home") void act("open_home");
  };
  const first = all?.messages.find((message) => message.ts === thread);
  return (
    <>
      <p className="banner" role="status">
        {isConnected || !all
          ? <><b>Sandbox:</b> a Slack look-alike on this machine. Nothing leaves it.</>
          : <><b>The sandbox does not answer.</b> This page connects again by itself.</>}
      </p>
      <div className={first ? "workspace with-thread" : "workspace"}>
        <Sidebar place={place} go={go} />
        {all && place === "channel" && <Channel all={all} openThread={setThread} />}
        {all && place !== "channel" && <Bot all={all} place={place} go={go} openThread={setThread} />}
        {all && first && <Thread key={first.ts} all={all} first={first} close={() => setThread(null)} />}
      </div>
      {all?.modal && <Dialog key={all.modal.id} view={all.modal} errors={all.modal_errors} names={all.names} />}
    </>
  );
}

function Sidebar({ place, go }: { place: Place; go: (to: Place) => void }) {
  const here = (is: boolean) => (is ? "page" : undefined);
  return (
    <nav aria-label="Workspace">
      <h1>Sandbox</h1>
      <h2>Channels</h2>
      <button type="button" aria-current={here(place === "channel")} data-testid="channel-tab" onClick={() => go("channel")}>
        <span className="hash">#</span> splats
      </button>
      <h2>Apps</h2>
      <button type="button" aria-current={here(place !== "channel")} data-testid="home-tab" onClick={() => go("home")}>
        <span className="avatar"><BotFace /></span> Splatbot
      </button>
    </nav>
  );
}

type Conversed = Omit<ComponentProps<typeof MessageList>, "sent"> & Omit<ComponentProps<typeof Composer>, "onSent">;

/** Messages and the box below them. `onSent` hears what the person has sent there. */
function Conversation({ onSent, ...props }: Conversed & { onSent?: (words: string) => void }) {
  const [sent, setSent] = useState(0);
  const hear = (words: string) => { setSent(sent + 1); onSent?.(words); };
  return <><MessageList {...props} sent={sent} /><Composer {...props} onSent={hear} /></>;
}

function Channel({ all, openThread }: { all: Snapshot; openThread: (ts: string) => void }) {
  const messages = all.messages.filter((m) => m.channel === all.channel && !m.thread_ts);
  const [isTaken, setTaken] = useState(false);
  const said = messages.filter((m) => m.user === all.bot && !m.visible_to);
  // Who asks for help first still finds the first message, and so does who comes back with other photos; a job of
  // these photos takes its place.
  const isSuggested = !isTaken && !said.some((m) => m.text.startsWith(`${photosOf(all.suggestion)} `));
  const onSent = (words: string) => { if (words === all.suggestion) setTaken(true); };
  return (
    <main>
      <header><h2><span className="hash">#</span> splats</h2> <span>Photos in, a 3D scene out</span></header>
      <Conversation messages={messages} all={all} openThread={openThread} channel={all.channel}
                    intro={<Intro isFirst={said.length === 0} isSuggested={isSuggested} />}
                    placeholder="Message #splats, or type / for commands"
                    suggestion={isSuggested ? all.suggestion : undefined} onSent={onSent} />
    </main>
  );
}

/** The photos that a command is about. */
const photosOf = (command: string) => command.split(" ")[1] ?? command;

/** What the channel is for. Once something was said, no message is suggested below. */
function Intro({ isFirst, isSuggested }: { isFirst: boolean; isSuggested: boolean }) {
  return (
    <section className="intro">
      <span className="avatar"><BotFace /></span>
      <h2>{isFirst ? "Make your first splat" : "Make a splat"}</h2>
      <p>
        {isSuggested ? "Photos are waiting. Send the message that is suggested below" : "Type /splat and choose photos"}:
        Splatbot finds where they were taken, trains a 3D scene, and answers with a link. Fly around in it, or walk.
      </p>
    </section>
  );
}

function Thread({ all, first, close }: { all: Snapshot; first: Message; close: () => void }) {
  const replies = all.messages.filter((m) => m.thread_ts === first.ts);
  const divider = <p className="divider"><span>{count(replies.length)}</span></p>;
  return (
    <aside aria-label="Thread" data-testid="thread-pane">
      <header>
        <h2>Thread</h2> <span>{first.channel === all.channel ? "# splats" : "Splatbot"}</span>
        <button type="button" className="icon" aria-label="Close thread" data-testid="thread-close" onClick={close}>
          <CloseIcon />
        </button>
      </header>
      <Conversation messages={[first, ...replies]} all={all} afterFirst={divider} channel={first.channel}
                    thread={first.ts} placeholder="Reply, or @splat status" />
    </aside>
  );
}

function Bot({ all, place, go, openThread }: {
  all: Snapshot;
  place: Place;
  go: (to: Place) => void;
  openThread: (ts: string) => void;
}) {
  const messages = all.messages.filter((m) => m.channel === all.direct && !m.thread_ts);
  const tab = (to: Place, name: string) => (
    <button type="button" role="tab" aria-selected={place === to} onClick={() => go(to)}>{name}</button>
  );
  return (
    <main>
      <header><span className="avatar"><BotFace /></span><h2>Splatbot</h2></header>
      <div className="tabs" role="tablist">{tab("home", "Home")}{tab("direct", "Messages")}</div>
      {place === "home" ? (
        <div className="home" data-testid="home">
          {all.home && (
            <Blocks blocks={all.home.blocks} names={all.names}
                    press={(action) => void act("press_in_view", { view: "home", action })} />
          )}
        </div>
      ) : (
        <Conversation messages={messages} all={all} openThread={openThread} channel={all.direct}
                      placeholder="Message Splatbot, or type / for commands" />
      )}
    </main>
  );
}

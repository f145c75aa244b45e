import { useState } from "react";
import { act, useSnapshot } from "./api";
import { Blocks } from "./Blocks";
import { Composer } from "./Composer";
import { Dialog } from "./Dialog";
import { MessageList } from "./Messages";
import type { Snapshot } from "./types";

const SUGGESTION = "/splat demo/parcel aerial";

/** A calm look-alike of Slack: one channel, one app, one person. */
export function App() {
  const all = useSnapshot();
  const [place, setPlace] = useState<"channel" | "home">("channel");
  const [thread, setThread] = useState<string | null>(null);
  if (!all) return <p className="loading">Opening the workspace…</p>;
  const goHome = () => { setPlace("home"); void act("open_home"); };
  return (
    <div className={thread ? "workspace with-thread" : "workspace"}>
      <nav aria-label="Workspace">
        <h1>Sandbox</h1>
        <h2>Channels</h2>
        <button className={place === "channel" ? "here" : ""} onClick={() => setPlace("channel")}># splats</button>
        <h2>Apps</h2>
        <button className={place === "home" ? "here" : ""} data-testid="home-tab" onClick={goHome}>◉ Splatbot</button>
        <p className="note">A Slack look-alike on this machine. Nothing leaves it.</p>
      </nav>
      {place === "channel" ? <Channel all={all} openThread={setThread} /> : <Home all={all} />}
      {thread && <Thread all={all} ts={thread} close={() => setThread(null)} />}
      {all.modal && <Dialog view={all.modal} errors={all.modal_errors} names={all.names} />}
    </div>
  );
}

function Channel({ all, openThread }: { all: Snapshot; openThread: (ts: string) => void }) {
  const messages = all.messages.filter((m) => !m.thread_ts);
  return (
    <main>
      <header><b># splats</b> <span>Photos in, a 3D scene out</span></header>
      <MessageList messages={messages} all={all} openThread={openThread} />
      {messages.length === 0 && (
        <section className="welcome">
          <h2>Make your first splat</h2>
          <p>Demo photos of a small parcel, taken by a drone, are waiting. Press the message below:
            the bot finds the cameras, trains a 3D scene, and replies with a link in which you fly and walk.</p>
          <button className="suggestion" data-testid="suggestion" onClick={() => void act("type", { text: SUGGESTION })}>
            {SUGGESTION}
          </button>
        </section>
      )}
      <Composer placeholder="Message #splats, or type / for commands" />
    </main>
  );
}

function Thread({ all, ts, close }: { all: Snapshot; ts: string; close: () => void }) {
  const messages = all.messages.filter((m) => m.ts === ts || m.thread_ts === ts);
  return (
    <aside aria-label="Thread" data-testid="thread-pane">
      <header><b>Thread</b><button className="plain" aria-label="Close thread" onClick={close}>✕</button></header>
      <MessageList messages={messages} all={all} />
      <Composer thread={ts} placeholder="Reply, or @splat status" />
    </aside>
  );
}

function Home({ all }: { all: Snapshot }) {
  return (
    <main>
      <header><b>Splatbot</b> <span>Home</span></header>
      <div className="home" data-testid="home">
        {all.home && (
          <Blocks blocks={all.home.blocks} names={all.names}
                  press={(action) => void act("press_in_view", { view: "home", action })} />
        )}
      </div>
    </main>
  );
}

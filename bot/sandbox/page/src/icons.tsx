import type { ReactNode } from "react";

/** Pictures of our own: a machine without an emoji font shows them too. */
const DRAWN: Record<string, ReactNode> = {
  white_check_mark: (
    <svg viewBox="0 0 20 20">
      <rect x="1.5" y="1.5" width="17" height="17" rx="4" fill="#2eb67d" />
      <path d="M5.5 10.3l3 3 6-6.4" fill="none" stroke="#fff" strokeWidth="2.2" strokeLinecap="round" strokeLinejoin="round" />
    </svg>
  ),
  warning: (
    <svg viewBox="0 0 20 20">
      <path d="M10 2.2L18.6 17a.7.7 0 0 1-.6 1H2a.7.7 0 0 1-.6-1z" fill="#ecb22e" />
      <path d="M10 7.2v5" stroke="#3b2f06" strokeWidth="2" strokeLinecap="round" />
      <circle cx="10" cy="15.1" r="1.2" fill="#3b2f06" />
    </svg>
  ),
  x: (
    <svg viewBox="0 0 20 20">
      <path d="M4.5 4.5l11 11m0-11l-11 11" stroke="#e01e5a" strokeWidth="3" strokeLinecap="round" />
    </svg>
  ),
  hourglass: (
    <svg viewBox="0 0 20 20">
      <path d="M5 2.5h10M5 17.5h10M6 2.5c0 4 3 5 4 7.5 1-2.5 4-3.5 4-7.5zM6 17.5c0-4 3-5 4-7.5 1 2.5 4 3.5 4 7.5z"
            fill="#d9b979" stroke="#8a6d3b" strokeWidth="1.3" strokeLinejoin="round" />
    </svg>
  ),
};
DRAWN["hourglass_flowing_sand"] = DRAWN["hourglass"];

/** An emoji by its short name; one that we have no picture of stays a word. */
export function Emoji({ name }: { name: string }) {
  const drawn = DRAWN[name];
  if (!drawn) return <>:{name}:</>;
  return <span className="emoji" role="img" aria-label={name.replaceAll("_", " ")}>{drawn}</span>;
}

/** The bot's face: three soft Gaussians. */
export function BotFace() {
  return (
    <svg viewBox="0 0 36 36">
      <rect width="36" height="36" fill="#2a1c4a" />
      <g style={{ mixBlendMode: "screen" }}>
        <ellipse cx="14" cy="15" rx="9" ry="6" fill="#8d6bff" opacity=".9" transform="rotate(-30 14 15)" />
        <ellipse cx="23" cy="18" rx="7" ry="10" fill="#20c3a5" opacity=".8" transform="rotate(25 23 18)" />
        <ellipse cx="16" cy="24" rx="9" ry="4.5" fill="#ff9f5a" opacity=".85" transform="rotate(12 16 24)" />
      </g>
    </svg>
  );
}

export const EyeIcon = () => (
  <svg viewBox="0 0 20 20" aria-hidden>
    <path d="M1.8 10S4.8 4.5 10 4.5 18.2 10 18.2 10 15.2 15.5 10 15.5 1.8 10 1.8 10z" fill="none" stroke="currentColor" strokeWidth="1.5" />
    <circle cx="10" cy="10" r="2.5" fill="currentColor" />
  </svg>
);

export const SendIcon = () => (
  <svg viewBox="0 0 20 20" aria-hidden>
    <path d="M2.5 3.2a.5.5 0 0 1 .7-.6l14.3 6.9a.5.5 0 0 1 0 .9L3.2 17.4a.5.5 0 0 1-.7-.6l1.9-5.6 6.6-1.2-6.6-1.2z" fill="currentColor" />
  </svg>
);

export const CloseIcon = () => (
  <svg viewBox="0 0 20 20" aria-hidden>
    <path d="M5 5l10 10M15 5L5 15" stroke="currentColor" strokeWidth="1.8" strokeLinecap="round" />
  </svg>
);

export const AttachIcon = () => (
  <svg viewBox="0 0 20 20" aria-hidden>
    <path d="M10 4v12M4 10h12" stroke="currentColor" strokeWidth="1.7" strokeLinecap="round" />
  </svg>
);

export const FileIcon = () => (
  <svg viewBox="0 0 20 20" aria-hidden>
    <path d="M5 2.5h6.5L15.5 6.5v11H5z" fill="none" stroke="currentColor" strokeWidth="1.5" strokeLinejoin="round" />
    <path d="M11.5 2.5v4h4" fill="none" stroke="currentColor" strokeWidth="1.5" strokeLinejoin="round" />
  </svg>
);
